"""What is counted of the packets that come from one source, and what receiver reports say of it."""

from __future__ import annotations

from . import rtcp


class Reception:
    """The count of one source (RFC 3550 §6.4.1 and appendix A.3, A.8).

    Args:
        ssrc: the source.
        clock_rate: ticks a second of its RTP timestamps.
    """

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        self._clock_rate = clock_rate
        self._first: int | None = None
        self._highest = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._reported = (0, 0)  # expected and received at the last report
        self._last_report: tuple[int, float] | None = None

    def add(self, number: int, timestamp: int, now: float) -> None:
        """Count a packet by its extended sequence number and timestamp."""
        if self._first is None:
            self._first = self._highest = number
        self.received += 1
        if number < self._highest:
            return
        self._highest = number
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

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
