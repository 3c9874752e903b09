"""One reply: the user's function or generator, of any kind, walked step by step and dropped at any moment."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..errors import HandlerHung, HandlerRaised
from ..outputs import AdditionalOutputs, CloseStream
from ..worker import Worker
from .callables import is_async, is_async_generator

OVER = object()  # given when the reply has nothing more
CLOSING_SECONDS = 5.0  # what the `finally` of a dropped reply may take


class Reply:
    """What answers one turn.

    Each step (up to a `yield`, or the whole of a function) is a task, so that a reply can be dropped
    while its code waits, sleeps or computes.

    Args:
        fn: a generator function, a function, or an async one of either; what it gives is what `emit` may.
        inputs: gives what it is called with; may wait for it.

    `failed` is whether its code has raised.
    """

    def __init__(self, fn: Callable[..., Any], inputs: Callable[[], Awaitable[tuple[Any, ...]]]) -> None:
        self._fn = fn
        self._inputs = inputs
        self._worker = Worker("rtstream-reply")
        self._walk: Any = None
        self._begun = False
        self.failed = False
        self._steps: deque[asyncio.Task[Any]] = deque()  # begun, and what they gave has not been taken
        self._ahead: asyncio.Task[None] | None = None
        self._dropped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def prepare(self) -> None:
        """Begin it now, up to the first sound; what it gives is kept for `next`."""
        self._ahead = asyncio.ensure_future(self._look_ahead())

    async def begin(self) -> None:
        """Take its first step now; returns when that is done. What it gives is kept for `next`."""
        await asyncio.wait([self._take_step(), self._dropped], return_when=asyncio.FIRST_COMPLETED)

    async def next(self) -> Any:
        """The next thing it gives, or `OVER`. What the user's code raises comes through; then it is over."""
        if self._ahead is not None:
            self._ahead.cancel()  # which takes no further step; the one that is being taken goes on
            self._ahead = None
        step = self._steps[0] if self._steps else self._take_step()
        await asyncio.wait([step, self._dropped], return_when=asyncio.FIRST_COMPLETED)
        if self._dropped.done():
            return OVER
        self._steps.popleft()
        self.failed |= step.exception() is not None
        return step.result()

    async def close(self) -> None:
        """Drop it: `next` gives nothing more from now on, its code is interrupted and its `finally` runs.

        Raises:
            HandlerHung: its code did not end within five seconds.
            Exception: what its code raised meanwhile.
        """
        self._dropped.set_result(None)
        if self._ahead is not None:
            self._ahead.cancel()
        for step in self._steps:
            step.cancel()
        limit = asyncio.timeout(CLOSING_SECONDS)
        try:
            async with limit:
                if self._steps:
                    await asyncio.wait(self._steps)
                with exits_reported():
                    await self._close_walk()
        except TimeoutError:
            if not limit.expired():
                raise
            raise HandlerHung(
                f"a reply has not ended {CLOSING_SECONDS:g} s after it was interrupted",
                why="its code goes on, though nothing of it is heard",
                fix="Let CancelledError and GeneratorExit through, and be quick in `finally`",
            ) from None
        finally:
            self._worker.close()
        for step in self._steps:
            if not step.cancelled():
                step.result()

    async def _look_ahead(self) -> None:
        while True:
            step = self._take_step()
            await asyncio.wait([step])
            if step.cancelled() or step.exception() or not isinstance(step.result(), AdditionalOutputs):
                return

    def _take_step(self) -> asyncio.Task[Any]:
        step = asyncio.ensure_future(self._step())
        self._steps.append(step)
        return step

    async def _step(self) -> Any:
        with exits_reported():
            return await self._walk_on()

    async def _walk_on(self) -> Any:
        if not self._begun:
            self._begun = True
            given = await self._call()
            if not hasattr(given, "__next__") and not hasattr(given, "__anext__"):
                return given
            self._walk = given
        if self._walk is None:
            return OVER
        if hasattr(self._walk, "__anext__"):
            return await anext(self._walk, OVER)
        return await self._worker.run(partial(next, self._walk, OVER))

    async def _call(self) -> Any:
        inputs = await self._inputs()
        if is_async(self._fn):
            return await self._fn(*inputs)
        if is_async_generator(self._fn):
            return self._fn(*inputs)
        given = await self._worker.run(self._fn, *inputs)
        return await given if inspect.isawaitable(given) else given

    async def _close_walk(self) -> None:
        walk, self._walk = self._walk, None
        if inspect.isasyncgen(walk):
            await walk.aclose()
        elif inspect.isgenerator(walk) and not walk.gi_running:
            await self._worker.run(walk.close)


@contextmanager
def exits_reported() -> Iterator[None]:
    """`sys.exit()` ends the program when it comes out of a task; here it is the handler's mistake."""
    try:
        yield
    except SystemExit as error:
        raise HandlerRaised(
            f"a reply called sys.exit({error.code!r})",
            why="one caller's reply cannot end the server",
            fix="Return to end the reply, or give `CloseStream()` to end the call",
        ) from error


def is_heard(value: Any) -> bool:
    """Whether there is anything to hear in what a reply gave: not in outputs beside the media alone."""
    if isinstance(value, (tuple, list)):
        return any(is_heard(part) for part in value)
    return value is not None and not isinstance(value, (AdditionalOutputs, CloseStream))


async def given(*inputs: Any) -> tuple[Any, ...]:
    """The inputs of a reply, where they are known."""
    return inputs
