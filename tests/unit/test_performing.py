"""A reply of any kind, walked step by step, prepared and dropped at any moment."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from rtstream import AdditionalOutputs
from rtstream.clock import Clock, pass_turn
from rtstream.errors import HandlerHung, HandlerRaised
from rtstream.handlers.performing import OVER, Reply

from ..helpers.memory import stepped


def three(first: int) -> Iterator[int]:
    yield from range(first, first + 3)


async def three_async(first: int) -> AsyncIterator[int]:
    for number in range(first, first + 3):
        await Clock().sleep(0.1)
        yield number


class Three:
    def __call__(self, first: int) -> Iterator[int]:
        return three(first)

    def method(self, first: int) -> Iterator[int]:
        return three(first)

    async def async_method(self, first: int) -> AsyncIterator[int]:
        async for number in three_async(first):
            yield number


async def coroutine_giving_a_generator(first: int) -> Iterator[int]:
    return three(first)


GIVING_THREE: dict[str, Callable[..., Any]] = {
    "generator function": three,
    "async generator function": three_async,
    "callable object": Three(),
    "method": Three().method,
    "async method": Three().async_method,
    "partial": partial(three),
    "async partial": partial(three_async),
    "function that returns a generator": lambda first: three(first),
    "function that returns an async generator": lambda first: three_async(first),
    "coroutine function that returns a generator": coroutine_giving_a_generator,
    "function that returns an iterator": lambda first: iter([first, first + 1, first + 2]),
}


async def coroutine(first: int) -> int:
    return first


GIVING_ONE: dict[str, Callable[..., Any]] = {
    "function": lambda first: first,
    "coroutine function": coroutine,
    "function that returns a coroutine": lambda first: coroutine(first),
    "partial": partial(lambda first: first),
}


def reply_of(fn: Callable[..., Any], *args: Any) -> Reply:
    async def inputs() -> tuple[Any, ...]:
        return args

    return Reply(fn, inputs)


async def all_of(reply: Reply) -> list[Any]:
    given = []
    while (value := await reply.next()) is not OVER:
        given.append(value)
    return given


@pytest.mark.parametrize("fn", GIVING_THREE.values(), ids=GIVING_THREE)
def test_what_a_generator_of_any_kind_gives_comes_out_in_order(fn: Callable[..., Any]) -> None:
    async def main() -> None:
        reply = reply_of(fn, 5)
        assert await all_of(reply) == [5, 6, 7]
        assert await reply.next() is OVER
        await reply.close()

    stepped(main())


@pytest.mark.parametrize("fn", GIVING_ONE.values(), ids=GIVING_ONE)
def test_what_a_function_of_any_kind_returns_is_the_whole_reply(fn: Callable[..., Any]) -> None:
    async def main() -> None:
        reply = reply_of(fn, 5)
        assert await all_of(reply) == [5]
        await reply.close()

    stepped(main())


def test_code_that_blocks_runs_in_one_thread_and_never_in_the_loops() -> None:
    threads = []

    def blocks() -> Iterator[int]:
        for number in range(3):
            threads.append(threading.current_thread())
            yield number

    async def main() -> None:
        reply = reply_of(blocks)
        await all_of(reply)
        await reply.close()

    stepped(main())
    assert len(set(threads)) == 1 and threads[0] is not threading.main_thread()


def raising(at: int, error: BaseException) -> Callable[[], Iterator[int]]:
    def fn() -> Iterator[int]:
        yield from range(at)
        raise error

    return fn


def raising_async(at: int, error: BaseException) -> Callable[[], AsyncIterator[int]]:
    async def fn() -> AsyncIterator[int]:
        for number in range(at):
            yield number
        raise error

    return fn


@pytest.mark.parametrize("make", [raising, raising_async])
@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError(), asyncio.CancelledError()], ids=repr)
def test_what_it_raises_comes_through_once_and_then_it_is_over(
    make: Any, at: int, error: BaseException
) -> None:
    async def main() -> None:
        reply = reply_of(make(at, error))
        assert [await reply.next() for _ in range(at)] == list(range(at))
        with pytest.raises(type(error)):
            await reply.next()
        assert await reply.next() is OVER
        await reply.close()

    stepped(main())


@pytest.mark.parametrize("make", [raising, raising_async])
def test_sys_exit_in_a_reply_does_not_end_the_program(make: Any) -> None:
    async def main() -> None:
        reply = reply_of(make(0, SystemExit(3)))
        with pytest.raises(HandlerRaised, match=r"sys\.exit\(3\)"):
            await reply.next()
        await reply.close()

    stepped(main())


# Prepared.


def test_a_prepared_reply_is_taken_up_to_its_first_sound_and_no_further() -> None:
    reached = []

    def fn() -> Iterator[Any]:
        for value in (AdditionalOutputs(1), AdditionalOutputs(2), "sound", "more sound"):
            reached.append(value)
            yield value

    async def main() -> None:
        reply = reply_of(fn)
        reply.prepare()
        await Clock().sleep(1.0)
        assert len(reached) == 3
        assert [type(value) for value in await all_of(reply)] == [
            AdditionalOutputs,
            AdditionalOutputs,
            str,
            str,
        ]
        await reply.close()

    stepped(main())


def test_a_prepared_reply_may_be_taken_over_while_it_still_prepares() -> None:
    async def fn() -> AsyncIterator[Any]:
        yield AdditionalOutputs(1)
        await Clock().sleep(1.0)
        yield "sound"
        yield "more"

    async def main() -> None:
        reply = reply_of(fn)
        reply.prepare()
        await Clock().sleep(0.5)
        assert isinstance(await reply.next(), AdditionalOutputs)
        assert Clock().now() == 0.5
        assert await all_of(reply) == ["sound", "more"]
        assert Clock().now() == 1.0
        await reply.close()

    stepped(main())


@pytest.mark.parametrize("make", [raising, raising_async])
def test_what_a_prepared_reply_raises_is_raised_when_it_is_taken(make: Any) -> None:
    async def main() -> None:
        reply = reply_of(make(0, ValueError("no")))
        reply.prepare()
        await Clock().sleep(1.0)
        with pytest.raises(ValueError, match="no"):
            await reply.next()
        assert await reply.next() is OVER
        await reply.close()

    stepped(main())


@pytest.mark.parametrize("value", [None, "sound"])
def test_nothing_is_prepared_beyond_what_is_no_output(value: Any) -> None:
    count = [0]

    def fn() -> Iterator[Any]:
        while True:
            count[0] += 1
            yield value

    async def main() -> None:
        reply = reply_of(fn)
        reply.prepare()
        await Clock().sleep(1.0)
        assert count == [1]
        await reply.close()

    stepped(main())


# Dropped.


class Body:
    """Code of a reply that can be seen to be interrupted."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.ended = threading.Event()
        self.never = threading.Event()

    def sync_generator(self) -> Iterator[str]:
        try:
            yield "first"
            self.running.set()
            self.never.wait()
            yield "never"
        finally:
            self.ended.set()

    def busy_generator(self) -> Iterator[str]:
        try:
            yield "first"
            self.running.set()
            while True:
                time.sleep(0.001)
        finally:
            self.ended.set()

    async def async_generator(self) -> AsyncIterator[str]:
        try:
            yield "first"
            self.running.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    def function(self) -> str:
        try:
            self.running.set()
            self.never.wait()
            return "never"
        finally:
            self.ended.set()

    async def coroutine(self) -> None:
        try:
            self.running.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    async def until_running(self) -> None:
        while not self.running.is_set():
            await pass_turn()


BODIES = ["sync_generator", "busy_generator", "async_generator", "function", "coroutine"]


@pytest.mark.parametrize("name", BODIES)
def test_a_reply_is_dropped_in_the_midst_of_its_code(name: str) -> None:
    body = Body()

    async def main() -> None:
        reply = reply_of(getattr(body, name))
        if "generator" in name:
            assert await reply.next() == "first"
        waiting = asyncio.ensure_future(reply.next())
        await body.until_running()
        await reply.close()
        assert await waiting is OVER
        assert await reply.next() is OVER

    asyncio.run(main())
    assert body.ended.wait(5)


@pytest.mark.parametrize("name", ["sync_generator", "async_generator"])
@pytest.mark.parametrize("steps", [0, 1])
def test_a_reply_is_dropped_between_its_steps(name: str, steps: int) -> None:
    body = Body()

    async def main() -> None:
        reply = reply_of(getattr(body, name))
        for _ in range(steps):
            await reply.next()
        await reply.close()

    stepped(main())
    assert body.ended.is_set() == (steps > 0)  # what was not begun has nothing to end


@pytest.mark.parametrize("name", ["sync_generator", "async_generator", "coroutine"])
def test_a_prepared_reply_is_dropped(name: str) -> None:
    body = Body()

    async def main() -> None:
        reply = reply_of(getattr(body, name))
        reply.prepare()
        await pass_turn()
        await pass_turn()
        await reply.close()
        assert await reply.next() is OVER

    asyncio.run(main())


def test_a_reply_that_waits_for_its_inputs_is_dropped_before_its_code_begins() -> None:
    called = []

    async def main() -> None:
        async def inputs() -> tuple[Any, ...]:
            await asyncio.Event().wait()
            return ()

        reply = Reply(lambda: called.append(1), inputs)
        waiting = asyncio.ensure_future(reply.next())
        await pass_turn()
        await reply.close()
        assert await waiting is OVER

    stepped(main())
    assert called == []


@pytest.mark.parametrize("async_", [False, True])
def test_what_its_finally_raises_is_raised_by_close(async_: bool) -> None:
    def fn() -> Iterator[str]:
        try:
            yield "first"
        finally:
            raise ValueError("in finally")

    async def fn_async() -> AsyncIterator[str]:
        try:
            yield "first"
        finally:
            raise ValueError("in finally")

    async def main() -> None:
        reply = reply_of(fn_async if async_ else fn)
        await reply.next()
        with pytest.raises(ValueError, match="in finally"):
            await reply.close()

    stepped(main())


def test_what_it_makes_of_its_cancellation_is_raised_by_close() -> None:
    async def fn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("instead") from None

    async def main() -> None:
        reply = reply_of(fn)
        waiting = asyncio.ensure_future(reply.next())
        await pass_turn()
        await pass_turn()
        with pytest.raises(ValueError, match="instead"):
            await reply.close()
        await waiting

    stepped(main())


def test_a_sys_exit_in_finally_is_an_error_like_others() -> None:
    def fn() -> Iterator[str]:
        try:
            yield "first"
        finally:
            raise SystemExit("bye")

    async def main() -> None:
        reply = reply_of(fn)
        await reply.next()
        with pytest.raises(HandlerRaised, match="bye"):
            await reply.close()

    stepped(main())


def test_a_timeout_of_its_own_is_not_taken_for_ours() -> None:
    def fn() -> Iterator[str]:
        try:
            yield "first"
        finally:
            raise TimeoutError("its own")

    async def main() -> None:
        reply = reply_of(fn)
        await reply.next()
        with pytest.raises(TimeoutError, match="its own"):
            await reply.close()

    stepped(main())


def test_a_reply_that_will_not_end_is_given_up_and_told_of() -> None:
    released = asyncio.Event()

    async def fn() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                pass

    async def main() -> None:
        reply = reply_of(fn)
        waiting = asyncio.ensure_future(reply.next())
        await pass_turn()
        await pass_turn()
        begun = Clock().now()
        with pytest.raises(HandlerHung, match="has not ended 5 s"):
            await reply.close()
        assert Clock().now() - begun == pytest.approx(5.0)
        assert await waiting is OVER
        released.set()
        await Clock().sleep(0.1)

    stepped(main())


def test_a_generator_that_swallows_its_end_is_told_of() -> None:
    def fn() -> Iterator[str]:
        try:
            yield "first"
        except GeneratorExit:
            yield "one more"

    async def main() -> None:
        reply = reply_of(fn)
        await reply.next()
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            await reply.close()

    stepped(main())


def test_the_threads_of_dropped_replies_go() -> None:
    before = set(threading.enumerate())

    async def main() -> None:
        for _ in range(5):
            body = Body()
            reply = reply_of(body.sync_generator)
            await reply.next()
            asyncio.ensure_future(reply.next())
            await body.until_running()
            await reply.close()

    asyncio.run(main())
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before == set()
