"""The web server of `rtstream serve`, from its listening socket to its last drained call."""

from __future__ import annotations

import asyncio
import gc
import socket
import webbrowser
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from rtstream.errors import HandlerRaised
from rtstream.tasks import ended

from ..console import console
from ..discover import Target
from . import banner, running
from .doors import Door, here
from .ending import Ending
from .warm import warmed

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from rtstream import Stream
    from rtstream.phone.line import Line

LONGEST_MESSAGE = 64 * 1024  # bytes of a WebSocket message: 8 s of sound, and no honest one is longer


@dataclass(frozen=True)
class Plan:
    """What was decided before the server starts."""

    target: Target
    app: Starlette
    streams: list[tuple[str, Stream]]
    places: list[banner.Place]
    door: Door
    drain: float
    warm: bool
    open: bool
    load_seconds: float
    line: Line | None = None
    webhook: str = ""  # its path, when calls come by one


class Server(uvicorn.Server):
    """uvicorn that tells when it is up, says which error kept it down, and leaves the signals to `Ending`."""

    def __init__(self, plan: Plan) -> None:
        proof = plan.door.certificate
        super().__init__(
            uvicorn.Config(
                plan.line.around(plan.app) if plan.line else plan.app,
                log_config=None,
                access_log=console.verbose,
                ws_max_size=LONGEST_MESSAGE,
                ws_per_message_deflate=False,  # doubles what a call costs (docs/media-path.md)
                timeout_graceful_shutdown=1,
                server_header=False,
                ssl_certfile=proof.chain if proof else None,
                ssl_keyfile=proof.key if proof else None,
            )
        )
        self.up = asyncio.Event()
        self._name = plan.target.name
        self._passing = Passing()
        inner = plan.app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[Any]:
            with self._passing:
                async with inner(app) as state:
                    yield state

        plan.app.router.lifespan_context = lifespan

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # so uvicorn says that the app's lifespan raised
            error = self._passing.error
            raise HandlerRaised(
                f"`{self._name}` did not start",
                why=f"its lifespan raised {type(error).__name__}: {error}",
                fix="Mend what the app does when it starts",
            ) from error
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Passing:
    """Remembers the error that passes through a `with` block."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.error = error


def run(plan: Plan, listener: socket.socket) -> None:
    """Serve until a signal asks to stop, and drain.

    Raises:
        HandlerRaised: the app's own start-up failed.
    """
    running.run(_serve(plan, listener))


async def _serve(plan: Plan, listener: socket.socket) -> None:
    line = plan.line
    ending = Ending(plan.drain, line.abandon if line else None)
    server = Server(plan)
    serving = asyncio.create_task(server.serve(sockets=[listener, *(line.sockets if line else ())]))
    asked = asyncio.create_task(ending.asked.wait())
    ready = asyncio.create_task(_get_ready(plan, server, listener))
    try:
        done, _ = await asyncio.wait({serving, asked, ready}, return_when=asyncio.FIRST_COMPLETED)
        if ready in done:
            ready.result()
            await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            if line is not None:
                await line.give_back()  # first, so that no new call comes while the last ones end
            await running.drain([stream for _, stream in plan.streams], plan.drain)
    finally:
        server.should_exit = True
        await ended(ready, asked)
        try:
            await serving
        finally:
            if line is not None:
                await line.close()
    if console.json:
        console.event("stopped")


async def _get_ready(plan: Plan, server: Server, listener: socket.socket) -> None:
    await server.up.wait()
    warmth = await warmed([stream for _, stream in plan.streams]) if plan.warm else None
    gc.freeze()  # all that is there now stays: later collections need not look at it
    outside = await _opened(plan.line, plan, listener) if plan.line else None
    urls = banner.Urls(plan.door.url(listener), plan.door.phone_url(listener), outside)
    banner.show(plan.target, urls, plan.places, warmth, plan.load_seconds)
    if plan.open and (first := plan.places[0].faces(urls.browser)):
        await asyncio.to_thread(webbrowser.open, first[-1])


async def _opened(line: Line, plan: Plan, listener: socket.socket) -> banner.Outside:
    """The way in from outside, opened; with its number where there is to be one."""
    with console.status("opening the way in from outside …"):
        url = await line.open(*here(listener))
    return banner.Outside(url, url + plan.webhook if plan.webhook else "", line.number)
