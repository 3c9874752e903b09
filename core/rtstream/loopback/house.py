"""A real server on 127.0.0.1 for the callers over sockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from rtstream.errors import MachineError, UnknownConnection
from rtstream.loopback.direct import drained
from rtstream.loopback.hanging import hung, let_pools_go
from rtstream.outputs import AdditionalOutputs
from rtstream.session.session import Session
from rtstream.stream import Stream
from rtstream.transports.aiortc_inside import ADDRESSES_VARIABLE, LOOPBACK
from rtstream.worker import Worker

START_SECONDS = 10.0
STOP_SECONDS = 5.0
ENDED_SECONDS = 8.0  # a session may take 5 s for its handler's shutdown


class House:
    """A server with one stream, from entering the context to leaving it.

    Args:
        stream: the stream under test.
        app: the app that it is mounted on; without one it gets an app of its own.
        path: where in the app it is mounted.

    `url` is the address of the stream. While the house stands, ICE uses 127.0.0.1 only, unless
    `RTSTREAM_ICE_ADDRESSES` says otherwise: so a call works on a machine without a network.
    """

    def __init__(self, stream: Stream, app: Starlette | None = None, path: str = "") -> None:
        self.stream = stream
        stream.verbose = False
        stream.telephone.secrets = dict  # its callers are ours, and sign nothing
        self._path = path
        if app is None:
            stream.mount(app := Starlette())
        self._door = socket.create_server((LOOPBACK, 0))
        self.url = f"http://{LOOPBACK}:{self._door.getsockname()[1]}{path}"
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker = Worker("rtstream-house")
        self._life: Future[None] = Future()
        self._added_variable = ADDRESSES_VARIABLE not in os.environ

    def __enter__(self) -> Self:
        os.environ.setdefault(ADDRESSES_VARIABLE, LOOPBACK)
        self._life = self._worker.submit(self._run)
        with _FirstError() as error:
            begun = time.monotonic()
            while not self._server.started:
                if self._life.done() or time.monotonic() - begun > START_SECONDS:
                    self._leave()
                    raise MachineError(
                        "the server for the test did not start",
                        why=error.text or f"its app was not ready after {START_SECONDS:g} s",
                        fix="Look at what the app does when it starts",
                    )
                time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def session(self, id: str) -> Session | None:
        """The live session of that id; None before it starts and after it has ended."""
        try:
            return self.stream.sessions.get(id)
        except UnknownConnection:
            return None

    def ended(self, id: str) -> None:
        """Wait until the session of that id, if there was one, is cleaned up and its place free.

        Raises:
            HandlerHung: it does not end.
        """
        begun = time.monotonic()
        while id in self.stream.sessions:
            if time.monotonic() - begun > ENDED_SECONDS:
                raise hung(ENDED_SECONDS)
            time.sleep(0.005)

    def outputs(self, session: Session) -> list[AdditionalOutputs]:
        """The additional outputs of a session that has ended.

        Raises:
            HandlerHung: it holds up the server.
        """
        assert self._loop is not None
        draining = asyncio.run_coroutine_threadsafe(drained(session), self._loop)
        try:
            return draining.result(STOP_SECONDS)
        except TimeoutError:
            raise hung(STOP_SECONDS) from None

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            self._loop = runner.get_loop()
            runner.run(self._server.serve(sockets=[self._door]))

    def _leave(self) -> None:
        """Stop the server; a handler that holds up its loop for good is abandoned."""
        self._server.should_exit = True
        wait([self._life], STOP_SECONDS)
        if not self._life.done():
            self._server.force_exit = True
            let_pools_go()
        self._worker.close()
        self._door.close()
        if self._added_variable:
            os.environ.pop(ADDRESSES_VARIABLE, None)


class _FirstError(logging.Handler):
    """Keeps the first error that uvicorn logs, the last line of it: of a traceback it is the exception."""

    text = ""

    def __enter__(self) -> Self:
        logging.getLogger("uvicorn.error").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("uvicorn.error").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR and not self.text:
            self.text = record.getMessage().rstrip().rpartition("\n")[2]
