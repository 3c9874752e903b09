"""Runs the user's code: coroutines in the loop, blocking functions in threads of their session."""

from __future__ import annotations

import inspect
from collections.abc import Callable
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

    async def call(self, fn: Callable[..., Any], *args: Any, role: str, may_wait: bool = False) -> Any:
        """Call `fn` where it belongs and return what it gives. What it raises comes through."""
        if is_async(fn):
            return await fn(*args)
        worker = self._workers.get(role)
        if worker is None:
            worker = self._workers[role] = Worker(f"rtstream-{role}-{self._id[:8]}", may_wait=may_wait)
        value = await worker.run(fn, *args)
        return await value if inspect.isawaitable(value) else value

    def close(self) -> None:
        """Let the threads go; calls that still run are abandoned."""
        for worker in self._workers.values():
            worker.close()
