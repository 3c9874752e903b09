"""`Stream.fastphone`: a server, a tunnel and a number, until the program is told to stop."""

from __future__ import annotations

import asyncio
import atexit
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette

from ..carriers.hook import Number
from ..errors import MachineError, OptionError, PortBusy, RtstreamError
from ..server.lifespan import require_turn_in_the_cloud
from ..server.warm import warm
from ..tasks import ended
from ..tunnels.gradio import Gradio
from ..tunnels.kept import TunnelNews
from .card import card
from .fastphone import FastPhone
from .line import Line

SHOWN = ["/telephone/"]
DRAIN_SECONDS = 5.0  # for live calls, after it was asked to end


def fastphone(stream: Any, token: str | None, host: str, port: int, options: dict[str, Any]) -> None:
    """Serve a stream on a number of FastPhone's; blocks until SIGINT or SIGTERM.

    Inside a running loop (a notebook) it serves in a thread, and an interrupt of the cell ends it.

    Args:
        stream: a `Stream` with sound.
        token, host, port: as in `Stream.fastphone`.
        options: of `uvicorn.Config`.
    """
    require_turn_in_the_cloud(stream.rtc_configuration)
    if "audio" not in stream.modality:
        raise OptionError("this stream is video, and a telephone carries sound", fix="Make one with sound")
    served = Served(stream, FastPhone(token), _listen(host, port), options)
    with _signals(served.stop):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(served.run())
            return
        thread = threading.Thread(target=served.in_thread, name="rtstream-fastphone")
        thread.start()
        thread.join()
    if served.failure is not None:
        raise served.failure


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM ask for the end; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # a closed terminal; `nohup` has it ignored
        known.append(signal.SIGHUP)
    before = [signal.signal(number, lambda *_: stop()) for number in known]
    try:
        yield
    finally:
        for number, handler in zip(known, before, strict=True):
            signal.signal(number, handler)


class Server(uvicorn.Server):
    """uvicorn that leaves the signals to `Served`, whose number goes first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Served:
    """One run of `Stream.fastphone`."""

    def __init__(
        self, stream: Any, hook: FastPhone, listener: socket.socket, options: dict[str, Any]
    ) -> None:
        self._stream = stream
        self._listener = listener
        self._options = options
        self._line = Line(Gradio(), [stream], Voice(), hook=hook, shown=SHOWN)
        self._stop = threading.Event()
        self._wake: Callable[[], object] = lambda: None
        self.failure: RtstreamError | None = None

    def in_thread(self) -> None:
        """Run in a thread of its own; what went wrong is in `failure`."""
        try:
            asyncio.run(self.run())
        except RtstreamError as error:
            self.failure = error

    def stop(self) -> None:
        """Ask it to end, from any thread and from a signal's handler."""
        self._stop.set()
        with suppress(RuntimeError):  # its loop has ended meanwhile
            self._wake()

    async def run(self) -> None:
        """Serve until it is asked to end."""
        asked = asyncio.Event()
        self._wake = partial(asyncio.get_running_loop().call_soon_threadsafe, asked.set)
        if self._stop.is_set():
            asked.set()
        atexit.register(self._line.abandon)
        try:
            await self._serve(asked)
        finally:
            await self._line.close()
            self._listener.close()
            atexit.unregister(self._line.abandon)

    async def _serve(self, asked: asyncio.Event) -> None:
        app = Starlette()
        self._stream.mount(app)
        options = {"log_level": "warning", "timeout_graceful_shutdown": 1, **self._options}
        server = Server(uvicorn.Config(self._line.around(app), **options))
        serving = asyncio.create_task(server.serve(sockets=[self._listener, *self._line.sockets]))
        try:
            host, port = self._listener.getsockname()[:2]
            ready = asyncio.create_task(self._get_ready(host, port))
            stopped = asyncio.create_task(asked.wait())
            await asyncio.wait({serving, ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                ready.result()
                await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await ended(ready, stopped)
            await self._line.give_back()  # before the calls end, so that no new one comes
            await self._stream.sessions.drain(DRAIN_SECONDS)
        finally:
            server.should_exit = True
            with suppress(SystemExit):  # so uvicorn says that the app did not start, which it has told
                await serving

    async def _get_ready(self, host: str, port: int) -> None:
        await warm(self._stream)
        await self._line.open(host, port)
        assert self._line.number is not None
        Voice().number(self._line.number)


class Voice:
    """Tells on stderr."""

    def tunnel(self, news: TunnelNews) -> None:
        match news.kind:
            case "lost":
                self._say(f"the tunnel is lost ({news.why}): opening it again")
            case "failed":
                self._say(f"no tunnel yet ({news.why}): trying again in {news.retry_in:.0f} s")
            case "back":
                self._say("the tunnel is back")

    def number(self, number: Number) -> None:
        for name, value in card(number):
            self._say(f"{name}: {value}")

    def trouble(self, error: RtstreamError) -> None:
        self._say(f"{error.what}{f': {error.why}' if error.why else ''}")

    def _say(self, text: str) -> None:
        sys.stderr.write(f"rtstream: {text}\n")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except PermissionError:
        raise MachineError(f"port {port} may not be used", fix="Pass another `port`") from None
    except OSError as error:
        raise PortBusy(
            f"nobody can listen on {host}:{port}",
            why=error.strerror or str(error),
            fix="Pass another `port`, or 0 for any free one",
        ) from None
