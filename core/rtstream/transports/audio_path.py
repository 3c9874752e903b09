"""The sound of a peer connection at its datagrams: RTP of our own, on the keys and sockets of aiortc."""

from __future__ import annotations

import functools
import logging
import os
import uuid
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..clock import Clock
from ..media.frames import Heard
from ..media.opus import OpusOptions
from ..rtp import level, rtcp
from ..rtp.bundle import Share
from ..rtp.codecs import Codec
from ..rtp.packet import HEADER_SIZE
from ..rtp.sender import AudioSender
from .aiortc_inside import Line
from .audio_sdp import agreed_codecs
from .contract import OWN_PATH
from .private_names import broken_names
from .rtp_session import KEPT, RATE, RtpSession

if TYPE_CHECKING:
    from aiortc import RTCRtpTransceiver
    from aiortc.rtcrtpparameters import RTCRtpParameters, RTCRtpReceiveParameters, RTCRtpSendParameters

logger = logging.getLogger("rtstream.webrtc")

PATH_VARIABLE = "RTSTREAM_MEDIA_PATH"
PATHS = ("own", "aiortc")

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
REPORT_SECONDS = 1.0  # between reports, on average


def wanted() -> bool:
    """Whether sound goes its own path: nobody asks for aiortc's, and aiortc is as it is known."""
    return os.environ.get(PATH_VARIABLE) != "aiortc" and is_known()


@functools.cache
def is_known() -> bool:
    """Whether this aiortc is what its private names are taken for. It is looked at once, and a no is told."""
    broken = broken_names(OWN_PATH)
    if broken:
        logger.warning("%s: this aiortc is not as it is known (%s)", OWN_PATH.otherwise, ", ".join(broken))
    return not broken


class AudioPath:
    """The sound of one call, both ways.

    Use: make it between an offer and its answer, `open` it with the answer, `listen` when the session
    lives, `close` it before the connection. aiortc does all the rest, and never sees a packet of sound.

    Args:
        transceiver: aiortc's, of the sound; its sender and receiver are taken out of service.
        options: how Opus is encoded.
        alone: whether the connection carries no other RTP, so that what is not sound is nothing.

    `rtp` is the RTP session on it, to which is handed what is to be said.
    """

    def __init__(self, transceiver: RTCRtpTransceiver, options: OpusOptions, *, alone: bool) -> None:
        self._options, self._alone = options, alone
        self._sender: Any = transceiver.sender
        self._clock = Clock()
        self.line = Line(transceiver.sender.transport)
        self._codecs: dict[int, Codec] = {}
        self.rtp = RtpSession(self._codecs, self.line.send, self._report)
        self._others: set[int] | None = None
        self._hears = self._ready = self._closed = False
        self._early: deque[bytes] = deque(maxlen=KEPT)
        # These two are what aiortc calls when the connection is there.
        transceiver.sender.send = self._begin_sending  # type: ignore[method-assign]
        transceiver.receiver.receive = self._begin_receiving  # type: ignore[method-assign]

    def open(self, answer: str, others: set[int] | None = None) -> int | None:
        """Take the datagrams from now on; the samples a second in which sound is to be sent.

        Args:
            others: the SSRCs of the offer's other sections of sound; None where there are none.
        """
        self._others = others
        self._codecs.update(agreed_codecs(answer))
        self.line.open(self._datagram, self._told)
        return next((codec.rate(RATE) for codec in self._codecs.values() if codec.known), None)

    def listen(self, hear: Callable[[Heard], None]) -> None:
        """Hand on what is said, and what was said since the connection stands."""
        self.rtp.hear = hear
        self._catch_up()

    def close(self) -> None:
        """Say goodbye, and stop all timers."""
        if self._closed:
            return
        self._closed, self._ready = True, False
        self.rtp.close()
        if self.rtp.sender is not None:
            self.line.send_reports(self.rtp.reports(last=True))

    @property
    def counted(self) -> dict[str, Any]:
        """What was counted: `heard`, `said` and `dropped`."""
        return {**self.rtp.counted, "dropped": dict(self.line.dropped)}

    # What aiortc tells.

    async def _begin_sending(self, parameters: RTCRtpSendParameters) -> None:
        if not self.rtp.speaks and not self._closed:
            self.rtp.speaks = True
            self._begin(parameters, parameters.rtcp.cname or uuid.uuid4().hex)

    async def _begin_receiving(self, parameters: RTCRtpReceiveParameters) -> None:
        self._hears = True
        if self.rtp.sender is None:
            self._begin(parameters, uuid.uuid4().hex)
        self._catch_up()

    def _begin(self, parameters: RTCRtpParameters, cname: str) -> None:
        if self._closed or not any(codec.known for codec in self._codecs.values()):
            return
        self.line.share_socket()
        self.rtp.then = self.line.then
        # RFC 8285 §5: with a larger id an extension is only talked about.
        ids = {each.uri: each.id for each in parameters.headerExtensions if 0 < each.id < 256}
        name = parameters.muxId.encode()
        mid = (ids[MID], name) if MID in ids and 0 < len(name) < 256 else None
        if self._others is not None:
            self.rtp.receiver.share = Share(self._others, mid)
        codec = next(each for each in self._codecs.values() if each.known)
        sender = AudioSender(
            codec, self._sender._ssrc, cname, self._options, mid=mid, level_id=ids.get(level.URI)
        )
        self.rtp.begin(sender, REPORT_SECONDS)

    def _report(self) -> None:
        self.line.send_reports(self.rtp.reports())

    # Datagrams.

    def _datagram(self, data: bytes) -> bool:
        """Take a datagram that may be RTP; False leaves it to aiortc."""
        if len(data) < HEADER_SIZE:
            self.line.dropped["truncated"] += 1
            return True
        if rtcp.is_rtcp(data):
            return False
        if data[1] & 0x7F not in self._codecs:
            return self._alone
        if not self._ready:
            self._early.append(data)
        elif (packet := self.line.unprotect(data)) is not None:
            self.rtp.then(self.rtp.take, packet, self._clock.now())
        return True

    def _catch_up(self) -> None:
        """Take what came before there were keys and somebody who listens."""
        self._ready = self._hears and self.rtp.hear is not None and self.line.keyed
        while self._early and self._ready:
            self._datagram(self._early.popleft())

    def _told(self, data: bytes) -> None:
        self.rtp.told(data, self._clock.now())
