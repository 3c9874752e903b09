"""A stream on a running server, and HTTP to it, with or without sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtstream import Stream
from rtstream.session.session import Session

HTTP_SECONDS = 20.0


class Server:
    """A stream that can be reached: `http` talks to it, `dial` opens a WebSocket."""

    def __init__(
        self,
        app: FastAPI,
        stream: Stream,
        http: httpx.AsyncClient,
        path: str,
        stop: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.app = app
        self.stream = stream
        self.http = http
        self.path = path
        self._stop = stop

    def url(self, route: str, scheme: str = "ws") -> str:
        """The address of one of the stream's routes."""
        return f"{scheme}://{self.http.base_url.netloc.decode()}{self.path}{route}"

    def dial(self, route: str = "/websocket/offer", **more: Any) -> connect:
        """Open a WebSocket to one of the stream's routes."""
        return connect(self.url(route), proxy=None, **more)

    async def post(self, route: str = "/webrtc/offer", **more: Any) -> httpx.Response:
        """Post to one of the stream's routes."""
        return await self.http.post(self.path + route, **more)

    async def stop(self) -> None:
        """Stop the server, as a signal does, and wait until it has."""
        assert self._stop is not None, "there is no server without sockets"
        await self._stop()

    async def live(self, id: str) -> Session:
        """Wait until there is a connection of that id, and return it."""
        await until(lambda: id in self.stream.sessions)
        return self.stream.sessions.get(id)

    async def empty(self) -> None:
        """Wait until no connection is left."""
        await until(lambda: len(self.stream.sessions) == 0)


async def until(true: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something that nobody tells of has become true."""
    async with asyncio.timeout(seconds):
        while True:
            if true():
                return
            await asyncio.sleep(0.005)


def mounted(stream: Stream, path: str = "") -> FastAPI:
    """An app with the stream on it."""
    app = FastAPI()
    stream.mount(app, path)
    return app


@asynccontextmanager
async def serving(
    stream: Stream, path: str = "", app: FastAPI | None = None, **options: Any
) -> AsyncIterator[Server]:
    """The stream behind uvicorn, with these options of it, on a free port, stopped when the block ends."""
    if app is None:
        app = mounted(stream, path)
    before = asyncio.all_tasks()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    options = {"timeout_graceful_shutdown": 5, **options}
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", **options))
    life = asyncio.create_task(server.serve(sockets=[listener]))

    async def stop() -> None:
        server.should_exit = True
        await asyncio.shield(life)

    try:
        await until(lambda: server.started or life.done())
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=HTTP_SECONDS, trust_env=False
        ) as http:
            yield Server(app, stream, http, path, stop)
            await stream.sessions.close_all()
    finally:
        await stop()
        await settled(before)


@asynccontextmanager
async def answering(stream: Stream, path: str = "") -> AsyncIterator[Server]:
    """The stream without a socket for HTTP: for requests and what WebRTC makes of them."""
    app, before = mounted(stream, path), asyncio.all_tasks()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:80") as http:
        try:
            yield Server(app, stream, http, path)
        finally:
            await stream.sessions.close_all()
            await settled(before)


async def settled(before: set[asyncio.Task[Any]]) -> None:
    """Wait until aiortc's own tasks have seen that their connection is closed: one tick of 20 ms."""
    with suppress(TimeoutError):  # whoever checks for tasks left behind will name them
        await until(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()}, 2)


async def read_all(websocket: ClientConnection) -> list[str]:
    """All messages until the server closes."""
    messages: list[str] = []
    with suppress(ConnectionClosed):
        while True:
            messages.append(str(await websocket.recv()))
    return messages
