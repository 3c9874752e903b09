"""What a browser reports, once a second, of the packets that come to it."""

from __future__ import annotations

import contextlib
import random
import time
from typing import Any

import pylibsrtp

from rtstream.rtp import rtcp
from rtstream.rtp.reception import Reception

REPORT_SECONDS = 1.0  # as Chromium has it for pictures


class Reporter:
    """Reports on a connection that stands.

    Args:
        sender: aiortc's, of any of its media.
    """

    def __init__(self, sender: Any) -> None:
        dtls = sender.transport
        self._pair = dtls.transport._connection._nominated[1]
        self._unprotect, self._protect = dtls._rx_srtp.unprotect_rtcp, dtls._tx_srtp.protect_rtcp
        self._sources: dict[int, Reception] = {}
        self._due = 0.0

    def came(self, data: bytes, arrived: float) -> None:
        """Count a packet; of media only the header is read, which is not encrypted."""
        if not rtcp.is_rtcp(data):
            ssrc, sequence = int.from_bytes(data[8:12], "big"), int.from_bytes(data[2:4], "big")
            self._sources.setdefault(ssrc, Reception(ssrc, 90_000)).count(sequence)
            return
        with contextlib.suppress(pylibsrtp.Error):
            for report in rtcp.parse(self._unprotect(data)):
                if report.sent is not None and report.ssrc in self._sources:
                    self._sources[report.ssrc].sender_report(report.sent, arrived)

    def look(self) -> None:
        """Report, if it is time."""
        if (now := time.monotonic()) >= self._due:
            self._due = now + REPORT_SECONDS * random.uniform(0.5, 1.5)
            self.send(rtcp.report(1, None, [source.block(now) for source in self._sources.values()]))

    def send(self, packet: bytes) -> None:
        """Say something by RTCP."""
        socket = self._pair.protocol.transport
        if not socket.is_closing():
            socket.sendto(self._protect(packet), self._pair.remote_addr)
