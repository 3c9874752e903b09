"""Far ends of sockets that stop sending, on stepped time."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from rtstream.clock import Clock, run_stepped
from rtstream.media.frames import FRAME_SECONDS, AudioFrame
from rtstream.transports.stopping import LOOK, SILENT, STALLS, heard_to_stop


class FarEnd:
    """What comes from it, and the silence that is heard of it, each piece with its moment."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.last: AudioFrame | None = None
        self.heard: list[tuple[float, AudioFrame]] = []

    def hear(self, frame: AudioFrame) -> None:
        self.heard.append((self.clock.now(), frame))

    async def talk(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME_SECONDS)):
            self.last = AudioFrame(np.ones((1, 160), np.int16), 8000)
            await self.clock.sleep(FRAME_SECONDS)

    async def watched(self) -> None:
        await heard_to_stop(lambda: self.last, self.hear)


def test_who_has_said_nothing_is_not_heard_to_stop() -> None:
    async def main() -> None:
        far = FarEnd()
        watching = asyncio.create_task(far.watched())
        await far.clock.sleep(20)
        assert far.heard == []
        watching.cancel()

    run_stepped(main())


def test_two_seconds_of_silence_are_heard_in_their_time_each_time_that_a_far_end_stops() -> None:
    async def main() -> None:
        far = FarEnd()
        watching = asyncio.create_task(far.watched())
        for _ in range(2):
            await far.talk(3.5)
            stopped = far.clock.now() - FRAME_SECONDS  # when the last piece came
            assert far.heard == [], "of who talks no silence is heard"
            await far.clock.sleep(20)
            moments = [at for at, _ in far.heard]
            assert len(moments) == SILENT / FRAME_SECONDS
            assert STALLS * LOOK <= moments[0] - stopped <= (STALLS + 1) * LOOK
            assert np.diff(moments) == pytest.approx(FRAME_SECONDS)
            assert all(frame.rate == 8000 and not frame.samples.any() for _, frame in far.heard)
            far.heard.clear()
        watching.cancel()

    run_stepped(main())


def test_the_silence_ends_when_the_far_end_goes_on() -> None:
    async def main() -> None:
        far = FarEnd()
        watching = asyncio.create_task(far.watched())
        await far.talk(1)
        while len(far.heard) < 10:
            await far.clock.sleep(FRAME_SECONDS)
        await far.talk(1)
        assert 10 <= len(far.heard) <= 11
        watching.cancel()

    run_stepped(main())
