"""The way that the messages of a WebSocket go by itself: through the app's `receive` and `send`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ..begun import begun
from .shared_reader import Then, at_once
from .websocket_frames import Said


class Way:
    """How the messages of one WebSocket come and go, here as with any server.

    `then` does a step of the call: at once, unless the way shares a reader with others.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self.then: Then = at_once
        self._websocket = websocket
        self._sending: Awaitable[None] | None = None

    def next(self) -> Awaitable[Any]:
        """The next message for the task of the app, as Starlette has it."""
        return self._websocket.receive()

    def send(self, said: Said) -> None:
        """Send a message, unless the far end is gone. What it has to wait for, `room` gives."""
        send = self._websocket.send_text if isinstance(said, str) else self._websocket.send_bytes
        self._sending = begun(self._if_there(self._sending, send, said))

    def room(self) -> Awaitable[Any] | None:
        """What to wait for, at once, when something was sent; None if there is nothing."""
        sending, self._sending = self._sending, None
        return sending

    def release(self) -> None:
        """Leave all that comes to the server again, as this way does from the beginning."""

    async def close(self, code: int, why: str) -> None:
        """Close the WebSocket behind all that is to be said by now."""
        await self._if_there(None, self._websocket.close, code, why)

    async def _if_there(
        self, before: Awaitable[None] | None, call: Callable[..., Awaitable[None]], *args: Any
    ) -> None:
        if before is not None:
            await before
        here, there = self._websocket.application_state, self._websocket.client_state
        if here is WebSocketState.CONNECTED and there is WebSocketState.CONNECTED:
            try:
                await call(*args)
            except (RuntimeError, WebSocketDisconnect):  # it left in this very moment
                pass
