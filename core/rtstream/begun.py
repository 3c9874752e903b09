"""Coroutines that begin at once: most have nothing to wait for, and are over before anybody awaits them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


def begun(call: Coroutine[Any, Any, None]) -> Begun | None:
    """Run a coroutine until it waits for something; None if it has come to its end.

    What it raises comes through.

    Returns:
        the rest of it, to be awaited once, by the task that has begun it.
    """
    try:
        waits_for = call.send(None)
    except StopIteration:  # which nobody keeps: its traceback holds the frames that called, and they it
        return None
    return Begun(call, waits_for)


class Begun(Generator[Any, Any, None]):
    """A coroutine that has begun already, from where it waits."""

    def __init__(self, call: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._call, self._waits_for = call, [waits_for]

    def __await__(self) -> Generator[Any, Any, None]:
        return self

    def cancelled(self) -> Begun | None:
        """Cancel it before it is awaited; None if it has come to its end."""
        try:
            waits_for = self._call.throw(asyncio.CancelledError())
        except StopIteration:  # it did not mind
            return None
        return Begun(self._call, waits_for)

    def send(self, value: Any) -> Any:
        return self._waits_for.pop() if self._waits_for else self._call.send(value)

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        return self._call.throw(kind if value is None else value)
