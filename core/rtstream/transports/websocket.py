"""A line over a WebSocket, in whatever dialect its wire speaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.websockets import WebSocket

from ..context import Call
from ..errors import BadMessage, BodyTooLarge, ConnectionRefused, RtstreamError
from ..media.frames import AudioFrame, Digit, Frame, Heard
from ..wire.base import MOST_TEXT, Event, Marked, Reply, Started, Stopped, Wire
from .marks import Marks
from .stopping import heard_to_stop
from .uvicorn_inside import WOKEN, Direct, direct
from .websocket_frames import Said
from .websocket_way import Way

START_SECONDS = 10.0  # what a client may take to say who it is


class WebSocketTransport:
    """The far end of a WebSocket. Use: `id = await line.started()`, then hand it to a session.

    `call` is the telephone call that it carries, known once it has started; None if it is none.
    """

    channels = 1
    drift = 0.0

    def __init__(self, websocket: WebSocket, wire: Wire) -> None:
        self.websocket: Any = websocket
        self._wire = wire
        self._marks = Marks()
        self._way = Way(websocket)
        self._hear: Callable[[Heard], None] | None = None
        self._left: list[Event | RtstreamError] = []  # what messages had that the task has to deal with
        self._last: AudioFrame | None = None
        self.call: Call | None = None
        self.phone, self.lead = wire.phone, wire.lead
        self.rate, self.piece = wire.rate, wire.piece

    async def started(self) -> str | None:
        """Wait for the far end to say who it is; None if it leaves before.

        Raises:
            BadMessage: it speaks another dialect, or says nothing for ten seconds.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                while (events := await self._next()) is not None:
                    for event in events:
                        match event:
                            case Started(id, call):
                                self.call = call
                                self.rate, self.piece = self._wire.rate, self._wire.piece
                                return id
                            case Reply(text):
                                await self._send(text)
                            case Stopped():
                                await self.close()
                                return None
                return None
        except TimeoutError:
            raise BadMessage(
                f"no `start` message came within {START_SECONDS:g} s", fix='Send {"event": "start", …} first'
            ) from None

    def hear_at(self, rate: int) -> None:
        """Tell the wire in which rate the handler hears."""
        self._wire.hear_at(rate)

    async def run(self, hear: Callable[[Heard], None]) -> None:
        self._hear = hear
        self._way = direct(self.websocket, self._take) or self._way
        watching = asyncio.ensure_future(heard_to_stop(lambda: self._last, hear))
        try:
            while (events := await self._next()) is not None:
                for event in events:
                    match event:
                        case Reply(text):
                            await self._send(text)
                        case Stopped():
                            return
                        case RtstreamError():
                            raise event
                        case _:  # behind those that are still to be taken
                            self._way.then(self._notice, event)
        except ConnectionRefused as error:
            await self.refuse(error)
        finally:
            watching.cancel()
            self._way.release()

    def send(self, frame: Frame) -> Awaitable[None] | None:
        if not isinstance(frame, AudioFrame):
            return None
        self._way.then(self._say, frame)
        return self._way.room()

    def _say(self, frame: AudioFrame) -> None:
        self._way.send(self._wire.encode(frame))
        name = self._marks.after(frame.duration)
        mark = self._wire.mark(name) if name is not None else None
        if mark is not None:
            self._way.send(mark)

    async def send_message(self, text: str) -> None:
        await self._send(text)

    async def press(self, digits: str) -> bool:
        message = self._wire.press(digits)
        await self._send_if_any(message)
        return message is not None

    async def clear(self) -> None:
        self._marks.clear()
        await self._send_if_any(self._wire.clear())

    @property
    def behind(self) -> float:
        return self._marks.behind

    async def refuse(self, error: RtstreamError) -> None:
        """Say what is wrong, except to a carrier, and hang up."""
        if not self.phone:
            await self._send(json.dumps(error.body()))
        await self.close(error.close_code, error.slug)

    async def close(self, code: int = 1000, why: str = "") -> None:
        await self._way.close(code, why)

    async def _next(self) -> Sequence[Event | RtstreamError] | None:
        """The events of the next message; None when the far end is gone."""
        message = await self._way.next()
        if message["type"] == "websocket.disconnect":
            return None
        left, self._left = self._left, []
        if message is WOKEN:
            return left
        said = message["text"] if message.get("text") is not None else message["bytes"]
        return [*left, *self._events(said)]

    def _events(self, said: Said) -> list[Event]:
        if len(said) > MOST_TEXT:
            raise BodyTooLarge(f"a message has a length of {len(said)}", fix=f"Send at most {MOST_TEXT}")
        return self._wire.decode(said)

    def _take(self, way: Direct, said: Said) -> None:
        """Notice what is in a message; what is to be waited for is left to the task, and all behind it."""
        events: Sequence[Event | RtstreamError]
        try:
            events = self._events(said)
        except RtstreamError as error:
            events = [error]
        for event in events:
            if self._left or isinstance(event, Reply | Stopped | RtstreamError):
                if not self._left:
                    way.wake()
                self._left.append(event)
            else:
                self._notice(event)

    def _notice(self, event: Event) -> None:
        assert self._hear is not None
        if isinstance(event, AudioFrame):
            self._last = event
            self._way.then(self._hear, event)
        elif isinstance(event, Digit):
            self._way.then(self._hear, event)
        elif isinstance(event, Marked):
            self._marks.reached(event.name)

    async def _send_if_any(self, text: str | None) -> None:
        if text is not None:
            await self._send(text)

    async def _send(self, said: Said) -> None:
        self._way.then(self._way.send, said)
        if (room := self._way.room()) is not None:
            await room
