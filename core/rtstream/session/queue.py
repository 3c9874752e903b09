"""A queue of frames that is bounded in seconds or in pictures, with a way to forget it all."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, Protocol, TypeVar

from ..clock import pass_turn

Weighed = TypeVar("Weighed", bound="HasDuration")


class HasDuration(Protocol):
    """Anything that lasts."""

    @property
    def duration(self) -> float: ...


class Bell:
    """Wakes the one who waits for it; rung while nobody waits, it is not remembered."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        if (waiter := self._waiter) is not None and not waiter.done():
            waiter.set_result(None)

    async def wait(self) -> None:
        if self._loop is None:  # kept, as in `Clock`
            self._loop = asyncio.get_running_loop()
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None


class FrameQueue(Generic[Weighed]):
    """Frames between one who gives and one who takes, both in the same event loop.

    Args:
        room: how many seconds it may hold; None bounds it by `most` alone.
        most: how many frames it may hold; None bounds it by `room` alone.
        bell: is rung when a frame comes; one of its own by default.

    `dropped` counts what `push` threw away because the taker was too slow.
    """

    def __init__(
        self, *, room: float | None = None, most: int | None = None, bell: Bell | None = None
    ) -> None:
        self._room = room
        self._most = most
        self._frames: deque[Weighed] = deque()
        self._there = bell or Bell()
        self._space = asyncio.Event()
        self.seconds = 0.0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, frame: Weighed) -> None:
        """Add a frame without waiting; the oldest go when there is no room."""
        self._append(frame)
        while len(self._frames) > 1 and self._too_full():
            self.seconds -= self._frames.popleft().duration
            self.dropped += 1

    async def put(self, frame: Weighed, ahead: float) -> None:
        """Add a frame; then wait while more than `ahead` seconds (or `most` frames) are held.

        It always gives others a turn, so that one who never waits cannot hold up the loop.
        """
        self._append(frame)
        if len(self._frames) > 1:  # else who takes it has already been woken
            await pass_turn()
        while self.seconds > ahead or (self._most is not None and len(self._frames) > self._most):
            self._space.clear()
            await self._space.wait()

    async def pop(self) -> Weighed:
        """Take the oldest frame; wait for one."""
        await self.wait()
        return self.take()

    def take(self) -> Weighed:
        """Take the oldest frame, which is there."""
        frame = self._frames.popleft()
        self.seconds = self.seconds - frame.duration if self._frames else 0.0
        self._space.set()
        return frame

    async def wait(self) -> None:
        """Wait until there is a frame to take."""
        while not self._frames:
            await self._there.wait()

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()
        self.seconds = 0.0
        self._space.set()

    def _append(self, frame: Weighed) -> None:
        self._frames.append(frame)
        self.seconds += frame.duration
        self._there.ring()

    def _too_full(self) -> bool:
        if self._most is not None and len(self._frames) > self._most:
            return True
        return self._room is not None and self.seconds > self._room
