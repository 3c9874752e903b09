"""Routes on whatever app the user has: FastAPI's own way where it is FastAPI, Starlette's otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.routing import Route, WebSocketRoute

from ..errors import ConnectionRefused, OptionError
from .requests import refusal

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.responses import Response

Endpoint = Callable[[Any], Awaitable[Any]]


def checked_prefix(path: str) -> str:
    """A prefix of routes without its last slash.

    Raises:
        OptionError: it does not begin with a slash.
    """
    if path and not path.startswith("/"):
        raise OptionError(
            f"`path` is {path!r:.80}, which does not begin with a slash", fix=f'Pass path="/{path:.80}"'
        )
    return path.rstrip("/")


def add_routes(
    app: Starlette,
    prefix: str,
    *,
    posts: Mapping[str, Endpoint],
    gets: Mapping[str, Endpoint],
    sockets: Mapping[str, Endpoint],
    tags: list[str | Enum] | None = None,
) -> None:
    """Add POST and GET routes and WebSockets under a prefix, each path with what answers it.

    FastAPI takes them as its own, so that they stand in its documentation under `tags`. It is not
    loaded for a plain Starlette app: that costs a server a third of its start.

    What the stream refuses in the app's own routes (`set_input` for a call that has ended) is answered
    as its own routes do, unless the app has an answer of its own.
    """
    app.exception_handlers.setdefault(ConnectionRefused, _refused)
    if (include := getattr(app, "include_router", None)) is not None:
        from fastapi import APIRouter

        router = APIRouter(prefix=prefix, tags=tags)
        for path, endpoint in posts.items():
            router.post(path)(endpoint)
        for path, endpoint in gets.items():
            router.get(path)(endpoint)
        for path, endpoint in sockets.items():
            router.websocket(path)(endpoint)
        include(router)
        return
    for method, routes in {"POST": posts, "GET": gets}.items():
        app.router.routes += [
            Route(prefix + path, endpoint, methods=[method]) for path, endpoint in routes.items()
        ]
    app.router.routes += [WebSocketRoute(prefix + path, endpoint) for path, endpoint in sockets.items()]


async def _refused(request: Any, error: Exception) -> Response:
    """The answer to a request; a WebSocket has none, and what its route raised goes on."""
    if isinstance(request, Request) and isinstance(error, ConnectionRefused):
        return refusal(error)
    raise error
