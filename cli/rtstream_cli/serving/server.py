"""The web server of `rtstream serve`, from its listening socket to its last drained call."""

from __future__ import annotations

import asyncio
import socket
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import uvicorn

from rtstream.errors import HandlerRaised

from ..console import console
from ..discover import Target
from . import banner
from .ending import Ending
from .warm import Warmth, warm

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rtstream import Stream

LONGEST_MESSAGE = 64 * 1024  # bytes of a WebSocket message: 8 s of sound, and no honest one is longer


@dataclass(frozen=True)
class Plan:
    """What was decided before the server starts."""

    target: Target
    app: FastAPI
    streams: list[tuple[str, Stream]]
    drain: float
    warm: bool
    open: bool
    load_seconds: float


class Server(uvicorn.Server):
    """uvicorn that tells when it is up, and leaves the signals to `Ending`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(plan: Plan, listener: socket.socket) -> None:
    """Serve until a signal asks to stop, and drain.

    Raises:
        HandlerRaised: the app's own start-up failed.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(plan, listener))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (the extra `fast`)."""
    if find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    return factory


async def _serve(plan: Plan, listener: socket.socket) -> None:
    ending = Ending(plan.drain)
    server = Server(
        uvicorn.Config(
            plan.app,
            log_config=None,
            access_log=console.verbose,
            ws_max_size=LONGEST_MESSAGE,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    asked = asyncio.create_task(ending.asked.wait())
    ready = asyncio.create_task(_get_ready(plan, server, listener))
    try:
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not serving.done():
            await _drain(plan)
        server.should_exit = True
        await serving
    except SystemExit:  # so uvicorn says that the app's lifespan raised; it has logged the traceback
        raise HandlerRaised(
            f"`{plan.target.name}` did not start",
            why="its start-up raised: see the log above",
            fix="Mend its lifespan",
        ) from None
    finally:
        asked.cancel()
    if console.json:
        console.event("stopped")


async def _get_ready(plan: Plan, server: Server, listener: socket.socket) -> None:
    await server.up.wait()
    warmth = Warmth() if plan.warm else None
    for _, stream in plan.streams if plan.warm else []:
        one = await warm(stream)
        warmth = Warmth(warmth.imports + one.imports, warmth.call + one.call) if warmth else one
        if one.trouble is not None:
            trouble = one.trouble
            console.warn(
                f"the warm-up call failed: {trouble.what}",
                why=trouble.why,
                fix=trouble.fix,
                cause=trouble.__cause__,
            )
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    hint = (
        f"   (found here; to pin it: target = {plan.target.name!r})"
        if plan.target.source == "discovery"
        else ""
    )
    places = [banner.Place(path.rstrip("/"), one.modality, one.mode) for path, one in plan.streams]
    banner.show(plan.target.name, hint, url, places, warmth, plan.load_seconds)
    if plan.open:
        await asyncio.to_thread(webbrowser.open, url)


async def _drain(plan: Plan) -> None:
    live = sum(len(stream.sessions) for _, stream in plan.streams)
    if console.json:
        console.event("draining", calls=live, seconds=plan.drain)
    elif live:
        calls = "1 call" if live == 1 else f"{live} calls"
        console.say(f"Draining {calls} for up to {plan.drain:g} s; press Ctrl-C again to drop them")
    await asyncio.gather(*(stream.sessions.drain(plan.drain) for _, stream in plan.streams))
