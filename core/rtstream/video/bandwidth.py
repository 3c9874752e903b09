"""How many bits a second the network carries of pictures, found out from what the far end says of them."""

from __future__ import annotations

from collections import deque
from itertools import takewhile

START = 200_000  # bits a second until the network has been heard of: a slow line bears them beside sound
LEAST = 50_000
GROWTH = 1.08  # a second, as in draft-ietf-rmcat-gcc-02 §5.5
START_GROWTH = 1.5  # until anything says that it is enough; twice would fill a line with a second of queue
LOSSY, LOSSLESS = 0.10, 0.02  # as RFC 8836's loss-based control: down above, up below
USED = 0.6  # of the rate, what must have been sent for a queue, or none, to tell of the network
OBSERVED = 1.0  # seconds in which bits are counted

OF_ESTIMATE = 0.9  # of the far end's, for headers, sound, and what is sent again
OVER = 1.1  # so many times the estimate must be sent for it to tell of a queue
CUT_SECONDS = 2.0  # until it cuts again: the estimate falls too far while what waits is let go
DEEP = 0.6  # of the rate: an estimate as low as this cuts at once

NEAR = 0.2  # seconds that the first answer may take to show no queue
LATE = 0.1  # and that others may take longer than the quickest; what is more is a queue that the report met
OF_CARRIED = 0.8  # of what came through while a queue grew: sound came beside it, and must again
QUEUED = 0.1  # seconds of the rate that may be on their way; then pictures wait until they have left
MOST_QUEUED = 2.0  # seconds for which a queue that the far end tells of may hold them up


class Bandwidth:
    """The rate at which nothing queues up, and what has queued up nevertheless.

    It begins low and grows by half each second that is used and clean, until loss, the far end's estimate
    or a late answer says that it is enough (TCP's slow start, RFC 5681 §3.1, in the steps of reports). From
    then on it follows these, and grows slowly. What has queued up may leave before more is sent.

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
        self._estimate: float | None = None
        self._risen = self._cut = float("-inf")  # when the estimate last rose, and last cut the rate
        self._quickest = float("inf")  # seconds until an answer that met no queue
        self._left, self._queue = float("-inf"), 0.0  # the newest report that was answered, and what it met
        self._drained = float("-inf")  # when what was done about a queue has had its effect
        self._doubted = False  # whether a queue was let go, and none has been found empty since
        self._sent = _Sent()
        self._owed, self._owed_since = 0.0, float("-inf")

    @property
    def rate(self) -> float:
        """The bits a second that may be sent."""
        return max(LEAST, min(self._found, self._most, self.useful))

    def sent(self, bits: int, now: float) -> None:
        """A picture of so many bits has left."""
        self._sent.add(bits, now)
        self._owe(self._unsent(now) + bits, now)

    def wait(self, now: float) -> float:
        """Seconds until what was sent has gone, but for a little."""
        return max(0.0, self._unsent(now) / self.rate - QUEUED)

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
        """It estimates that the network carries so many bits a second.

        An estimate goes no higher than 1.5 times what comes, nor up faster than 8 % a second
        (draft-ietf-rmcat-gcc-02 §5.5). So one that is more than what is sent may only tell how little that
        is, one that still rises has not come to its end, and neither takes anything away.
        """
        before, self._estimate = self._estimate, float(bitrate)
        if before is None or bitrate > before:
            self._risen = now
        fell, sent = before is None or bitrate < before, self._sent.rate(now)
        if self._tells(fell, sent / max(bitrate, 1), now):
            self._cut = now
            self._slow_down(OF_ESTIMATE * bitrate)
            self._drain(OBSERVED * (sent - bitrate), now)  # it waits somewhere, before all that comes behind
        elif self._clean and sent <= OVER * bitrate:
            self._raise(OF_ESTIMATE * bitrate)

    def _tells(self, fell: bool, share: float, now: float) -> bool:
        """Whether an estimate, of which such a share is sent, is one of the network."""
        assert self._estimate is not None
        rises = now - self._risen < CUT_SECONDS
        waited = now - self._cut >= CUT_SECONDS or self._estimate < DEEP * self.rate
        return waited and (fell or not rises) and share > (OVER if rises else USED)

    def answered(self, left: float, held: float, now: float) -> None:
        """It answers a report that left at that moment, and that it held for so many seconds."""
        if left <= self._left:
            return
        trip, before = max(0.0, now - left - held), self._queue
        near = trip < NEAR or self._left > float("-inf")
        since, self._left = max(self._left, left - OBSERVED, self._sent.began), left
        self._quickest = min(self._quickest, trip)
        self._queue = trip - self._quickest
        if self._queue < LATE:
            self._doubted = False
            if near and left >= self._stepped and self._used(now - OBSERVED, now):
                self._step(now)
        elif self._doubted and left >= self._drained and abs(self._queue - before) < LATE / 2:
            # What was done did not help: it is the way that has become longer.
            self._quickest, self._queue, self._doubted = trip, 0.0, False
        elif left >= self._drained:
            took = left - since + self._queue - before
            if took > 0 and self._used(since, left):
                self._slow_down(OF_CARRIED * self._sent.between(since, left) / took)
            self._drain(self._sent.between(left, now) - self.rate * held, now)
            self._doubted = True

    @property
    def _clean(self) -> bool:
        return self._lossless and self._queue < LATE

    def _used(self, since: float, until: float) -> bool:
        """Whether so much was sent that it is this which the network shows."""
        return since < until and self._sent.between(since, until) >= USED * self.rate * (until - since)

    # The rate.

    def _step(self, now: float) -> None:
        if self.starting and self._clean:
            self._proven = min(self._found, self._sent.rate(now))
            self._raise(self._found * START_GROWTH ** min(now - self._stepped, 1.0))
            self._stepped = self._grown = now

    def _raise(self, rate: float) -> None:
        if self._estimate is not None and not self.starting:
            rate = min(rate, OF_ESTIMATE * self._estimate)
        self._found = max(self._found, min(rate, self._most))

    def _slow_down(self, rate: float) -> None:
        least = self._proven if self.starting else LEAST
        self._found, self.starting = min(self._found, max(rate, least)), False

    # What is on its way.

    def _drain(self, queued: float, now: float) -> None:
        """Let bits leave that wait on the line, before more are sent."""
        owed = max(self._unsent(now), min(queued, MOST_QUEUED * self.rate))
        self._owe(owed, now)
        self._drained = now + owed / self.rate

    def _owe(self, bits: float, now: float) -> None:
        self._owed, self._owed_since = bits, now

    def _unsent(self, now: float) -> float:
        return max(0.0, self._owed - self.rate * (now - self._owed_since)) if self._owed else 0.0


class _Sent:
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
