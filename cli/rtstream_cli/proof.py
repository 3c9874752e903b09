"""A new project's own proof: its sample sent through its handler, and its tests, each in a fresh process."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from rtstream.errors import RtstreamError

LONGEST = 120.0  # seconds: a machine may be slow, but a project of forty lines is not


def prove(folder: Path, sample: str) -> list[str]:
    """Run the project's proofs and return the commands that passed.

    Raises:
        RtstreamError: one of them did not pass; its output is the reason.
    """
    proofs = {f"rtstream test-file {sample}": ["-m", "rtstream_cli", "test-file", sample, "--quiet"]}
    if importlib.util.find_spec("pytest"):
        proofs["pytest"] = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for shown, words in proofs.items():
        _run(folder, shown, words)
    return list(proofs)


def _run(folder: Path, shown: str, words: list[str]) -> None:
    # What the person has set for other projects is not meant for this one, and the proof leaves no trace.
    foreign = ("RTSTREAM_", "PYTEST_", "COV_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    try:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env={**own, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        raise _failed(folder, shown, f"it was not done after {LONGEST:.0f} s") from None
    if done.returncode != 0:
        raise _failed(folder, shown, f"exit code {done.returncode}\n{done.stdout.strip()[-2000:]}")


def _failed(folder: Path, shown: str, why: str) -> RtstreamError:
    return RtstreamError(
        f"`{folder.name}` is written, but its own `{shown}` does not pass here",
        why=why,
        fix=f"Run it again: cd {folder.name} && {shown}",
    )
