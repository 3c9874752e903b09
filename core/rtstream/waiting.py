"""Waiting for what a handler's own tasks put into a queue."""

from __future__ import annotations

import asyncio
import queue as blocking
from typing import TypeVar

from .errors import OptionError

T = TypeVar("T")

_FOR_THREADS = (blocking.Queue, blocking.SimpleQueue)


async def wait_for_item(queue: asyncio.Queue[T], timeout: float = 0.1) -> T | None:
    """The next item of the queue, or None if none comes within `timeout` seconds (default 0.1).

    Raises:
        OptionError: the queue is one for threads, which would stop the event loop and every call in it.
    """
    if isinstance(queue, _FOR_THREADS):
        raise OptionError(
            f"wait_for_item was given a {type(queue).__module__}.{type(queue).__name__}",
            why="that is a queue for threads: to wait for it stops the event loop, and all calls with it",
            fix="Make it an asyncio.Queue(), or subclass StreamHandler, whose methods run in threads",
        )
    try:
        async with asyncio.timeout(timeout):
            return await queue.get()
    except TimeoutError:
        return None
