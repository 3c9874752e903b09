"""How much work encoding may take, by how much of the processor the event loop's thread uses up."""

from __future__ import annotations

BUSY, CALM = 0.8, 0.55  # shares of a core: encoders that spare work bring it from the one towards the other
LOOK_SECONDS = 1.0  # of which the share is an average
CHEAPEST = (
    0  # Opus's complexity then: half the work of the default, and a little less close (benchmarks/opus.py)
)


class Effort:
    """Whether the encoders of one thread should spare work.

    They all share a thread, and it is late for all of them when it is overloaded. Sparing begins when the
    thread is busy for `BUSY` of a second, and ends when it is calm, which is far enough below.
    """

    def __init__(self) -> None:
        self.spares = False
        self._worked = self._since = 0.0
        self._begun = False

    def look(self, worked: float, now: float) -> bool:
        """Whether to spare work. Call it as often as you like.

        Args:
            worked: seconds of the processor that the thread has used since whenever.
            now: by the session's clock.
        """
        if not self._begun or now < self._since:
            self._begun, self._worked, self._since = True, worked, now
        elif (passed := now - self._since) >= LOOK_SECONDS:
            share = (worked - self._worked) / passed
            self.spares = share >= (CALM if self.spares else BUSY)
            self._worked, self._since = worked, now
        return self.spares
