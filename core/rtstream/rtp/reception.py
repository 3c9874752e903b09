"""What is counted of the packets that come from one source, and what receiver reports say of it."""

from __future__ import annotations

from . import rtcp

WINDOW = 10.0  # seconds of which the quickest packet stands for all: the others only met a queue
SETTLED = 60.0  # seconds from which two clocks can be compared: a hundredth of a millisecond a second
MOST_DRIFT = 0.001  # quartz is off by a tenth of it; more is a far end that does not send in real time


class Reception:
    """The count of one source (RFC 3550 §6.4.1 and appendix A.3, A.8).

    Args:
        ssrc: the source.
        clock_rate: ticks a second of its RTP timestamps.

    `drift` is by how much the source's clock is faster than this one, as a share; 0 until that is known.
    """

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        self.drift = 0.0
        self._clock_rate = clock_rate
        self._first: int | None = None
        self._highest = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._begun = 0.0
        self._window_end: float | None = None
        self._quickest = float("inf")
        self._first_quickest: float | None = None
        self._reported = (0, 0)  # expected and received at the last report
        self._last_report: tuple[int, float] | None = None

    def count(self, number: int) -> bool:
        """Count a packet by its extended sequence number; whether it is the newest."""
        if self._first is None:
            self._first = self._highest = number
        self.received += 1
        if number < self._highest:
            return False
        self._highest = number
        return True

    def add(self, number: int, timestamp: int, now: float) -> None:
        """Count a packet of sound by its sequence number and timestamp, both extended."""
        if not self.count(number):
            return
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit
        if self._window_end is None:
            self._begun, self._window_end = now, now + WINDOW
        elif now >= self._window_end:
            self._end_window(now, self._window_end)
        if transit < self._quickest:
            self._quickest = transit

    def _end_window(self, now: float, end: float) -> None:
        """Compare the quickest packet of a window with that of the first one."""
        if self._first_quickest is None:
            self._first_quickest, self._begun = self._quickest, end
        elif end - self._begun >= SETTLED:
            later = (self._first_quickest - self._quickest) / self._clock_rate
            self.drift = max(-MOST_DRIFT, min(MOST_DRIFT, later / (end - self._begun)))
        self._quickest, self._window_end = float("inf"), now + WINDOW

    def sender_report(self, sent: rtcp.Sent, now: float) -> None:
        """The source has told what it sent."""
        self._last_report = rtcp.middle(sent.ntp), now

    @property
    def expected(self) -> int:
        """How many packets would have come if none were lost."""
        return 0 if self._first is None else self._highest - self._first + 1

    @property
    def lost(self) -> int:
        """How many did not come; duplicates make it less, even negative, as the RFC wants it."""
        return self.expected - self.received

    @property
    def jitter(self) -> float:
        """The deviation of packets' travel times, in seconds."""
        return self._jitter / self._clock_rate

    def block(self, now: float) -> rtcp.Block:
        """The report of this source; the fraction counts from one call to the next."""
        expected = self.expected - self._reported[0]
        lost = expected - (self.received - self._reported[1])
        self._reported = self.expected, self.received
        fraction = min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
        last, since = 0, 0
        if self._last_report is not None:
            last, at = self._last_report
            since = min(int((now - at) * 65536), 0xFFFFFFFF)
        return rtcp.Block(self.ssrc, fraction, self.lost, self._highest, int(self._jitter), last, since)
