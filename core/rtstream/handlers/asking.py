"""A model that is asked in a thread of its own, and given up when it hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..errors import HandlerHung
from ..worker import Worker


class Asked:
    """One model of one session.

    Args:
        what: its name in the error.
        seconds: what an answer may take.
    """

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._worker = self._thread()
        self._asking: set[asyncio.Future[Any]] = set()

    async def ask(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Call it and return what it gives. What it raises comes through.

        Raises:
            HandlerHung: it did not answer in time; its thread is abandoned, and the next call has a new one.
        """
        limit = asyncio.timeout(self._seconds)
        answer = asyncio.ensure_future(self._worker.run(fn, *args))
        self._asking.add(answer)
        answer.add_done_callback(self._asking.discard)
        try:
            async with limit:
                return await answer
        except TimeoutError:
            if not limit.expired():
                raise
            self.close()
            raise HandlerHung(
                f"{self._what} has not answered for {self._seconds:g} s",
                why="nothing is known of the sound meanwhile",
                fix="Take a quicker model, or mend the one that was passed to ReplyOnPause",
            ) from None

    def close(self) -> None:
        """Let its thread go; who still waits for an answer is cancelled."""
        for answer in self._asking:
            answer.cancel()
        self._worker.close()
        self._worker = self._thread()

    def _thread(self) -> Worker:
        return Worker(f"rtstream-{self._what.split()[-1]}")
