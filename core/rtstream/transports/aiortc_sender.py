"""Reaches into aiortc's sender of pictures; what it needs stands in `contract.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..rtp import rtcp
from .contract import REPORTS
from .private_names import known

if TYPE_CHECKING:
    from aiortc import RTCRtpSender

EVERY = 0.25  # seconds between two reports: an answer tells of the newest one that had come
KEPT = 64  # reports that may still be answered


class Reports:
    """The reports of what a sender has sent: when each left, and more of them than aiortc's one a second.

    Args:
        sender: aiortc's, not yet sending.
        now: the clock.
    """

    def __init__(self, sender: RTCRtpSender, now: Callable[[], float]) -> None:
        inside: Any = sender
        self._sender = inside
        self._now = now
        self._left: dict[int, float | None] = {}
        self._due = float("-inf")
        self._known = known(REPORTS)
        if self._known:
            self._send = inside._send_rtcp
            inside._send_rtcp = self._noted

    async def send(self) -> None:
        """Report what has left by now, if there was no report for a while."""
        if not self._known or self._now() < self._due:
            return
        it = self._sender
        ntp: int = it._RTCRtpSender__ntp_timestamp
        if ntp and rtcp.middle(ntp) not in self._left:
            packets, octets = it._RTCRtpSender__packet_count, it._RTCRtpSender__octet_count
            sent = rtcp.Sent(ntp, it._RTCRtpSender__rtp_timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
            name = rtcp.description(it._ssrc, it._RTCRtpSender__cname or "")
            await self._noted([rtcp.report(it._ssrc, sent, []), name])

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
