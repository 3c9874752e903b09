"""A server's app as seen from a tunnel: it proves that it is the right one, and may show only a part."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .probe import BeaconProbe

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Beacon:
    """Answers at a path that nobody can guess, and hands everything else to the app.

    Args:
        app: the app behind it.
        port: of the socket that the tunnel leads to. What comes in by it sees only paths that begin
            with one of `shown`; no header can say otherwise. None shows everything to everybody.
        shown: such as `["/telephone/"]`.
    """

    def __init__(self, app: ASGIApp, *, port: int | None = None, shown: Sequence[str] = ()) -> None:
        self._app = app
        self._port = port
        self._shown = tuple(shown)
        self._path = f"/rtstream-beacon/{secrets.token_urlsafe(16)}"
        self._answer = secrets.token_urlsafe(16)

    def probe(self) -> BeaconProbe:
        """What asks for it."""
        return BeaconProbe(self._path, self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif scope["path"] == self._path:
            await self._shine(scope, receive, send)
        elif self._shows(scope):
            await self._app(scope, receive, send)
        else:
            await _nothing(scope, receive, send)

    def _shows(self, scope: Scope) -> bool:
        by_tunnel = self._port is not None and scope["server"][1] == self._port
        return not by_tunnel or scope["path"].startswith(self._shown)

    async def _shine(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import PlainTextResponse
        from starlette.websockets import WebSocket

        if scope["type"] == "http":
            await PlainTextResponse(self._answer)(scope, receive, send)
            return
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.send_text(self._answer)
        await socket.close()


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    from starlette.responses import PlainTextResponse
    from starlette.websockets import WebSocket

    if scope["type"] == "http":
        await PlainTextResponse("Not Found", 404)(scope, receive, send)
    else:
        await WebSocket(scope, receive, send).close()  # before it was accepted: HTTP 403
