"""What a stream does when the app that it is mounted on starts and stops."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.applications import Starlette


logger = logging.getLogger("rtstream.server")


class Life:
    """Whether the app of a stream has been started: only one that has can tell the calls of its end.

    Starlette starts no app that is mounted on another, and says so to nobody.
    """

    def __init__(self) -> None:
        self._awaited = False

    def wait(self) -> None:
        """From now on the app is expected to start."""
        self._awaited = True

    def begin(self) -> None:
        """It has started."""
        self._awaited = False

    def check(self) -> None:
        """Say once, when a client comes to an app that never started, what follows from it."""
        if self._awaited:
            self._awaited = False
            logger.warning(
                "the app that the stream is mounted on was never started, so its calls will not be told when "
                "the server stops: mount the stream on the app that the server runs, or enter "
                "`sub_app.router.lifespan_context(sub_app)` in that one's lifespan"
            )


def during_life(app: Starlette, around: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    """Wrap the app's life in a context manager: entered when it starts, left when it stops."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Any]:
        async with inner(app) as state, around():
            yield state

    app.router.lifespan_context = lifespan


@contextmanager
def first_of_all(end: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """While within, await `end` as soon as the uvicorn server that runs this program stops.

    uvicorn closes all WebSockets first, so that their clients would not be told why, and tells an app that it
    stops when all responses have ended. One that streams the outputs of a call ends with the call, and calls
    end when the app stops: the server would wait for good.
    """
    if (server := _uvicorn_server()) is None:
        yield
        return
    if not isinstance(server.shutdown, _Shutdown):
        server.shutdown = _Shutdown(server.shutdown)
    ends: list[Callable[[], Awaitable[None]]] = server.shutdown.ends
    ends.append(end)
    try:
        yield
    finally:
        ends.remove(end)


class _Shutdown:
    """The `shutdown` of a uvicorn server, once all `ends` have been awaited, together."""

    def __init__(self, shutdown: Callable[..., Awaitable[None]]) -> None:
        self.ends: list[Callable[[], Awaitable[None]]] = []
        self._shutdown = shutdown

    async def __call__(self, *args: Any, **more: Any) -> None:
        await asyncio.gather(*(end() for end in self.ends))
        await self._shutdown(*args, **more)


def _uvicorn_server() -> Any | None:
    """The server that hears the signals of this process; None where another one does, or none."""
    made = getattr(sys.modules.get("uvicorn.server"), "Server", None)
    hears = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return hears if made is not None and isinstance(hears, made) else None


def load_ahead(*modules: str) -> None:
    """Import modules in the background, so that the first connection need not wait for them."""
    Thread(target=lambda: [import_module(module) for module in modules], daemon=True).start()


def require_turn_in_the_cloud(rtc_configuration: Any) -> None:
    """See that browsers will be able to reach a server that sits behind a cloud's network.

    Raises:
        RuntimeError: on Colab or a Hugging Face Space, when there is no configuration.
    """
    in_cloud = os.environ.get("SYSTEM") == "spaces" or "google.colab" in sys.modules
    if in_cloud and rtc_configuration is None:
        raise RuntimeError(
            "On Colab and Hugging Face Spaces no browser reaches the stream without a TURN server: "
            "pass rtc_configuration=get_turn_credentials (or a dict with iceServers) to Stream(...)"
        )
