"""Calls that begin at once, in the place of a task that waits for them, and not a turn of the loop later."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any

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
        self._rest: _Rest | None = None

    @property
    def unfinished(self) -> bool:
        """Whether the task has to `finish` a call."""
        return self._rest is not None

    def begin(self, call: Coroutine[Any, Any, None]) -> bool:
        """Run a call until it waits for something; whether it has come to its end.

        Only while the task waits. What the call raises is raised in the task, by `finish`.
        """
        outer = asyncio.current_task(self._loop)
        if outer is not None:
            asyncio._leave_task(self._loop, outer)
        asyncio._enter_task(self._loop, self._task)
        waits_for, ended, raised = outcome(self._context.run, call.send, None)
        asyncio._leave_task(self._loop, self._task)
        if outer is not None:
            asyncio._enter_task(self._loop, outer)
        if not ended:
            self._rest = _Rest(call, waits_for, raised)
        return ended

    async def finish(self, *, cancelled: bool = False) -> None:
        """Go on with the call that waits.

        Args:
            cancelled: the task was cancelled before it came to this, so the call is.
        """
        rest, self._rest = self._rest, None
        assert rest is not None
        if cancelled:
            try:
                rest.throw(asyncio.CancelledError())
            except StopIteration:  # it did not mind
                return
        await rest


class _Rest(Generator[Any, Any, None]):
    """A call that somebody else has begun, from where it waits, or with what it raised."""

    def __init__(self, call: Coroutine[Any, Any, None], waits_for: Any, raised: BaseException | None) -> None:
        self._call, self._next, self._raised = call, [waits_for], raised

    def __await__(self) -> Generator[Any, Any, None]:
        return self

    def send(self, value: Any) -> Any:
        self._raise()
        return self._next.pop() if self._next else self._call.send(value)

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        self._raise()
        self._next = [self._call.throw(kind if value is None else value)]
        return self._next[0]

    def _raise(self) -> None:
        if self._raised is not None:
            raise self._raised
