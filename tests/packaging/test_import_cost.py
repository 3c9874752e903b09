"""What is loaded and what is not: nothing heavy stands between a person and `--help`."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rtstream

HEAVY = {"gradio", "aiortc", "av", "numpy", "fastapi", "starlette", "uvicorn", "httpx", "pandas"}


def loaded_by(code: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after this code."""
    tail = "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code + tail], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_import_rtstream_loads_nothing_heavy() -> None:
    assert not loaded_by("import rtstream") & HEAVY


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["new", "--list"],
        ["serve", "--help"],
        ["phone", "--help"],
        ["tunnel", "--help"],
    ],
)
def test_a_command_that_handles_no_media_loads_nothing_heavy(words: list[str]) -> None:
    code = f"""
import sys
from rtstream_cli.app import run
sys.argv = ["rtstream", *{words}]
try:
    run()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert not loaded_by(code) & HEAVY


def test_a_stream_is_made_without_gradio() -> None:
    code = "import rtstream; rtstream.Stream(lambda frame: frame, modality='audio')"
    assert "gradio" not in loaded_by(code)


def test_every_public_name_is_there() -> None:
    for name in rtstream.__all__:
        assert getattr(rtstream, name) is not None


def test_the_public_names_are_listed_in_order() -> None:
    assert list(rtstream.__all__) == sorted(rtstream.__all__, key=str.casefold)
