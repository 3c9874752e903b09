"""What of the pictures has queued on the line, by what was sent when and how long answers take."""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import Literal, NamedTuple

OBSERVED = 1.0  # seconds in which bits are counted

NEAR = 0.2  # seconds that the first answer may take to show no queue
LATE = 0.1  # and that others may take longer than the quickest; what is more is a queue that the report met

QUEUED = 0.1  # seconds of the rate that may be on their way; then pictures wait until they have left
MOST_QUEUED = 2.0  # seconds for which a queue that the far end tells of may hold them up


class Sent:
    """How many bits were sent when."""

    REMEMBERED = 10.0  # seconds: no answer takes longer

    def __init__(self) -> None:
        self.began = float("inf")
        self._log: deque[tuple[float, int]] = deque()

    def add(self, bits: int, now: float) -> None:
        self.began = min(self.began, now)
        self._log.append((now, bits))
        while self._log[0][0] < now - self.REMEMBERED:
            self._log.popleft()

    def between(self, since: float, until: float) -> int:
        newer = takewhile(lambda one: one[0] >= since, reversed(self._log))
        return sum(bits for at, bits in newer if at <= until)

    def rate(self, now: float) -> float:
        """Bits a second, lately."""
        return self.between(now - OBSERVED, now) / OBSERVED


class Report(NamedTuple):
    """One that was answered: when it left, and how many seconds of queue it met."""

    left: float = float("-inf")
    queue: float = 0.0


class RoundTrips:
    """The queue that reports meet: what their answers take longer than the quickest.

    A way that has become longer looks like a queue at first. So what was done about a queue is given its
    time, and if the next report meets the same, it is no queue.

    `newest` is the newest report that was answered, `before` the one before it.
    """

    def __init__(self) -> None:
        self.newest = self.before = Report()
        self.quickest = float("inf")  # seconds until an answer that met no queue
        self._doubted = False  # whether a queue was let go, and none has been found empty since

    @property
    def clean(self) -> bool:
        """Whether there is no queue to speak of."""
        return self.newest.queue < LATE

    def answered(
        self, left: float, held: float, now: float, drained: float
    ) -> Literal["clean", "queued", "unsure"]:
        """What the answer to a report says, which the far end held for so many seconds.

        Args:
            left: when the report left.
            held: by the far end, before it answered.
            now: when the answer came.
            drained: when what was done about a queue has had its effect.
        """
        if left <= self.newest.left:
            return "unsure"
        trip = max(0.0, now - left - held)
        near = trip < NEAR or self.newest.left > float("-inf")
        self.quickest = min(self.quickest, trip)
        self.before, self.newest = self.newest, Report(left, trip - self.quickest)
        if self.clean:
            self._doubted = False
            return "clean" if near else "unsure"
        if left < drained:
            return "unsure"
        if self._doubted and abs(self.newest.queue - self.before.queue) < LATE / 2:
            # What was done did not help: it is the way that has become longer.
            self.quickest, self.newest, self._doubted = trip, Report(left), False
            return "unsure"
        self._doubted = True
        return "queued"


class Backlog:
    """The bits that have not left yet: a leaky bucket, out of which they go at the rate of the moment.

    `drained` is when a queue has left that was to leave first.
    """

    def __init__(self) -> None:
        self.drained = float("-inf")
        self._bits, self._since = 0.0, float("-inf")

    def add(self, bits: int, rate: float, now: float) -> None:
        """Put in what is sent."""
        self._bits, self._since = self._left(rate, now) + bits, now

    def drain(self, queued: float, rate: float, now: float) -> None:
        """Let bits leave that wait on the line, before more are sent."""
        self._bits = max(self._left(rate, now), min(queued, MOST_QUEUED * rate))
        self._since, self.drained = now, now + self._bits / rate

    def wait(self, rate: float, now: float) -> float:
        """Seconds until what is in it has gone, but for a little."""
        return max(0.0, self._left(rate, now) / rate - QUEUED)

    def _left(self, rate: float, now: float) -> float:
        return max(0.0, self._bits - rate * (now - self._since)) if self._bits else 0.0
