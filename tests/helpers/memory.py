"""Callers over memory, on stepped time."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from rtstream import Stream
from rtstream.clock import Clock, pass_turn, run_stepped
from rtstream.media.frames import Frame, Heard, Kind
from rtstream.session.session import Session
from rtstream.transports.memory import MemoryTransport

T = TypeVar("T")


def stepped(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on stepped time, and fail if it leaves a task, a thread or an unheard exception."""
    unheard: list[dict[str, Any]] = []
    before = session_threads()

    async def watched() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, report: unheard.append(report))
        result = await coroutine
        assert not left_threads(before), f"threads still running at the end: {left_threads(before)}"
        await Clock().sleep(0.001)  # which is over when all is done that ended threads told the loop to do
        assert not left_tasks(), f"tasks still running at the end: {left_tasks()}"
        return result

    result = run_stepped(watched())
    assert not unheard, f"exceptions that nobody waited for: {unheard}"
    return result


def left_tasks() -> list[str]:
    """The tasks that run beside the current one."""
    return [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]


def left_threads(before: Iterable[threading.Thread] = (), patience: float = 5.0) -> list[str]:
    """The threads of sessions, beside those of `before`, that have not ended after `patience` seconds."""
    deadline = time.monotonic() + patience
    made = session_threads() - set(before)
    for thread in made:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread.name for thread in made if thread.is_alive()]


def session_threads() -> set[threading.Thread]:
    """The threads that sessions have made."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("rtstream-")}


class Call:
    """One connection over memory: say something, look at what came back, see how it ended."""

    def __init__(self, stream: Stream, line: MemoryTransport, id: str) -> None:
        self.stream = stream
        self.line = line
        self.id = id
        self.life = asyncio.ensure_future(stream.run(line, id))
        self._clock = Clock()

    @property
    def session(self) -> Session:
        """The session while it lives."""
        return self.stream.sessions.get(self.id)

    def say(self, *frames: Heard) -> None:
        """Say it all at once."""
        self.line.say(*frames)

    async def talk(self, *frames: Heard, every: float = 0.02) -> None:
        """Say one after the other, in time."""
        for frame in frames:
            self.line.say(frame)
            await self._clock.sleep(every)

    def heard(self, kind: Kind | None = None) -> list[Frame]:
        """What came back so far."""
        return [frame for _, frame in self.line.heard if kind is None or frame.kind == kind]

    def told(self, type: str | None = None) -> list[dict[str, Any]]:
        """The messages that came beside the media so far."""
        read = [json.loads(text) for text in self.line.messages]
        return [message for message in read if type is None or message.get("type") == type]

    async def until(self, enough: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until something that comes back makes it true."""
        async with asyncio.timeout(seconds):
            await self.line.until(enough)

    async def until_heard(self, count: int, kind: Kind | None = None) -> list[Frame]:
        """Wait for so many frames to have come back."""
        await self.until(lambda: len(self.heard(kind)) >= count)
        return self.heard(kind)

    async def until_told(self, type: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for so many messages of that type to have come."""
        await self.until(lambda: len(self.told(type)) >= count)
        return self.told(type)

    async def ended(self, seconds: float = 60.0) -> Session:
        """Wait for the connection to end, and return what it was."""
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self.life)

    async def hung_up(self) -> Session:
        """Leave, and return what the connection was."""
        self.line.hang_up()
        return await self.ended()


@asynccontextmanager
async def calling(
    stream: Stream, line: MemoryTransport | None = None, id: str = "caller"
) -> AsyncIterator[Call]:
    """A connection over memory, that has ended when the block has."""
    call = Call(stream, line or MemoryTransport(), id)
    await pass_turn()
    try:
        yield call
    finally:
        call.line.hang_up()
        await asyncio.wait([call.life])
