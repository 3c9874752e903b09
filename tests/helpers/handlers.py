"""Handlers that the tests of sessions give to streams."""

from __future__ import annotations

import asyncio
import queue
from typing import Any

import numpy as np

from rtstream import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    StreamHandler,
    wait_for_item,
)

from .media import Picture, Sound


class Log:
    """What the copies of a handler have been through, all in one list."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.frames: list[Any] = []

    def note(self, event: str) -> None:
        self.events.append(event)

    def count(self, event: str) -> int:
        return self.events.count(event)


class Echo(StreamHandler):
    """What FastRTC's documentation shows first: a queue between `receive` and `emit`."""

    def __init__(self, log: Log | None = None, **more: Any) -> None:
        super().__init__(**{"input_sample_rate": 48000, "output_sample_rate": 48000, **more})
        self.log = log or Log()
        self.queue: queue.Queue[Any] = queue.Queue()
        self.log.note("made")

    def copy(self) -> Echo:
        return type(self)(
            self.log, input_sample_rate=self.input_sample_rate, output_sample_rate=self.output_sample_rate
        )

    def start_up(self) -> None:
        self.log.note("start_up")

    def receive(self, frame: Sound) -> None:
        self.log.note("receive")
        self.queue.put(frame)

    def emit(self) -> Any:
        return self.queue.get()

    def shutdown(self) -> None:
        self.log.note("shutdown")


class AsyncEcho(AsyncStreamHandler):
    """The same with an asyncio queue."""

    def __init__(self, log: Log | None = None, **more: Any) -> None:
        super().__init__(**{"input_sample_rate": 48000, "output_sample_rate": 48000, **more})
        self.log = log or Log()
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.log.note("made")

    def copy(self) -> AsyncEcho:
        return type(self)(
            self.log, input_sample_rate=self.input_sample_rate, output_sample_rate=self.output_sample_rate
        )

    async def start_up(self) -> None:
        self.log.note("start_up")

    async def receive(self, frame: Sound) -> None:
        self.log.note("receive")
        self.queue.put_nowait(frame)

    async def emit(self) -> Any:
        return await wait_for_item(self.queue)

    async def shutdown(self) -> None:
        self.log.note("shutdown")


class Interrupted(AsyncEcho):
    """Says something long and high, and something short and low in its place as soon as it hears anything."""

    async def start_up(self) -> None:
        self.queue.put_nowait(tone(20000, seconds=10))

    async def receive(self, frame: Sound) -> None:
        self.clear_queue()
        self.queue.put_nowait(tone(-20000, seconds=0.2))


class Saying(AsyncStreamHandler):
    """Gives what is in its list, one thing at each `emit`, then nothing more; hears nothing."""

    def __init__(self, *things: Any, rate: int = 48000) -> None:
        super().__init__(output_sample_rate=rate)
        self.things = list(things)
        self.asked = 0

    async def receive(self, frame: Sound) -> None:
        pass

    async def emit(self) -> Any:
        self.asked += 1
        if self.things:
            return self.things.pop(0)
        await asyncio.Event().wait()


class AudioVideoEcho(AudioVideoStreamHandler):
    """Sound and pictures there and back, in threads."""

    def __init__(self, log: Log | None = None) -> None:
        super().__init__(input_sample_rate=48000, output_sample_rate=48000)
        self.log = log or Log()
        self.sounds: queue.Queue[Any] = queue.Queue()
        self.pictures: queue.Queue[Any] = queue.Queue()

    def copy(self) -> AudioVideoEcho:
        return AudioVideoEcho(self.log)

    def receive(self, frame: Sound) -> None:
        self.log.frames.append(frame)
        self.sounds.put(frame)

    def emit(self) -> Any:
        return self.sounds.get()

    def video_receive(self, frame: Picture) -> None:
        self.log.frames.append(frame)
        self.pictures.put(frame)

    def video_emit(self) -> Any:
        return self.pictures.get()

    def shutdown(self) -> None:
        self.log.note("shutdown")


class AsyncAudioVideoEcho(AsyncAudioVideoStreamHandler):
    """Sound and pictures there and back, in the loop."""

    def __init__(self, log: Log | None = None) -> None:
        super().__init__(input_sample_rate=48000, output_sample_rate=48000)
        self.log = log or Log()
        self.sounds: asyncio.Queue[Any] = asyncio.Queue()
        self.pictures: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> AsyncAudioVideoEcho:
        return AsyncAudioVideoEcho(self.log)

    async def receive(self, frame: Sound) -> None:
        self.log.frames.append(frame)
        self.sounds.put_nowait(frame)

    async def emit(self) -> Any:
        return await self.sounds.get()

    async def video_receive(self, frame: Picture) -> None:
        self.log.frames.append(frame)
        self.pictures.put_nowait(frame)

    async def video_emit(self) -> Any:
        return await self.pictures.get()

    async def shutdown(self) -> None:
        self.log.note("shutdown")


def tone(value: int = 1000, *, seconds: float = 0.02, rate: int = 48000) -> Sound:
    """Sound as a handler gives it, all samples of one value."""
    return rate, np.full((1, round(seconds * rate)), value, np.int16)
