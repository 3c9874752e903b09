"""The far end's estimates of the bandwidth (REMB), and which of them tell of the network."""

from __future__ import annotations

USED = 0.6  # of the rate, what must have been sent for a queue, or none, to tell of the network
OVER = 1.1  # so many times the estimate must be sent for it to tell of a queue
CUT_SECONDS = 2.0  # until it cuts again: the estimate falls too far while what waits is let go
DEEP = 0.6  # of the rate: an estimate as low as this cuts at once


class Estimates:
    """What the far end estimates that the network carries, in bits a second.

    An estimate goes no higher than 1.5 times what comes, nor up faster than 8 % a second
    (draft-ietf-rmcat-gcc-02 §5.5). So one that is more than what is sent may only tell how little that
    is, one that still rises has not come to its end, and neither takes anything away.

    `newest` is the one that came last.
    """

    def __init__(self) -> None:
        self.newest: float | None = None
        self._risen = self._cut = float("-inf")  # when it last rose, and last was a limit

    def limits(self, bitrate: int, sent: float, rate: float, now: float) -> bool:
        """Take an estimate; whether it is one of the network, and no more is to be sent.

        Args:
            bitrate: the estimate.
            sent: the bits a second that were sent lately.
            rate: and that may be.
            now: when it came.
        """
        before, self.newest = self.newest, float(bitrate)
        if before is None or bitrate > before:
            self._risen = now
        fell, rises = before is None or bitrate < before, now - self._risen < CUT_SECONDS
        waited = now - self._cut >= CUT_SECONDS or bitrate < DEEP * rate
        tells = waited and (fell or not rises) and sent / max(bitrate, 1) > (OVER if rises else USED)
        if tells:
            self._cut = now
        return tells
