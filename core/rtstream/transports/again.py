"""Says again what a network may have lost: after a pause, after twice that pause, and so on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Again:
    """What was said last, and when it is said again.

    Args:
        first: seconds until then; each pause is twice the one before.
        times: how often at most.
    """

    def __init__(self, first: float, times: int = 10) -> None:
        self._first, self._times = first, times
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, say: Callable[[], None]) -> None:
        """Say this again from now on, in the place of what was said before. `say` may end it."""
        self.end()
        self._in(self._first, self._times, say)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _in(self, pause: float, times: int, say: Callable[[], None]) -> None:
        if times:
            self._timer = asyncio.get_running_loop().call_later(pause, self._say, pause, times, say)

    def _say(self, pause: float, times: int, say: Callable[[], None]) -> None:
        self._in(2 * pause, times - 1, say)
        say()
