"""Who is measured: rtstream, FastRTC in an interpreter of its own, and bare aiortc."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass, field

from .report import note

VARIABLE = "RTSTREAM_BENCH_FASTRTC"
VAD_VARIABLE = "RTSTREAM_BENCH_VAD"
VERSION = "0.0.34"


@dataclass(frozen=True)
class Peer:
    """One server to measure: a file in servers/, the interpreter it runs in, and its settings."""

    name: str
    app: str
    python: str = sys.executable
    loop: str = "asyncio"
    env: dict[str, str] = field(default_factory=dict)


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments that all benchmarks share."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--fastrtc",
        metavar="PYTHON",
        default=os.environ.get(VARIABLE),
        help=f"an interpreter with fastrtc=={VERSION} and uvicorn (default: ${VARIABLE})",
    )
    made.add_argument("--rounds", type=int, default=3, help="how often all are measured in turn")
    return made


def fastrtc_python(args: argparse.Namespace) -> str | None:
    """FastRTC's interpreter, or None with a word about it."""
    if not args.fastrtc:
        note(f"FastRTC {VERSION}: skipped (name its interpreter with --fastrtc or {VARIABLE})")
        return None
    code = "import importlib.metadata as m; print(m.version('fastrtc'))"
    found = subprocess.run([args.fastrtc, "-c", code], capture_output=True, text=True)
    if found.returncode:
        note(f"FastRTC {VERSION}: skipped ({args.fastrtc} has no fastrtc)")
        return None
    if found.stdout.strip() != VERSION:
        note(f"FastRTC: version {found.stdout.strip()} is measured, not {VERSION}")
    return str(args.fastrtc)


def add_vad(parser: argparse.ArgumentParser) -> None:
    """The argument of those that measure FastRTC's ReplyOnPause."""
    parser.add_argument(
        "--vad",
        metavar="FILE",
        default=os.environ.get(VAD_VARIABLE),
        help=f"the Silero model that FastRTC would download (default: ${VAD_VARIABLE})",
    )


def vad(args: argparse.Namespace, python: str | None) -> str | None:
    """FastRTC's Silero model, or None with a word about it."""
    if python is not None and not args.vad:
        note(f"FastRTC with its own model: skipped (name the file with --vad or {VAD_VARIABLE})")
    return args.vad or None


def ours(app: str, loop: str = "asyncio", name: str = "rtstream", **env: str) -> Peer:
    """rtstream with a server file, in this interpreter."""
    return Peer(name, app, loop=loop, env={"BENCH_ENGINE": "rtstream", **env})


def theirs(python: str, app: str, loop: str = "asyncio", name: str = "FastRTC", **env: str) -> Peer:
    """FastRTC with the same server file."""
    return Peer(name, app, python, loop, {"BENCH_ENGINE": "fastrtc", **env})


def bare(app: str = "aiortc_echo") -> Peer:
    """aiortc with nothing on top."""
    return Peer("aiortc", app)


def has(module: str, python: str | None = None) -> bool:
    """Whether an interpreter has a module; this one by default."""
    if python is None:
        return importlib.util.find_spec(module) is not None
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0
