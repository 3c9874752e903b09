"""A model that is asked in a thread of its own, and given up when it hangs; and what it may answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import HandlerHung, HandlerReturnedNonsense
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


def probability(answer: Any, *, who: str, of: str, argument: str) -> float:
    """The answer of a model that must give a probability.

    Args:
        who, of: who gave it, and what it is the probability of, for the error.
        argument: of ReplyOnPause, by which the model was passed.

    Raises:
        HandlerReturnedNonsense: it is none.
    """
    if isinstance(answer, float | int | np.number) and 0.0 <= answer <= 1.0:
        return float(answer)
    raise HandlerReturnedNonsense(
        f"{who} gave {answer!r:.40}",
        why=f"it must give the probability {of}, from 0 to 1",
        fix=f"Mend the model that was passed to ReplyOnPause, or leave `{argument}` out",
    )
