"""A call that is begun in the place of a task must not be told from one that the task begins itself."""

import asyncio
import contextvars
import gc
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from rtstream.session.eager import Eager
from tests.helpers.server import until

name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")


class Served:
    """A task that waits for calls which others begin."""

    def __init__(self) -> None:
        self.context = contextvars.copy_context()
        self.waits, self.bell = asyncio.Event(), asyncio.Event()
        self.raised: ValueError | None = None
        self.failed = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._run(), context=self.context)

    async def _run(self) -> None:
        self.eager = Eager(self.context)
        while True:
            self.waits.set()
            try:
                await self.bell.wait()
            except asyncio.CancelledError:
                if not self.eager.unfinished:
                    raise
                await self.eager.finish(cancelled=True)
            self.bell.clear()
            if self.eager.unfinished:
                try:
                    await self.eager.finish()
                except ValueError as error:
                    self.raised = error
                    self.failed.set()

    async def begin(self, call: Coroutine[Any, Any, None]) -> bool:
        await self.waits.wait()
        if not (done := self.eager.begin(call)):
            self.bell.set()
        return done

    async def end(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


def served(test: Callable[[Served], Awaitable[None]]) -> None:
    async def main() -> None:
        it = Served()
        await test(it)
        await it.end()

    asyncio.run(main())


def test_a_call_that_waits_for_nothing_is_done_when_begin_returns() -> None:
    done: list[str] = []

    async def call() -> None:
        done.append("done")

    async def test(it: Served) -> None:
        assert await it.begin(call())
        assert done == ["done"]
        assert not it.eager.unfinished

    served(test)


def test_a_call_that_waits_is_finished_by_the_task() -> None:
    order: list[str] = []

    async def call(go_on: asyncio.Event) -> None:
        order.append("begun")
        await go_on.wait()
        await asyncio.sleep(0)
        order.append("ended")

    async def test(it: Served) -> None:
        go_on = asyncio.Event()
        assert not await it.begin(call(go_on))
        assert order == ["begun"]
        go_on.set()
        await until(lambda: "ended" in order)

    served(test)


def test_the_call_sees_the_task_and_its_context_variables_before_and_behind_a_wait() -> None:
    seen: list[Any] = []

    async def call() -> None:
        seen.append(asyncio.current_task())
        token = name.set("caller")
        await asyncio.sleep(0)
        seen.append((asyncio.current_task(), name.get()))
        name.reset(token)  # raises in another context than that of `set`
        seen.append(name.get())

    async def test(it: Served) -> None:
        outer = asyncio.current_task()
        await it.begin(call())
        assert asyncio.current_task() is outer
        await until(lambda: len(seen) >= 3)
        assert seen == [it.task, (it.task, "caller"), "nobody"]

    served(test)


def test_a_call_may_be_begun_outside_any_task() -> None:
    seen: list[Any] = []

    async def call(waits: bool) -> None:
        seen.append(asyncio.current_task())
        if waits:
            await asyncio.sleep(0)

    async def test(it: Served) -> None:
        def begin(waits: bool) -> None:
            seen.append(it.eager.begin(call(waits)))

        await it.waits.wait()
        for waits in (False, True):
            asyncio.get_running_loop().call_soon(begin, waits)
            await asyncio.sleep(0)
        assert seen == [it.task, True, it.task, False]

    served(test)


def test_a_time_limit_inside_the_call_ends_its_wait() -> None:
    ended: list[str] = []

    async def call() -> None:
        try:
            async with asyncio.timeout(0):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            ended.append("timeout")

    async def test(it: Served) -> None:
        await it.begin(call())
        await until(lambda: ended)
        assert not it.task.done()

    served(test)


def test_what_the_call_raises_is_raised_in_the_task_at_once_or_later() -> None:
    async def at_once() -> None:
        raise ValueError("at once")

    async def later() -> None:
        await asyncio.sleep(0)
        raise ValueError("later")

    async def test(it: Served) -> None:
        for call, words in ((at_once, "at once"), (later, "later")):
            it.failed.clear()
            it.waits.clear()
            it.bell.set()
            assert not await it.begin(call())
            await asyncio.wait_for(it.failed.wait(), 5)
            assert str(it.raised) == words

    served(test)


def test_a_call_that_cancels_its_own_task_cancels_it_and_nobody_else() -> None:
    async def call() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        raise asyncio.CancelledError

    async def test(it: Served) -> None:
        assert not await it.begin(call())
        with pytest.raises(asyncio.CancelledError):
            await it.task

    served(test)


@pytest.mark.parametrize("then", ["raises", "ends", "goes on"])
def test_a_task_that_is_cancelled_before_it_comes_to_the_call_cancels_it(then: str) -> None:
    ended: list[str] = []

    async def call() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if then == "raises":
                ended.append(then)
                raise
            if then == "goes on":
                await asyncio.sleep(0)
            ended.append(then)

    async def test(it: Served) -> None:
        await it.waits.wait()
        it.eager.begin(call())
        it.task.cancel()
        await until(lambda: ended)
        for _ in range(3):
            await asyncio.sleep(0)
        assert it.task.done() is (then == "raises"), "who swallows a cancellation goes on"

    served(test)


def test_a_call_that_ends_leaves_no_circle_of_references_to_collect() -> None:
    async def call() -> None:
        pass

    async def test(it: Served) -> None:
        gc.collect()
        gc.disable()
        try:
            for _ in range(100):
                assert await it.begin(call())
            assert gc.collect() < 100
        finally:
            gc.enable()

    served(test)


def test_a_call_that_is_cancelled_while_the_task_awaits_it_may_go_on() -> None:
    order: list[str] = []

    async def call() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await asyncio.sleep(0.001)
            order.append("went on")

    async def test(it: Served) -> None:
        assert not await it.begin(call())
        await until(lambda: not it.eager.unfinished)
        await asyncio.sleep(0)
        it.task.cancel()
        await until(lambda: order or it.task.done())
        assert order == ["went on"]

    served(test)
