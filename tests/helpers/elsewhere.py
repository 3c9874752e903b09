"""A loop in a thread of its own, for servers that a test of a process needs beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Elsewhere:
    """Holds asynchronous contexts open in another thread until the block ends."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._stack = AsyncExitStack()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.run(self._stack.aclose())
            self.run(_settle())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def enter(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter an asynchronous context there; it is left with the block."""
        return self.run(self._stack.enter_async_context(context))


async def _settle() -> None:
    """Let what was closed be closed: asyncio does it a turn later."""
    for _ in range(5):
        await asyncio.sleep(0)
