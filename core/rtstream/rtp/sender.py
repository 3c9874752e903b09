"""Sound in, RTP packets and reports out: nothing here knows a socket."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from ..media.frames import AudioFrame
from ..media.opus import OpusOptions
from ..media.resample import with_channels
from . import rtcp
from .codecs import Codec, Encoder
from .level import level
from .packet import build, extension

GAP = 0.1  # seconds without sound after which the RTP timestamp follows the clock again
DTX_SIZE = 2  # bytes: a packet of Opus this small need not be sent (RFC 7587 §3.1.3)
FEC_FROM = 1  # percent of loss from which a coarse copy of each packet is worth its bits
FEC_LOSS = 10  # percent that Opus is told then at least: of fewer it takes no notice, and makes no copies
MOST_LOSS = 30  # percent: beyond it Opus spends on copies what the voice itself needs
SMOOTHING = 0.3  # the weight of the newest report


@dataclass
class Said:
    """What was counted of what went out; `loss` (percent) and `jitter` (seconds) are the far end's words."""

    packets: int = 0
    octets: int = 0
    loss: float = 0.0
    jitter: float = 0.0
    round_trip: float | None = None


class AudioSender:
    """The speaking half of a call.

    Args:
        codec: what is sent.
        ssrc: of this end, as the answer tells it.
        cname: the canonical name in its reports.
        options: of the encoder.
        mid: `(id, value)` of the header extension that names the m-line, if it was agreed on.
        level_id: the id of the header extension for the audio level, if it was agreed on.
    """

    def __init__(
        self,
        codec: Codec,
        ssrc: int,
        cname: str,
        options: OpusOptions | None = None,
        *,
        mid: tuple[int, bytes] | None = None,
        level_id: int | None = None,
    ) -> None:
        self.ssrc = ssrc
        self.said = Said()
        self._codec, self._cname = codec, cname
        self._options = options or OpusOptions()
        self._extensions, self._tells_level = _extensions(mid, level_id), level_id is not None
        self._encoder: Encoder | None = None
        self._protection: tuple[bool, int] | None = None
        # In the lower half, so that SRTP need not guess about a wrap soon after the start (RFC 3711 §3.3.1).
        self._sequence = random.randrange(1 << 15)
        self._timestamp = random.randrange(1 << 32)
        self._until: float | None = None  # when what was sent has been played
        self._key_began = 0
        self._reports: dict[int, float] = {}  # middle of the NTP time: when it was sent

    def packet(self, frame: AudioFrame, now: float) -> bytes | None:
        """The packet of a piece of sound at the encoder's rate; None when it need not be sent."""
        encoder = self._encoder or self._begin(frame.channels)
        samples = frame.samples
        if len(samples) != encoder.channels:  # which `with_channels` would find out in three calls a packet
            samples = with_channels(frame, encoder.channels).samples
        payload = encoder.encode(samples)
        if marker := self._until is None or now - self._until >= GAP:  # speech begins (RFC 3551 §4.1)
            self._catch_up(now)
        timestamp = self._timestamp
        self._timestamp += frame.samples.shape[1] * self._codec.clock_rate // encoder.rate
        assert self._until is not None
        # A source that is slower than this clock falls behind it, which is no silence.
        self._until = max(self._until, now - GAP / 2) + frame.duration
        if len(payload) <= DTX_SIZE and self._codec.name == "opus":
            return None
        self._sequence += 1
        self.said.packets += 1
        self.said.octets += len(payload)
        extensions, behind = self._extensions
        if self._tells_level:
            extensions += bytes((level(frame.samples),)) + behind
        return build(
            self._codec.payload_type,
            self._sequence,
            timestamp,
            self.ssrc,
            payload,
            marker=marker,
            extensions=extensions,
        )

    def key(self, payload_type: int, payload: bytes, now: float, *, begins: bool) -> bytes:
        """A packet of a key (RFC 4733 §2.5.1): all of them have the timestamp at which it began."""
        if begins:
            if self._until is None:
                self._until = now
            self._key_began = self._timestamp + int(max(0.0, now - self._until) * self._codec.clock_rate)
        self._sequence += 1
        self.said.packets += 1
        self.said.octets += len(payload)
        return build(payload_type, self._sequence, self._key_began, self.ssrc, payload, marker=begins)

    def renumbered(self, payload_type: int) -> None:
        """The far end takes the codec under another number from now on (RFC 3264 §8.3.2)."""
        self._codec = replace(self._codec, payload_type=payload_type)

    def reports(self, blocks: list[rtcp.Block], now: float, wall: float) -> bytes:
        """A compound packet: what was sent and what was heard (RFC 3550 §6.1).

        Args:
            now: by the session's clock.
            wall: the same moment in seconds since 1970.
        """
        sent = None
        if self._until is not None:
            ntp = rtcp.ntp(wall)
            ticks = int((now - self._until) * self._codec.clock_rate)
            timestamp = (self._timestamp + ticks) & 0xFFFFFFFF
            sent = rtcp.Sent(ntp, timestamp, self.said.packets & 0xFFFFFFFF, self.said.octets & 0xFFFFFFFF)
            self._reports[rtcp.middle(ntp)] = now
            while len(self._reports) > 16:
                del self._reports[next(iter(self._reports))]
        return rtcp.report(self.ssrc, sent, blocks) + rtcp.description(self.ssrc, self._cname)

    def goodbye(self, blocks: list[rtcp.Block], now: float, wall: float) -> bytes:
        """The last compound packet."""
        return self.reports(blocks, now, wall) + rtcp.goodbye(self.ssrc)

    def told(self, report: rtcp.Report, now: float) -> None:
        """The far end has reported what it heard: the encoder prepares for such a loss."""
        for block in report.blocks:
            if block.ssrc != self.ssrc:
                continue
            self.said.loss += (block.fraction / 2.56 - self.said.loss) * SMOOTHING
            self.said.jitter = block.jitter / self._codec.clock_rate
            if (sent := self._reports.get(block.last)) is not None:
                self.said.round_trip = max(0.0, now - sent - block.since / 65536)
            self._protect()

    def _catch_up(self, now: float) -> None:
        """Let the timestamp pass over the silence that was before."""
        if self._until is not None:
            self._timestamp += int((now - self._until) * self._codec.clock_rate)
        self._until = now

    def _begin(self, channels: int) -> Encoder:
        encoder = self._encoder = self._codec.encoder(channels, self._options)
        self._protect()
        return encoder

    def _protect(self) -> None:
        loss = min(MOST_LOSS, max(self._options.expected_loss, round(self.said.loss)))
        fec = loss >= FEC_FROM if self._options.fec is None else self._options.fec
        loss = max(loss, FEC_LOSS) if fec else loss
        if self._encoder is not None and (fec, loss) != self._protection:
            self._protection = fec, loss
            self._encoder.protect(fec, loss)


def _extensions(mid: tuple[int, bytes] | None, level_id: int | None) -> tuple[bytes, bytes]:
    """The block of header extensions, what is before and what is behind the byte of the level."""
    values = [mid] if mid is not None else []
    if level_id is None:
        return (extension(values) if values else b""), b""
    block = extension([*values, (level_id, b"?")])
    before, _, behind = block.rpartition(b"?")
    return before, behind
