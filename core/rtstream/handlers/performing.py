"""One reply: the user's function or generator, of any kind, walked step by step and dropped at any moment."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from ..worker import Worker
from .callables import is_async, is_async_generator

OVER = object()  # given when the reply has nothing more


class Reply:
    """What answers one turn.

    Args:
        fn: a generator function, a function, or an async one of either; what it gives is what `emit` may.
        inputs: gives what it is called with; may wait for it.
    """

    def __init__(self, fn: Callable[..., Any], inputs: Callable[[], Awaitable[tuple[Any, ...]]]) -> None:
        self._fn = fn
        self._inputs = inputs
        self._worker = Worker("rtstream-reply")
        self._walk: Any = None
        self._begun = False
        self._ahead: asyncio.Task[Any] | None = None

    def prepare(self) -> None:
        """Begin it now; what it gives first is kept for `next`."""
        self._ahead = asyncio.ensure_future(self._step())

    async def next(self) -> Any:
        """The next thing it gives, or `OVER`. What the user's code raises comes through; then it is over."""
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return await ahead
        return await self._step()

    async def drop(self) -> None:
        """End it: its `finally` runs, and nothing that it still gives is heard."""
        if self._ahead is not None:
            self._ahead.cancel()
        walk, self._walk = self._walk, None
        if inspect.isasyncgen(walk) and not walk.ag_running:
            await walk.aclose()
        elif inspect.isgenerator(walk) and not walk.gi_running:
            await self._worker.run(walk.close)
        self._worker.close()

    async def _step(self) -> Any:
        if not self._begun:
            self._begun = True
            given = await self._call()
            if not (inspect.isgenerator(given) or hasattr(given, "__anext__")):
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
        return await self._worker.run(self._fn, *inputs)
