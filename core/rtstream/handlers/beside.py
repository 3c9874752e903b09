"""What runs beside a handler, in tasks whose troubles are told at the next occasion."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any


class Beside:
    """The tasks of one handler.

    Args:
        told: called when one of them has raised, so that somebody comes and asks.
    """

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._tasks: set[asyncio.Task[None]] = set()
        self._troubles: deque[BaseException] = deque()

    def begin(self, part: Coroutine[Any, Any, None]) -> None:
        """Run it."""
        task = asyncio.get_running_loop().create_task(part)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def check(self) -> None:
        """Raise the oldest trouble that was not yet told, if there is one."""
        if self._troubles:
            raise self._troubles.popleft()

    async def over(self) -> None:
        """Wait until all have ended. Raises as `check`."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.check()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (trouble := task.exception()) is not None:
            self._troubles.append(trouble)
            self._told()
