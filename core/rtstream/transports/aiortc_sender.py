"""What aiortc's sender of pictures keeps private, and its contract, as in `aiortc_inside.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiortc import RTCRtpSender

from ..rtp import rtcp
from .aiortc_inside import reads

EVERY = 0.25  # seconds between two reports: an answer tells of the newest one that had come
KEPT = 64  # reports that may still be answered

# What a report of it says, and who sends it.
_SAYS = ("ntp_timestamp", "rtp_timestamp", "packet_count", "octet_count", "cname")
_SEND = "_send_rtcp"


class Reports:
    """The reports of what a sender has sent: when each left, and more of them than aiortc's one a second.

    Args:
        sender: aiortc's, not yet sending.
        now: the clock.
    """

    def __init__(self, sender: RTCRtpSender, now: Callable[[], float]) -> None:
        self._sender: Any = sender
        self._now = now
        self._left: dict[int, float | None] = {}
        self._due = float("-inf")
        run = getattr(RTCRtpSender, "_run_rtcp", None)
        self._known = all(reads(run, name) for name in (_SEND, *map(_private, _SAYS)))
        if self._known:
            self._send = getattr(sender, _SEND)
            setattr(sender, _SEND, self._noted)

    async def send(self) -> None:
        """Report what has left by now, if there was no report for a while."""
        if not self._known or self._now() < self._due:
            return
        ntp, timestamp, packets, octets, cname = (getattr(self._sender, _private(name)) for name in _SAYS)
        if ntp and rtcp.middle(ntp) not in self._left:
            sent = rtcp.Sent(ntp, timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
            ssrc = self._sender._ssrc
            await self._noted([rtcp.report(ssrc, sent, []), rtcp.description(ssrc, cname or "")])

    def left(self, last: int) -> float | None:
        """When the report left that the far end calls so (RFC 3550 §6.4.1); None where that is not known."""
        return self._left.get(last)

    async def _noted(self, packets: Sequence[Any]) -> None:
        now = self._now()
        for report in rtcp.parse(b"".join(map(bytes, packets))):
            if report.sent is not None and report.sent.ntp:
                # aiortc's names the last packet's time, so that two of them may be called the same.
                name = rtcp.middle(report.sent.ntp)
                self._left[name] = None if name in self._left else now
                self._due = now + EVERY
        while len(self._left) > KEPT:
            del self._left[next(iter(self._left))]
        await self._send(packets)


def _private(name: str) -> str:
    return f"_RTCRtpSender__{name}"
