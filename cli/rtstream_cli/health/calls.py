"""Calls that are really made: to an echo over this machine's loopback, or to a running server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rtstream import Stream
from rtstream.errors import RtstreamError
from rtstream.loopback.report import Row
from rtstream.loopback.result import Result
from rtstream.loopback.run import run_file
from rtstream.media.files import ClipWriter
from rtstream.media.frames import AudioFrame

from .. import builtins
from .finding import Finding, failed

WAYS = {"webrtc": "WebRTC", "websocket": "WebSocket", "phone": "telephone"}
FRAMES = 25  # of the tone: half a second
LINGER, PATIENCE = 0.4, 20.0  # seconds


def look() -> Iterator[Finding]:
    """Call an echo on this machine in each way."""
    yield from call(Stream(builtins.echo, modality="audio", mode="send-receive", verbose=False))


def call(target: Stream | str) -> Iterator[Finding]:
    """Send a tone through a stream, or to one at an address, in each way."""
    with tempfile.TemporaryDirectory(prefix="rtstream-") as folder:
        tone = _tone(Path(folder) / "tone.wav")
        try:
            report = run_file(target, tone, list(WAYS), linger=LINGER, timeout=PATIENCE)
        except RtstreamError as error:
            yield failed("calls", error)
            return
    for row, result in zip(report.rows, report.results, strict=True):
        yield _judged(WAYS[row.via], row, result)


def _judged(name: str, row: Row, result: Result) -> Finding:
    if result.errors:
        return failed(name, result.errors[0])
    if row.verdict == "fail":
        return Finding(name, "warn", row.why)
    if row.verdict == "silent":
        said = f"the call stood for {row.took:.1f} s, and no sound came back"
        fix = "A handler may wait for speech: `rtstream test-file speech.wav TARGET` sends some"
        return Finding(name, "warn", said, fix)
    first = f", the first of it after {row.first_audio_ms:.0f} ms" if row.first_audio_ms is not None else ""
    return Finding(
        name, "ok", f"{row.seconds_in:.1f} s of sound went, {row.seconds_out:.1f} s came back{first}"
    )


def _tone(path: Path) -> Path:
    with ClipWriter(path) as file:
        for rate, samples in islice(builtins.tone(), FRAMES):
            file.audio(AudioFrame(samples, rate))
    return path
