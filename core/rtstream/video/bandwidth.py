"""How many bits a second the network carries of pictures, found out from what the far end says of them."""

from __future__ import annotations

from .estimates import OVER, USED, Estimates
from .queueing import OBSERVED, Backlog, RoundTrips, Sent

START = 200_000  # bits a second until the network has been heard of: a slow line bears them beside sound
LEAST = 50_000
GROWTH = 1.08  # a second, as in draft-ietf-rmcat-gcc-02 §5.5
START_GROWTH = 1.5  # until anything says that it is enough; twice would fill a line with a second of queue
LOSSY, LOSSLESS = 0.10, 0.02  # as RFC 8836's loss-based control: down above, up below

OF_ESTIMATE = 0.9  # of the far end's, for headers, sound, and what is sent again
OF_CARRIED = 0.8  # of what came through while a queue grew: sound came beside it, and must again


class Bandwidth:
    """The rate at which nothing queues up; what has queued up nevertheless may leave before more is sent.

    It begins low and grows by half each second that is used and clean, until loss, the far end's estimate
    or a late answer says that it is enough (TCP's slow start, RFC 5681 §3.1, in the steps of reports). From
    then on it follows these, and grows slowly.

    Args:
        most: bits a second that are never exceeded.

    `useful` are the bits a second of which more would be of no use; `starting` is whether nothing has said
    yet that it is enough.
    """

    def __init__(self, most: int) -> None:
        self.useful = float(most)
        self.starting = True
        self._most = float(most)
        self._found = float(START)
        self._grown = self._stepped = float("-inf")
        self._proven = float(LEAST)  # what was sent before the last step, which met no queue
        self._lossless = True  # no loss was reported lately
        self._sent, self._backlog = Sent(), Backlog()
        self._estimates, self._trips = Estimates(), RoundTrips()

    @property
    def rate(self) -> float:
        """The bits a second that may be sent."""
        return max(LEAST, min(self._found, self._most, self.useful))

    def sent(self, bits: int, now: float) -> None:
        """A picture of so many bits has left."""
        self._sent.add(bits, now)
        self._backlog.add(bits, self.rate, now)

    def wait(self, now: float) -> float:
        """Seconds until what was sent has gone, but for a little."""
        return self._backlog.wait(self.rate, now)

    # What the far end says.

    def lost(self, share: float, now: float) -> None:
        """It reports so much of what was sent as lost."""
        self._lossless = share < LOSSLESS
        if share > LOSSY:
            self._slow_down(self._found * (1 - 0.5 * share))
        elif self._clean:
            self._raise(self._found * GROWTH ** min(now - self._grown, 1.0))
            self._grown = now

    def estimated(self, bitrate: int, now: float) -> None:
        """It estimates that the network carries so many bits a second."""
        sent = self._sent.rate(now)
        if self._estimates.limits(bitrate, sent, self.rate, now):
            self._slow_down(OF_ESTIMATE * bitrate)
            too_much = OBSERVED * (sent - bitrate)  # which waits somewhere, before all that comes behind
            self._backlog.drain(too_much, self.rate, now)
        elif self._clean and sent <= OVER * bitrate:
            self._raise(OF_ESTIMATE * bitrate)

    def answered(self, left: float, held: float, now: float) -> None:
        """It answers a report that left at that moment, and that it held for so many seconds."""
        says = self._trips.answered(left, held, now, self._backlog.drained)
        if says == "clean" and left >= self._stepped and self._used(now - OBSERVED, now):
            self._step(now)
        elif says == "queued":
            self._slow_down_to_what_came_through()
            self._backlog.drain(self._sent.between(left, now) - self.rate * held, self.rate, now)

    # The rate.

    @property
    def _clean(self) -> bool:
        return self._lossless and self._trips.clean

    def _used(self, since: float, until: float) -> bool:
        """Whether so much was sent that it is this which the network shows."""
        return since < until and self._sent.between(since, until) >= USED * self.rate * (until - since)

    def _step(self, now: float) -> None:
        if self.starting and self._clean:
            self._proven = min(self._found, self._sent.rate(now))
            self._raise(self._found * START_GROWTH ** min(now - self._stepped, 1.0))
            self._stepped = self._grown = now

    def _raise(self, rate: float) -> None:
        if self._estimates.newest is not None and not self.starting:
            rate = min(rate, OF_ESTIMATE * self._estimates.newest)
        self._found = max(self._found, min(rate, self._most))

    def _slow_down(self, rate: float) -> None:
        least = self._proven if self.starting else LEAST
        self._found, self.starting = min(self._found, max(rate, least)), False

    def _slow_down_to_what_came_through(self) -> None:
        """While a queue grew, less came through than was sent between two reports, and took longer."""
        newest, before = self._trips.newest, self._trips.before
        since = max(before.left, newest.left - OBSERVED, self._sent.began)
        took = newest.left - since + newest.queue - before.queue
        if took > 0 and self._used(since, newest.left):
            self._slow_down(OF_CARRIED * self._sent.between(since, newest.left) / took)
