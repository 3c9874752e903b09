"""Runs the user's code: coroutines in the loop, blocking functions in threads of their session."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from ..handlers.callables import is_async
from ..worker import Worker


class Runner:
    """Calls the methods of one session's handler.

    Each role (a listener, a source, start-up and shutdown) has its own thread, made when first needed,
    so that an `emit` that waits does not keep `receive` from being called.
    """

    def __init__(self, session_id: str) -> None:
        self._id = session_id
        self._workers: dict[str, Worker] = {}

    def caller(
        self, fn: Callable[..., Any], role: str, *, may_wait: bool = False
    ) -> Callable[..., Awaitable[Any]]:
        """How to call `fn` where it belongs, again and again. What it raises comes through."""
        return fn if is_async(fn) else partial(self._in_thread, fn, role, may_wait)

    async def call(self, fn: Callable[..., Any], *args: Any, role: str, may_wait: bool = False) -> Any:
        """Call `fn` once where it belongs and return what it gives."""
        return await self.caller(fn, role, may_wait=may_wait)(*args)

    async def _in_thread(self, fn: Callable[..., Any], role: str, may_wait: bool, *args: Any) -> Any:
        worker = self._workers.get(role)
        if worker is None:
            worker = self._workers[role] = Worker(f"rtstream-{role}-{self._id[:8]}", may_wait=may_wait)
        value = await worker.run(fn, *args)
        return await value if inspect.isawaitable(value) else value

    def close(self) -> None:
        """Let the threads go; calls that still run are abandoned."""
        for worker in self._workers.values():
            worker.close()


async def called(fn: Callable[..., Any], *args: Any) -> Any:
    """Call `fn` in the loop, whether it is plain or async, and return what it gives."""
    value = fn(*args)
    return await value if inspect.isawaitable(value) else value
