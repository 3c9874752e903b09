"""Real time for a caller: each frame at its moment, on an absolute schedule that does not drift."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from rtstream.loopback.taken import Taken
from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.transports.file import Script


async def ticks(
    script: Script, taken: Taken, rate: int | None = None, channels: int = 1
) -> AsyncIterator[AudioFrame | None]:
    """Every 20 ms what is to be said, until it is time to hang up; None where sound is not said.

    It starts the call: `taken.started` is the moment of the first frame.
    """
    loop = asyncio.get_running_loop()
    taken.started = loop.time()
    for at, frame in script.ticks(rate, channels):
        await _until(taken.started + at)
        now = loop.time()
        if taken.gone or script.over(now - taken.started, max(taken.last - taken.started, 0.0)):
            return
        if frame is not None:
            taken.say(frame, now)
        yield frame


async def sound(script: Script, taken: Taken, rate: int) -> AsyncIterator[AudioFrame]:
    """`ticks` for wires on which something is always said: silence where there is nothing else."""
    silence = AudioFrame(np.zeros((1, rate // 50), np.int16), rate)
    async for frame in ticks(script, taken, rate):
        yield frame or silence


async def pictures(script: Script, taken: Taken) -> AsyncIterator[tuple[float, VideoFrame]]:
    """The recording's pictures, each at its time after `taken.started`."""
    for at, picture in script.pictures():
        await _until(taken.started + at)
        taken.say(picture, asyncio.get_running_loop().time())
        yield at, picture


async def _until(when: float) -> None:
    if (wait := when - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(wait)
