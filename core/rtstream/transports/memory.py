"""A line inside the program: a test says something and looks at what came back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..clock import Clock
from ..media.frames import FRAME_SECONDS, Frame, Heard


class MemoryTransport:
    """The far end in your hands.

    `say` frames and messages to the handler, `hang_up` when done; `heard` lists `(time, frame)` of what
    came back, times by the session's clock from its start; `messages` lists the texts beside the media,
    `cleared` counts how often the far end was told to forget what it had not played. Set `behind` to let
    the far end say how many seconds late it plays.

    Args:
        rate: samples a second that the far end is sent; None for what the handler emits best.
        lead: how far ahead of the clock it may be fed, in seconds.
        phone: play a telephone carrier.
        channels: how many channels of sound it can be sent.
        piece: seconds of sound that it is sent at a time.
    """

    websocket: Any = None

    def __init__(
        self,
        *,
        rate: int | None = None,
        lead: float = 0.0,
        phone: bool = False,
        channels: int = 2,
        piece: float = FRAME_SECONDS,
    ) -> None:
        self.rate = rate
        self.lead = lead
        self.phone = phone
        self.channels = channels
        self.piece = piece
        self.behind = 0.0
        self.drift = 0.0
        self.heard: list[tuple[float, Frame]] = []
        self.messages: list[str] = []
        self.cleared = 0
        self.closed = False
        self._clock = Clock()
        self._begun: float | None = None
        self._said: asyncio.Queue[Heard | None] = asyncio.Queue()
        self._changed = asyncio.Condition()

    def say(self, *frames: Heard) -> None:
        """Say something to the handler."""
        for frame in frames:
            self._said.put_nowait(frame)

    def hang_up(self) -> None:
        """Leave, after what was said has arrived."""
        self._said.put_nowait(None)

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait until `enough()` is true; it is asked again whenever something came back."""
        async with self._changed:
            await self._changed.wait_for(enough)

    async def run(self, hear: Callable[[Heard], None]) -> None:
        self._begun = self._clock.now()
        while not self.closed and (frame := await self._said.get()) is not None:
            hear(frame)

    async def send(self, frame: Frame) -> None:
        self.heard.append((self._clock.now() - (self._begun or 0.0), frame))
        await self._tell()

    async def send_message(self, text: str) -> None:
        self.messages.append(text)
        await self._tell()

    async def clear(self) -> None:
        self.cleared += 1
        await self._tell()

    async def close(self) -> None:
        self.closed = True
        self.hang_up()
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
