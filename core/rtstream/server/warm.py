"""A short call through a stream before its first caller, so that nobody pays for first times."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..clock import Clock
from ..errors import HandlerHung, RtstreamError

if TYPE_CHECKING:
    from ..media.frames import Heard

LONGEST = 3.0  # seconds that the call may take
ANSWER = 0.5  # seconds in which an answer is waited for: not every handler has one to silence
OFFERS = "rtstream.server.offers"  # what a call over WebRTC loads, aiortc with it
CALL_ID = "warm-up"  # the id of its session, for those who filter the log


@dataclass
class Warmth:
    """How long the parts of the warm-up took, in seconds, and what went wrong in it."""

    imports: float = 0.0
    call: float = 0.0
    trouble: RtstreamError | None = None


async def warm(stream: Any, imports: str = OFFERS) -> Warmth:
    """Load what a first call would load, and send a fifth of a second of silence through the handler.

    The call does not count against the stream's limit. What goes wrong in it is told, not raised.

    Args:
        stream: a `Stream`.
        imports: the module that its first call would load.
    """
    clock = Clock()
    begun = clock.now()
    await asyncio.to_thread(import_module, imports)
    loaded = clock.now()
    trouble = await _call(stream)
    return Warmth(loaded - begun, clock.now() - loaded, trouble)


async def _call(stream: Any) -> RtstreamError | None:
    from ..session.registry import Sessions
    from ..transports.memory import MemoryTransport

    beside = copy.copy(stream)
    beside.sessions = Sessions(None)
    line = MemoryTransport()
    life = asyncio.create_task(beside.run(line, CALL_ID))
    if stream.mode != "receive":
        line.say(*_silence(stream.modality))
    answer = asyncio.create_task(line.until(lambda: bool(line.heard)))
    await asyncio.wait({life, answer}, timeout=ANSWER, return_when=asyncio.FIRST_COMPLETED)
    answer.cancel()
    line.hang_up()
    done, _ = await asyncio.wait({life}, timeout=LONGEST - ANSWER)
    if not done:
        life.cancel()
        return HandlerHung(
            f"it did not come to its end within {LONGEST:g} s",
            why="a call of the handler does not come back",
            fix="Give each wait in it a time limit, or start with --no-warm",
        )
    try:
        session = life.result()
    except RtstreamError as refusal:  # the handler cannot even be made
        return refusal
    return session.errors[0] if session.errors else None


def _silence(modality: str) -> list[Heard]:
    import numpy as np

    from ..media.frames import AudioFrame, VideoFrame

    frames: list[Heard] = []
    if "audio" in modality:
        frames += [AudioFrame(np.zeros((1, 960), np.int16), 48000)] * 10
    if "video" in modality:
        frames += [VideoFrame(np.zeros((240, 320, 3), np.uint8))] * 3
    return frames
