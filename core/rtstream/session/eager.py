"""Calls that begin at once, in the place of a task that waits for them, and not a turn of the loop later."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from ..begun import Begun, begun
from .reports import outcome


class Eager:
    """The calls of one task. Make it in the task.

    To wake a task costs a future, a callback and a turn of the loop; most handlers take a frame without
    waiting for anything. So whoever has a frame begins the call, as the task would: what asks for the
    current task is told that one, and context variables are the task's. Only a call that waits is left to
    the task (what asyncio's documentation calls extending asyncio: `_enter_task` and `_leave_task`).

    Args:
        context: that the task was made with.
    """

    def __init__(self, context: Context) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._context = task, context
        self._loop = asyncio.get_running_loop()
        self._rest: Begun | None = None
        self._raised: BaseException | None = None

    @property
    def unfinished(self) -> bool:
        """Whether the task has to `finish` a call."""
        return self._rest is not None or self._raised is not None

    def begin(self, call: Coroutine[Any, Any, None]) -> bool:
        """Run a call until it waits for something; whether it has come to its end.

        Only while the task waits. What the call raises is raised in the task, by `finish`.
        """
        outer = asyncio.current_task(self._loop)
        if outer is not None:
            asyncio._leave_task(self._loop, outer)
        asyncio._enter_task(self._loop, self._task)
        self._rest, self._raised = outcome(self._context.run, begun, call)
        asyncio._leave_task(self._loop, self._task)
        if outer is not None:
            asyncio._enter_task(self._loop, outer)
        return self._rest is None and self._raised is None

    async def finish(self, *, cancelled: bool = False) -> None:
        """Go on with the call that waits.

        Args:
            cancelled: the task was cancelled before it came to this, so the call is.
        """
        rest, raised, self._rest, self._raised = self._rest, self._raised, None, None
        if raised is not None:
            raise raised
        assert rest is not None
        if cancelled and (rest := rest.cancelled()) is None:
            return
        await rest
