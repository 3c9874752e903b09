"""Time that moves only when nobody works."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from rtstream import clock
from rtstream.clock import Clock, in_loop, pass_turn, run_stepped, shared_moment
from rtstream.worker import Worker


def test_an_hour_passes_at_once() -> None:
    async def main() -> float:
        await Clock().sleep(3600)
        return Clock().now()

    begun = time.monotonic()
    assert run_stepped(main()) == 3600
    assert time.monotonic() - begun < 5


def test_time_starts_at_nought_and_stands_still_for_those_who_work() -> None:
    async def main() -> list[float]:
        times = [Clock().now()]
        for _ in range(1000):
            await pass_turn()
        return [*times, Clock().now()]

    assert run_stepped(main()) == [0.0, 0.0]


def test_who_waits_for_a_moment_wakes_at_it_and_in_the_order_of_the_moments() -> None:
    woken: list[tuple[float, float]] = []

    async def sleeper(when: float) -> None:
        await Clock().sleep_until(when)
        woken.append((when, Clock().now()))

    async def main() -> None:
        moments = [5.0, 0.5, 3.0, 0.0, -1.0, 3.0, 0.001]
        await asyncio.gather(*map(sleeper, moments))

    run_stepped(main())
    assert [when for when, _ in woken] == [0.0, -1.0, 0.001, 0.5, 3.0, 3.0, 5.0]
    assert all(at == pytest.approx(max(when, 0.0)) for when, at in woken)


def test_a_timeout_is_stepped_too() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.Event().wait()
        return Clock().now()

    assert run_stepped(main()) == pytest.approx(10)


def test_on_an_ordinary_loop_the_clock_is_real() -> None:
    async def main() -> float:
        begun = Clock().now()
        await Clock().sleep(0.02)
        await Clock().sleep_until(Clock().now() - 1)
        return Clock().now() - begun

    begun = time.monotonic()
    assert asyncio.run(main()) == pytest.approx(time.monotonic() - begun, abs=0.5)
    assert time.monotonic() - begun >= 0.02


@pytest.mark.parametrize("executor", [None, "worker"])
def test_work_in_a_thread_is_waited_for_while_time_stands_still(executor: str | None) -> None:
    async def main() -> tuple[int, float]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await Clock().sleep(1)
                ticks += 1

        ticking = asyncio.create_task(tick())
        pool = Worker("test") if executor else None
        await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.05)
        now = Clock().now()
        ticking.cancel()
        if pool:
            pool.close()
        return ticks, now

    assert run_stepped(main()) == (0, 0.0)


@pytest.mark.parametrize(
    "wait",
    [
        lambda: queue.Queue[int]().get(),
        lambda: queue.Queue[int]().get(timeout=60),
        lambda: threading.Event().wait(60),
        lambda: threading.Barrier(2).wait(60),
    ],
    ids=["queue", "queue with a timeout", "event", "barrier"],
)
def test_time_goes_on_while_a_thread_waits_for_another(wait: Any) -> None:
    async def main() -> float:
        worker = Worker("test")
        waiting = asyncio.ensure_future(worker.run(wait))
        await Clock().sleep(100)
        worker.close()
        waiting.cancel()
        return Clock().now()

    assert run_stepped(main()) == 100


class SlowToBegin(threading.Thread):
    """As on a machine that has no processor for it yet."""

    def _set_ident(self) -> None:
        time.sleep(0.05)
        super()._set_ident()  # type: ignore[misc]


def test_a_thread_that_starts_another_does_not_wait_for_media() -> None:
    async def main() -> float:
        worker = Worker("test")
        starting = asyncio.ensure_future(worker.run(SlowToBegin().start))
        await asyncio.wait([starting], timeout=60)
        worker.close()
        return Clock().now()

    assert run_stepped(main()) == 0


def test_a_call_that_may_wait_is_given_some_time_to_think_and_then_taken_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it waits in may be no Python code at all."""
    monkeypatch.setattr(clock, "GRACE", 0.02)
    free = queue.SimpleQueue[int]()

    async def main() -> float:
        worker = Worker("test", may_wait=True)
        waiting = asyncio.ensure_future(worker.run(free.get))
        await Clock().sleep(100)
        free.put(1)
        assert await waiting == 1
        worker.close()
        return Clock().now()

    assert run_stepped(main()) == 100


def test_a_call_is_not_taken_to_wait_because_the_whole_process_was_held_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if no processor had been free for the time that it is given, and then there is one."""
    monkeypatch.setattr(clock, "GRACE", 0)

    async def main() -> float:
        worker = Worker("test", may_wait=True)
        thinking = asyncio.ensure_future(worker.run(lambda: time.sleep(0.003)))
        await asyncio.wait([thinking], timeout=60)
        worker.close()
        return Clock().now()

    assert run_stepped(main()) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells what its threads are at")
def test_a_call_that_computes_is_not_taken_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that is given no processor: both have something to run."""
    monkeypatch.setattr(clock, "GRACE", 0)
    compute = partial(hashlib.pbkdf2_hmac, "sha256", b"", b"", 1_000_000)  # which lets go of the GIL

    async def main() -> float:
        worker = Worker("test", may_wait=True)
        thinking = asyncio.ensure_future(worker.run(compute))
        await asyncio.wait([thinking], timeout=60)
        worker.close()
        return Clock().now()

    assert run_stepped(main()) == 0


def test_a_thread_that_was_notified_is_waited_for() -> None:
    """Fifty frames there and back through a thread, each in its own time, whatever the machine is at."""

    async def main() -> list[tuple[float, int]]:
        worker, heard, answers = Worker("test"), queue.Queue[int](), list[tuple[float, int]]()

        async def answer() -> None:
            while True:
                value = await worker.run(heard.get)
                answers.append((round(Clock().now(), 6), value))

        answering = asyncio.create_task(answer())
        for number in range(50):
            await Clock().sleep(0.02)
            heard.put(number)
        await Clock().sleep(1)
        worker.close()
        answering.cancel()
        return answers

    assert run_stepped(main()) == [(round(0.02 * (number + 1), 6), number) for number in range(50)]


def test_a_thread_that_one_which_waits_now_has_woken_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was seen to wait, and was woken before it was seen that the other one waits."""
    woken, other, look, never = threading.Event(), threading.Event(), clock.waiting_at, threading.Event()

    def wake() -> None:
        other.wait()
        woken.set()
        never.wait()

    def think() -> None:
        woken.wait()
        time.sleep(0.05)

    def looked(frame: Any) -> Any:
        if (waiter := look(frame)) is not None and frame.f_back.f_locals["self"] is woken:
            other.set()
            while not never._cond._waiters:  # type: ignore[attr-defined]
                time.sleep(0.001)
        return waiter

    async def main() -> float:
        worker, waker = Worker("woken"), Worker("waking")
        monkeypatch.setattr(clock, "waiting_at", looked)
        waking = asyncio.ensure_future(waker.run(wake))
        await asyncio.wait([asyncio.ensure_future(worker.run(think))], timeout=60)
        worker.close()
        waker.close()
        waking.cancel()
        return Clock().now()

    assert run_stepped(main()) == 0


def test_a_call_in_line_behind_one_that_waits_does_not_hold_up_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "GRACE", 0.02)

    async def main() -> float:
        loop, free = asyncio.get_running_loop(), threading.Event()
        with ThreadPoolExecutor(1) as pool:
            first = loop.run_in_executor(pool, free.wait)
            second = loop.run_in_executor(pool, int)
            await Clock().sleep(100)
            now = Clock().now()
            free.set()
            await asyncio.gather(first, second)
        return now

    assert run_stepped(main()) == 100


def test_a_call_that_has_no_thread_yet_stands_in_line_only_if_all_threads_are_taken() -> None:
    async def main() -> float:
        loop, free = asyncio.get_running_loop(), threading.Event()
        waiting = asyncio.ensure_future(asyncio.to_thread(free.wait))
        await Clock().sleep(1)
        for _ in range(20):
            await asyncio.wait([loop.run_in_executor(None, time.sleep, 0.001)], timeout=60)
        free.set()
        await waiting
        return Clock().now()

    assert run_stepped(main()) == 1


def test_a_loop_with_open_sockets_lives_in_real_time() -> None:
    async def main() -> tuple[float, float, bytes]:
        one, two = socket.socketpair()
        with one, two:
            one.setblocking(False)
            two.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=one)
            begun, really = Clock().now(), time.monotonic()
            await Clock().sleep(0.05)
            asyncio.get_running_loop().call_later(0.01, two.send, b"x")
            got = await reader.read(1)
            writer.close()
            return Clock().now() - begun, time.monotonic() - really, got

    stepped, real, got = run_stepped(main())
    assert got == b"x"
    assert real >= 0.05
    assert stepped == pytest.approx(real, abs=0.05)


def test_a_loop_in_which_nobody_waits_for_time_hears_other_threads() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        threading.Timer(0.02, loop.call_soon_threadsafe, (done.set_result, 7)).start()
        return await done

    assert run_stepped(main()) == 7


def test_in_loop_calls_at_once_in_the_loop_itself() -> None:
    async def main() -> list[int]:
        called: list[int] = []
        in_loop(asyncio.get_running_loop(), called.append, 1)
        return called

    assert asyncio.run(main()) == [1]


@pytest.mark.parametrize("elsewhere", ["thread", "other loop"])
def test_in_loop_calls_as_soon_as_may_be_from_elsewhere(elsewhere: str) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()

        async def other() -> None:
            in_loop(loop, done.set_result, 1)

        def in_thread() -> None:
            if elsewhere == "thread":
                in_loop(loop, done.set_result, 1)
            else:
                asyncio.run(other())

        thread = threading.Thread(target=in_thread)
        thread.start()
        value = await done
        thread.join()
        return value

    assert asyncio.run(main()) == 1


def test_in_loop_does_nothing_when_the_loop_is_closed() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    called: list[int] = []
    in_loop(loop, called.append, 1)
    assert called == []


def test_a_call_that_may_wait_thinks_anew_after_each_wait_however_long_that_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    job = clock._Job(lambda: None, may_wait=True)
    job()
    seen: dict[str, Any] = {"stands": True, "waits": "a lock"}
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(clock, "sleeps", lambda thread: True)
    monkeypatch.setattr(clock, "stands_in_threading", lambda frame: seen["stands"])
    monkeypatch.setattr(clock, "waiting_at", lambda frame: seen["waits"])
    assert job.waits_for([job])
    now += 10 * clock.GRACE
    seen["waits"] = None
    assert not job.waits_for([job]), "it has been notified, and has not run yet"
    seen["stands"] = False
    assert not job.waits_for([job]), "it has only begun to think"
    now += 2 * clock.GRACE
    assert [job.waits_for([job]) for _ in range(clock.LOOKS)][-1]


def test_a_shared_moment_is_the_next_one_and_the_very_moment_if_it_is_one() -> None:
    moments = [shared_moment(count * 0.01) for count in range(1000)]
    assert moments == pytest.approx([count * 0.01 for count in range(1000)])
    assert shared_moment(5.0001) == pytest.approx(5.01)
    assert shared_moment(5.0001, 0.005) == pytest.approx(5.005)
