"""The README tells the truth: its Python files run, and its commands do what they say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(300)]

# The comment above a block says what to do with it: run its commands, or write it to a file of that name.
BLOCK = re.compile(r"(?:<!-- (?P<note>[\w.]+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.S)


class Block(NamedTuple):
    """One block of code in the README."""

    note: str
    language: str
    text: str


def blocks() -> list[Block]:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return [Block(found["note"] or "", found["language"], found["text"]) for found in BLOCK.finditer(text)]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory, speech: Path) -> Path:
    """A folder with a recorded voice and the Python files of the README."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copy(speech, folder / "voice.wav")
    for block in blocks():
        if block.language == "python":
            (folder / block.note).write_text(block.text, encoding="utf-8")
    return folder


def test_the_readme_opens_with_a_handler_of_about_ten_lines() -> None:
    first = blocks()[0]
    assert first.language == "python"
    assert len(first.text.splitlines()) <= 10


def test_every_python_block_names_its_file() -> None:
    for block in blocks():
        assert block.language != "python" or block.note.endswith(".py"), block.text


@pytest.mark.parametrize("name", [block.note for block in blocks() if block.language == "python"])
def test_a_python_file_of_the_readme_runs(name: str, scratch: Path) -> None:
    done = subprocess.run([sys.executable, name], cwd=scratch, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", [block.text for block in blocks() if block.note == "run"])
def test_the_commands_of_the_readme_work(text: str, scratch: Path, free_port: int) -> None:
    env = os.environ | {"RTSTREAM_PORT": str(free_port)}
    cwd = scratch
    for line in text.splitlines():
        words = shlex.split(line)
        if words[0] == "cd":
            cwd = cwd / words[1]
        elif words[:2] == ["rtstream", "serve"]:
            serve(words, cwd, env)
        else:
            done = subprocess.run(
                words, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
            )
            assert done.returncode == 0, line + "\n" + done.stdout + done.stderr


def serve(words: list[str], cwd: Path, env: dict[str, str]) -> None:
    """Start the server, wait until it says that it is ready, and stop it as a person's Ctrl-C does."""
    with subprocess.Popen(
        words, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        said = ""
        deadline = time.monotonic() + 30
        while "Ready" not in said and time.monotonic() < deadline and (line := server.stdout.readline()):
            said += line
        server.send_signal(signal.SIGINT)
        said += server.communicate(timeout=20)[0]
    assert "Ready" in said, said
    assert server.returncode == 0, said
