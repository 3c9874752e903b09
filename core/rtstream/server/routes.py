"""Routes on whatever app the user has: FastAPI's own way where it is FastAPI, Starlette's otherwise."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.routing import Route, WebSocketRoute

from ..errors import ConnectionRefused, OptionError, UpgradeMissing
from .requests import refusal

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.responses import Response

logger = logging.getLogger("rtstream.server")

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

    A plain GET of a WebSocket's address is told what it lacks, and stands in no documentation.

    What the stream refuses in the app's own routes (`set_input` for a call that has ended) is answered
    as its own routes do, unless the app has an answer of its own.
    """
    _check_is_app(app, prefix)
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
            router.get(path, include_in_schema=False)(_needs_upgrade)
        include(router)
        return
    for method, routes in {"POST": posts, "GET": gets}.items():
        app.router.routes += [
            Route(prefix + path, endpoint, methods=[method]) for path, endpoint in routes.items()
        ]
    app.router.routes += [WebSocketRoute(prefix + path, endpoint) for path, endpoint in sockets.items()]
    app.router.routes += [Route(prefix + path, _needs_upgrade, methods=["GET"]) for path in sockets]


def note_mounted(app: Starlette, path: str, stream: object) -> None:
    """Let an app know its streams, and say so where one stands in the way of another."""
    mounted: list[tuple[str, object]] = getattr(app.state, "rtstream_streams", [])
    if any(path == taken and stream is not other for taken, other in mounted):
        logger.warning(
            "two streams are mounted at %r, and clients reach the first one alone: "
            'give each a path of its own, stream.mount(app, path="/second")',
            path or "/",
        )
    app.state.rtstream_streams = [*mounted, (path, stream)]


def _check_is_app(app: Any, prefix: str) -> None:
    if hasattr(app, "exception_handlers"):
        return
    prefix = getattr(app, "prefix", "") + prefix
    where = f', path="{prefix}"' if prefix else ""
    raise OptionError(
        f"a stream is mounted on an app, and this is {type(app).__name__}",
        why="a router has no beginning and no end of its own, of which the calls could be told",
        fix=f"Mount it on the app: stream.mount(app{where})",
    )


async def _needs_upgrade(request: Request) -> Response:
    """The answer to a request that should be a WebSocket's: a proxy may have made a plain one of it."""
    if "upgrade" in request.headers:
        why, fix = "the server that runs the app has no library for WebSockets", "pip install websockets"
    else:
        why = "it comes without `Upgrade: websocket`, which a proxy passes on only where it is told to"
        fix = (
            "In nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
            'proxy_set_header Connection "upgrade";'
        )
    answer = refusal(
        UpgradeMissing("this is the address of a WebSocket, and the request is none", why=why, fix=fix)
    )
    if request.scope.get("http_version", "1.1").startswith("1"):  # HTTP/2 has no such header
        answer.headers.update({"Upgrade": "websocket", "Connection": "Upgrade"})  # RFC 9110 §15.5.22
    return answer


async def _refused(request: Any, error: Exception) -> Response:
    """The answer to a request; a WebSocket has none, and what its route raised goes on."""
    if isinstance(request, Request) and isinstance(error, ConnectionRefused):
        return refusal(error)
    raise error
