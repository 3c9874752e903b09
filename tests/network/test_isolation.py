"""One session harms no other, and no route of the same app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI

from rtstream import Stream
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho, Echo, Log
from tests.helpers.media import Picture
from tests.helpers.memory import left_threads, session_threads
from tests.helpers.server import Server, answering, serving, until
from tests.helpers.sockets import socket_caller
from tests.helpers.webrtc import Caller, caller

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("media_path")]


class Lateness:
    """How late a timer of 5 ms is served, all the time: what everybody else in the loop feels."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @asynccontextmanager
    async def measured(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._measure())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.005
            await asyncio.sleep(0.005)
            self.seconds.append(loop.time() - due)


@pytest.mark.alone
@pytest.mark.parametrize("form", ["function", "handler"])
def test_a_slow_video_handler_does_not_hold_up_the_loop(form: str) -> None:
    """200 ms of sleep a picture, in a thread: a timer beside it is never that late."""
    calls: list[int] = []

    def slow(picture: Picture) -> Picture:
        time.sleep(0.2)
        calls.append(1)
        return picture

    class Slow:
        def __call__(self, picture: Picture) -> Picture:
            return slow(picture)

    async def main() -> None:
        app = FastAPI()

        @app.get("/ping")
        async def ping() -> str:
            return "pong"

        stream = Stream(slow if form == "function" else Slow(), modality="video")
        stream.mount(app)
        async with serving(stream, app=app) as server, caller(server, audio=False, video=True) as client:
            await client.call()
            await client.sees(1)
            lateness, handled = Lateness(), len(calls)
            async with lateness.measured():
                answers = [(await server.http.get("/ping")).json() for _ in range(20)]
                await until(lambda: len(calls) >= handled + 4)
            assert answers == ["pong"] * 20
            late = sorted(lateness.seconds)
            assert late[len(late) * 9 // 10] < 0.1, "the handler ran in the event loop"

    run(main())
    assert not left_threads()


def test_more_blocked_emits_than_the_default_pool_has_threads_leave_others_unharmed() -> None:
    """FastRTC's executor starves at `min(32, cpus + 4)` of them."""

    async def main() -> None:
        stream = Stream(Echo(), modality="audio", concurrency_limit=None)
        async with serving(stream) as server, AsyncExitStack() as calls:
            for _ in range(40):
                client = await calls.enter_async_context(socket_caller(server))
                await client.start()
            await until(lambda: len(stream.sessions) == 40)
            async with socket_caller(server) as last:
                await last.start()
                await last.talk(0.2)
                await last.hears(0.15)

    run(main(), timeout=30)
    assert not left_threads()


class Faulty(AsyncEcho):
    """Each copy has another fault."""

    copies = 0

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault

    def copy(self) -> Any:
        Faulty.copies += 1
        return Faulty(["none", "raises", "hangs", "rubbish"][(Faulty.copies - 1) % 4])

    async def receive(self, frame: Any) -> None:
        if self.fault == "raises":
            raise ValueError("bad frame")
        if self.fault == "hangs":
            await asyncio.sleep(3600)
        await super().receive(frame)

    async def emit(self) -> Any:
        if self.fault == "rubbish":
            return 24000, np.full(480, np.nan)
        return await super().emit()


def test_bad_handlers_do_not_harm_a_good_one_over_webrtc() -> None:
    async def main() -> None:
        Faulty.copies = 0
        stream = Stream(Faulty(), modality="audio", concurrency_limit=None)
        async with answering(stream) as server, AsyncExitStack() as calls:
            clients: list[Caller] = []
            for _ in range(4):
                clients.append(await calls.enter_async_context(caller(server)))
                await clients[-1].call()
            await clients[0].hears(0.5)
            assert (await clients[1].told("error"))["message"] == "bad frame"
            assert (await clients[3].told("error"))["code"] == "RT3006"
            assert clients[1].sounds == clients[2].sounds == clients[3].sounds == []
            assert len(stream.sessions) == 4

    run(main())


def test_a_hundred_calls_leave_no_task_no_thread_and_no_session() -> None:
    log = Log()

    async def one(server: Server, number: int) -> None:
        async with socket_caller(server, phone=bool(number % 2)) as client:
            await client.start()
            await client.say(np.zeros(client.rate // 50, np.int16))
            await until(lambda: client.sound.size > 0)
            await until(
                lambda: log.count("start_up") >= number // 10 * 10 + 10
            )  # of all ten, in their threads

    async def main() -> None:
        stream = Stream(Echo(log), modality="audio", concurrency_limit=None)
        async with serving(stream) as server:
            before = asyncio.all_tasks()
            for start in range(0, 100, 10):
                await asyncio.gather(*(one(server, number) for number in range(start, start + 10)))
                await server.empty()
            await until(lambda: len(asyncio.all_tasks() - before) <= 1)
            assert log.count("start_up") == log.count("shutdown") == 100

    run(main(), timeout=30)
    assert not left_threads()
    assert not session_threads()
