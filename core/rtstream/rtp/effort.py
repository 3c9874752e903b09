"""How much work encoding may take, by how much of the processor the event loop's thread uses up."""

from __future__ import annotations

BUSY, CALM = 0.8, 0.55  # shares of a core: encoders that spare work bring it from the one towards the other
CHEAPEST = 0  # Opus's complexity then: half the work of 5, and a little less close (benchmarks/opus.py)


class Effort:
    """Whether the encoders of one thread should spare work.

    They all share a thread, and it is late for all of them when it is overloaded. Sparing begins when the
    thread is busy for `BUSY` of the time between two looks, and ends when it is calm, which is far enough
    below.

    Args:
        worked: seconds of the processor that the thread has used since whenever.
        now: by the session's clock.
    """

    def __init__(self, worked: float, now: float) -> None:
        self._spares = False
        self._worked, self._since = worked, now

    def look(self, worked: float, now: float) -> bool:
        """Whether to spare work; it is told the same as at first, a second or so later each time."""
        share = (worked - self._worked) / (now - self._since)
        self._spares = share >= (CALM if self._spares else BUSY)
        self._worked, self._since = worked, now
        return self._spares
