"""The command line in hand: run inside the test, or as a process of its own."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from rtstream_cli.app import app
from rtstream_cli.console import console
from rtstream_cli.serving import logs

Run = Callable[..., Result]

SWITCHES = ("CI", "NO_COLOR", "FORCE_COLOR")


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No switch of the person's own environment, no flag and no log of another test decides a test."""
    console.configure()
    for name in [name for name in os.environ if name.startswith("RTSTREAM_") or name in SWITCHES]:
        if name != "RTSTREAM_ICE_ADDRESSES":
            monkeypatch.delenv(name)
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, logs.Text | logs.Json):
            root.removeHandler(handler)
    for name in ("", "rtstream", "uvicorn"):
        logging.getLogger(name).setLevel(logging.NOTSET if name else logging.WARNING)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder; what a test imports from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def cli(project: Path) -> Run:
    """Run a command inside this process, in an empty working folder."""

    def run(*words: str, **environment: str) -> Result:
        return CliRunner().invoke(app, list(words), env=environment)

    return run


def document(result: Result) -> dict[str, Any]:
    """The one JSON document on stdout, after the command has succeeded."""
    assert result.exit_code == 0, result.stderr
    loaded: dict[str, Any] = json.loads(result.stdout)
    assert loaded["schema_version"] == 1
    return loaded


def program(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as its own process, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "rtstream_cli", *words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def on_terminal(*words: str, cwd: Path, typed: str = "") -> str:
    """What a command shows on a terminal, to a person who types something."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rtstream_cli", *words],
        cwd=cwd,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # so Linux tells that the other end is closed
        pass
    assert process.wait(60) == 0, shown.decode()
    os.close(ours)
    return shown.decode()
