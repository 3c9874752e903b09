"""A thread for code that blocks, and how it ends."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import operator
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import rtstream.worker
from rtstream.worker import Abandoned, Worker, awaited

SOON = 5.0


def ended(worker: Worker) -> bool:
    """Whether its thread ends soon."""
    thread = worker._thread
    assert thread is not None
    thread.join(SOON)
    return not thread.is_alive()


def test_calls_are_made_one_after_another_in_one_daemon_thread() -> None:
    worker = Worker("one")
    threads = {worker.submit(threading.current_thread).result(SOON) for _ in range(5)}
    assert len(threads) == 1
    (thread,) = threads
    assert thread.name == "one" and thread.daemon
    worker.close()
    assert ended(worker)


def test_a_worker_that_was_never_used_has_no_thread() -> None:
    worker = Worker("idle")
    worker.close()
    assert worker._thread is None


class Odd(BaseException):
    pass


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt(), Odd()])
def test_what_a_call_raises_comes_to_who_asked_and_the_next_call_is_made(error: BaseException) -> None:
    worker = Worker("raising")

    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        worker.submit(fail).result(SOON)
    assert worker.submit(int, "7").result(SOON) == 7
    worker.close()
    assert ended(worker)


def test_stop_iteration_comes_as_an_error_that_asyncio_can_carry() -> None:
    async def main() -> None:
        worker = Worker("stopping")
        with pytest.raises(RuntimeError, match="StopIteration") as caught:
            async with asyncio.timeout(SOON):
                await worker.run(next, iter(()))
        assert isinstance(caught.value.__cause__, StopIteration)
        worker.close()

    asyncio.run(main())


def test_a_timeout_keeps_the_place_where_it_was_raised() -> None:
    def slow() -> None:
        raise TimeoutError(110, "the model does not answer")

    async def main() -> None:
        worker = Worker("timing out")
        with pytest.raises(TimeoutError, match="the model does not answer") as caught:
            async with asyncio.timeout(SOON):
                await worker.run(slow)
        assert caught.traceback[-1].name == "slow"
        assert (caught.type.__name__, caught.value.errno) == ("TimeoutError", 110)
        worker.close()

    asyncio.run(main())


def test_a_call_runs_in_the_callers_context() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name")

    async def main() -> str:
        worker = Worker("context")
        name.set("mine")
        value: str = await worker.run(name.get)
        worker.close()
        return value

    assert asyncio.run(main()) == "mine"


def for_ever() -> None:
    while True:
        time.sleep(0.001)


def wait_for_never() -> None:
    condition = threading.Condition()
    with condition:
        condition.wait_for(lambda: False)


def wait_in_vain(begun: threading.Event) -> None:
    begun.set()
    threading.Event().wait()


WAITS: dict[str, Callable[[], Any]] = {
    "queue.get": lambda: queue.Queue[int]().get(),
    "queue.get with a timeout": lambda: queue.Queue[int]().get(timeout=600),
    "event.wait": lambda: threading.Event().wait(),
    "condition.wait_for": wait_for_never,
    "barrier": lambda: threading.Barrier(2).wait(),
    "a loop": for_ever,
}


@pytest.mark.parametrize("name", WAITS)
def test_a_call_that_blocks_for_good_is_abandoned_when_the_worker_closes(name: str) -> None:
    worker, begun, closed = Worker("blocked"), threading.Event(), threading.Event()

    def call() -> None:
        try:
            begun.set()
            WAITS[name]()
        except Abandoned:
            closed.set()
            raise

    worker.submit(call)
    assert begun.wait(SOON)
    time.sleep(0.02)  # it stands in its wait now, or else it is told of its end on the way there
    worker.close()
    worker.close()
    assert closed.wait(SOON)
    assert ended(worker)


def test_a_queue_that_an_abandoned_call_waited_on_goes_on_working() -> None:
    waited_on: queue.Queue[int] = queue.Queue()
    worker = Worker("abandoned")
    worker.submit(waited_on.get)
    time.sleep(0.02)
    worker.close()
    assert ended(worker)
    waited_on.put(7)
    assert waited_on.get(timeout=SOON) == 7


def test_a_call_that_is_woken_in_the_moment_in_which_the_worker_closes_is_abandoned_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look = rtstream.worker._waiter

    def woken(ident: int) -> Any:
        """Its lock, which another thread releases when it has been seen to be held, without any Python."""
        lock = look(ident)
        return SimpleNamespace(
            locked=partial(next, map(operator.not_, iter(lock.release, True))), release=lock.release
        )

    worker = Worker("woken")
    worker.submit(queue.Queue[int]().get)
    assert worker._thread is not None and worker._thread.ident is not None
    while look(worker._thread.ident) is None:
        time.sleep(0.001)
    monkeypatch.setattr(rtstream.worker, "_waiter", woken)
    worker.close()
    assert ended(worker)


def test_a_call_that_stands_in_line_when_the_worker_closes_is_not_made() -> None:
    worker, begun, made = Worker("line"), threading.Event(), list[int]()
    worker.submit(wait_in_vain, begun)
    second = worker.submit(made.append, 1)
    assert begun.wait(SOON)
    worker.close()
    assert ended(worker)
    assert made == [] and not second.running()


def test_a_call_that_was_cancelled_in_line_is_not_made() -> None:
    worker, free, made = Worker("cancelled"), threading.Event(), list[int]()
    worker.submit(free.wait)
    second = worker.submit(made.append, 1)
    assert second.cancel()
    free.set()
    assert worker.submit(int).result(SOON) == 0
    assert made == []
    worker.close()
    assert ended(worker)


def test_a_closed_worker_takes_no_calls() -> None:
    worker = Worker("closed")
    worker.submit(int).result(SOON)
    worker.close()
    with pytest.raises(RuntimeError, match="closed is closed"):
        worker.submit(int)
    assert ended(worker)


def test_closing_between_calls_never_hits_another_thread() -> None:
    """A thousand workers, closed at odd moments: each ends, and nobody else is hurt."""
    victim_hurt = threading.Event()
    stop = threading.Event()

    def victim() -> None:
        try:
            while not stop.is_set():
                time.sleep(0)
        except BaseException:
            victim_hurt.set()

    bystander = threading.Thread(target=victim, daemon=True)
    bystander.start()
    for _ in range(300):
        worker = Worker("quick")
        worker.submit(int)
        worker.close()
        assert ended(worker)
    stop.set()
    bystander.join(SOON)
    assert not victim_hurt.is_set()


# What a thread waits for in the loop.


def test_a_thread_is_given_what_it_awaits_in_the_loop() -> None:
    async def soon() -> int:
        await asyncio.sleep(0)
        return 7

    async def main() -> None:
        assert await asyncio.to_thread(awaited, asyncio.get_running_loop(), soon) == 7

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "comes"),
    [(ValueError("no"), ValueError), (asyncio.CancelledError(), concurrent.futures.CancelledError)],
    ids=["error", "cancelled"],
)
def test_what_it_awaits_is_raised_in_the_thread(error: BaseException, comes: type[BaseException]) -> None:
    raised: list[BaseException] = []

    async def failing() -> None:
        raise error

    def ask(loop: asyncio.AbstractEventLoop) -> None:
        try:
            awaited(loop, failing)
        except BaseException as told:
            raised.append(told)

    async def main() -> None:
        await asyncio.to_thread(ask, asyncio.get_running_loop())

    asyncio.run(main())
    assert [type(told) for told in raised] == [comes]


class LastWords:
    """A loop whose caller is abandoned as soon as it has told it something."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def call_soon_threadsafe(self, *args: Any) -> None:
        self._loop.call_soon_threadsafe(*args)
        raise Abandoned

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


@pytest.mark.parametrize("told", [False, True], ids=["while_it_waits", "when_it_has_just_told_the_loop"])
def test_an_abandoned_thread_leaves_nothing_behind_in_the_loop(told: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        ended = asyncio.Event()

        async def for_good() -> None:
            asked.set()
            try:
                await loop.create_future()
            finally:
                ended.set()

        worker = Worker("asking")
        worker.submit(awaited, LastWords(loop) if told else loop, for_good)
        if not told:
            await asyncio.wait_for(asked.wait(), SOON)
            worker.close()
        assert worker._thread is not None
        await asyncio.to_thread(worker._thread.join, SOON)
        for _ in range(3):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert ended.is_set() == asked.is_set()

    asyncio.run(main())
