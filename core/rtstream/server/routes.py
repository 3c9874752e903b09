"""Routes on whatever app the user has: FastAPI's own way where it is FastAPI, Starlette's otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from starlette.routing import Route, WebSocketRoute

if TYPE_CHECKING:
    from starlette.applications import Starlette

Endpoint = Callable[[Any], Awaitable[Any]]


def add_routes(
    app: Starlette,
    prefix: str,
    *,
    posts: Mapping[str, Endpoint],
    sockets: Mapping[str, Endpoint],
    tags: list[str | Enum] | None = None,
) -> None:
    """Add POST routes and WebSockets under a prefix, each path with what answers it.

    FastAPI takes them as its own, so that they stand in its documentation under `tags`. It is not
    loaded for a plain Starlette app: that costs a server a third of its start.
    """
    if (include := getattr(app, "include_router", None)) is not None:
        from fastapi import APIRouter

        router = APIRouter(prefix=prefix, tags=tags)
        for path, endpoint in posts.items():
            router.post(path)(endpoint)
        for path, endpoint in sockets.items():
            router.websocket(path)(endpoint)
        include(router)
        return
    app.router.routes += [
        Route(prefix + path, endpoint, methods=["POST"]) for path, endpoint in posts.items()
    ]
    app.router.routes += [WebSocketRoute(prefix + path, endpoint) for path, endpoint in sockets.items()]
