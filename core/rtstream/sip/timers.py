"""What is to be done when, by the time that is handed in; and messages that are repeated until answered."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

T1, T2 = 0.5, 4.0  # seconds: RFC 3261 §17.1.1.1, the estimate of a round trip and the longest pause
PATIENCE = 64 * T1  # timers B, F, H and J: after that nobody answers any more


class Timer:
    """One thing that is to be done; it can be called off."""

    def __init__(self, fn: Callable[[float], None]) -> None:
        self._fn: Callable[[float], None] | None = fn

    @property
    def off(self) -> bool:
        return self._fn is None

    def cancel(self) -> None:
        """It is not done any more."""
        self._fn = None

    def fire(self, now: float) -> None:
        """Do it, once; it was not called off."""
        fn, self._fn = self._fn, None
        assert fn is not None
        fn(now)


class Timers:
    """All that is to be done later."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()

    def at(self, when: float, fn: Callable[[float], None]) -> Timer:
        """Call `fn` with the time when `poll` comes by after `when`."""
        timer = Timer(fn)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        return timer

    def poll(self, now: float) -> None:
        """Do what is due."""
        while (due := self.deadline) is not None and due <= now:
            heapq.heappop(self._heap)[2].fire(now)

    @property
    def deadline(self) -> float | None:
        """When `poll` has something to do; None if that is never."""
        while self._heap and self._heap[0][2].off:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None


class Repeater:
    """A message that is sent again, at growing distances, until it is answered (RFC 3261 §17, §13.3.1.4).

    Args:
        timers: where its next time is kept.
        send: sends it.
        given_up: called when nobody has answered after `PATIENCE`.
        now: it is sent at once.
        once: it is not repeated, since what carries it loses nothing; it is still waited for.
    """

    def __init__(
        self,
        timers: Timers,
        send: Callable[[], None],
        given_up: Callable[[float], None],
        now: float,
        *,
        once: bool = False,
    ) -> None:
        self._timers, self._send = timers, send
        self._pause = T1
        self._end = timers.at(now + PATIENCE, self._give_up)
        self._given_up = given_up
        self._again = None if once else timers.at(now + T1, self._repeat)
        send()

    @property
    def active(self) -> bool:
        """Whether an answer is still waited for."""
        return not self._end.off

    def stop(self) -> None:
        """It is answered."""
        self._end.cancel()
        if self._again is not None:
            self._again.cancel()

    def _repeat(self, now: float) -> None:
        self._send()
        self._pause = min(2 * self._pause, T2)
        self._again = self._timers.at(now + self._pause, self._repeat)

    def _give_up(self, now: float) -> None:
        self.stop()
        self._given_up(now)
