"""The sound of a telephone call over plain RTP: a pair of sockets, and whose packets come to them."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..clock import Clock
from ..media.dtmf import TONE_SECONDS, Detector
from ..media.frames import FRAME_SECONDS, AudioFrame, Digit, Heard
from ..media.opus import OpusOptions
from ..media.resample import Chunker, Resampler
from ..rtp import keys, rtcp
from ..rtp.codecs import Codec
from ..rtp.packet import HEADER_SIZE
from ..rtp.sender import AudioSender
from ..sip.sdp import EVENTS, Format, Media
from .datagrams import share
from .rtp_session import KEPT, RATE, RtpSession
from .rtp_sockets import bound_pair, listening

REPORT_SECONDS = 5.0  # between reports, on average (RFC 3550 §6.2)
KEY_ENDS = 3  # packets that say that a key was let go (RFC 4733 §2.5.1.4)

_NAMES = {"opus": "opus", "g722": "G722", "pcmu": "PCMU", "pcma": "PCMA", EVENTS: EVENTS}

Source = tuple[Any, ...]


def codec_of(format: Format) -> Codec:
    """A codec as the path of the sound knows it."""
    return Codec(_NAMES[format.name], format.payload_type, format.clock_rate)


class RtpLine:
    """The sound of one call, both ways.

    It speaks to the address that the caller has told, and from the first packet that can be of the call to
    the one that this came from (symmetric RTP, RFC 4961). Packets of others are counted and dropped; only
    the address that was told can take the place of another one.

    Use: `await RtpLine.open(host)`, tell `port` to the caller, `talk` with what was agreed on, `listen` when
    the session lives, `say`, `close`. `rtp` is the RTP session on it, `rate` the samples a second that the
    codec takes.
    """

    _fitting: tuple[Resampler, Chunker]
    _door: asyncio.DatagramTransport
    _reports_door: asyncio.DatagramTransport

    def __init__(self, options: OpusOptions) -> None:
        self.port = self.rate = 0
        self.dropped: Counter[str] = Counter()
        self._options, self._clock = options, Clock()
        self._codecs: dict[int, Codec] = {}
        self.rtp = RtpSession(self._codecs, self._out, self._report, self._pressed)
        self.rtp.hear = self._heard
        self._media: Media | None = None
        self._source: Source | None = None
        self._hear: Callable[[Heard], None] | None = None
        self._early: deque[tuple[bytes, Source]] = deque(maxlen=KEPT)
        self._detector: Detector | None = None
        self._came = self._sent = 0.0
        self._pressing = self._closed = self._is_ipv6 = False

    @classmethod
    async def open(cls, host: str, options: OpusOptions | None = None) -> RtpLine:
        """A line on an address of this machine. Raises OSError when it has no ports."""
        line = cls(options or OpusOptions())
        rtp, reports = bound_pair(host)
        line.port, line._is_ipv6 = int(rtp.getsockname()[1]), ":" in host
        door: Any = (await listening(rtp, line._datagram)).get_protocol()
        line.rtp.then = share(door)
        line._door = door.transport
        line._reports_door = await listening(reports, line._report_came)
        return line

    def talk(self, media: Media) -> None:
        """Take what was agreed on, the first time or anew."""
        if self._media is None or (media.host, media.port) != (self._media.host, self._media.port):
            self._source = None
        formats = [media.codec, *([media.keys] if media.keys is not None else [])]
        self._codecs.clear()
        self._codecs.update({one.payload_type: codec_of(one) for one in formats})
        before, self._media, self._came = self._media, media, self._clock.now()
        self._detector = Detector() if media.keys is None else None
        sender = self.rtp.sender
        if sender is None or before is None or before.codec.name != media.codec.name:
            self._speak(codec_of(media.codec))
        else:
            sender.renumbered(media.codec.payload_type)
        self._let_speak()
        self._keep_open()

    def _speak(self, codec: Codec) -> None:
        """Speak this codec from now on."""
        self.rate = codec.rate(RATE)
        self._fitting = Resampler(self.rate, 1), Chunker(self.rate, 1, self.piece)
        self.rtp.receiver.begin_anew()
        sender = AudioSender(codec, random.getrandbits(32), uuid.uuid4().hex, self._options)
        self.rtp.begin(sender, REPORT_SECONDS, first=0.5)

    def say(self, frame: AudioFrame) -> None:
        """Say a piece of sound now. Its rate may be that of a codec that was spoken before."""
        if frame.rate == self.rate:
            return self.rtp.send(frame)
        resampler, chunker = self._fitting
        if (sound := resampler.push(frame)) is not None:
            for piece in chunker.push(sound):
                self.rtp.send(piece)

    def listen(self, hear: Callable[[Heard], None]) -> None:
        """Hand on what is said, and what was said since the call was answered."""
        self._hear = hear
        while self._early:
            self._datagram(*self._early.popleft())

    async def press(self, digits: str) -> bool:
        """Press keys, one after another; False when none were agreed on."""
        sender, media = self.rtp.sender, self._media
        if sender is None or media is None or media.keys is None:
            return False
        for digit in digits:
            self._pressing = True
            self._let_speak()
            try:
                await self._press(sender, media.keys, digit)
            finally:
                self._pressing = False
                self._let_speak()
            await self._clock.sleep(TONE_SECONDS)
        return True

    @property
    def piece(self) -> float:
        """Seconds of sound in a packet."""
        return self._media.piece / 1000 if self._media is not None else FRAME_SECONDS

    @property
    def silent(self) -> float:
        """For how many seconds nothing has come from the caller."""
        return self._clock.now() - self._came

    @property
    def on_hold(self) -> bool:
        """Whether the caller has said that it sends nothing."""
        return self._media is not None and not self._media.speaks

    @property
    def counted(self) -> dict[str, Any]:
        """What was counted: `heard`, `said` and `dropped`."""
        return {**self.rtp.counted, "dropped": dict(self.dropped)}

    def close(self) -> None:
        """Say goodbye, and close the sockets. Safe to call twice."""
        if self._closed:
            return
        if self._listens:
            self._out_report(self.rtp.reports(last=True))
        self._closed = True
        self.rtp.close()
        self._door.close()
        self._reports_door.close()

    # Packets in.

    def _datagram(self, data: bytes, source: Source) -> None:
        if self._closed:
            return
        if self._media is None or self._hear is None:
            return self._early.append((data, source))
        if self._media.mux and rtcp.is_rtcp(data):
            return self._report_came(data, source)
        if not self._is_of_the_call(data, source):
            self.dropped["strange"] += 1
            return
        self._came = now = self._clock.now()
        self.rtp.then(self.rtp.take, data, now)

    def _is_of_the_call(self, data: bytes, source: Source) -> bool:
        """Whether a packet comes from the caller; the first one that can be of the call tells where it is."""
        if source == self._source:
            return True
        assert self._media is not None
        known = len(data) >= HEADER_SIZE and data[0] >> 6 == 2 and data[1] & 0x7F in self._codecs
        if not known or self._source is not None and source[:2] != (self._media.host, self._media.port):
            return False
        self._source = source
        return True

    def _heard(self, frame: AudioFrame) -> None:
        """Hand on sound, and the keys that are found in it where no others were agreed on."""
        assert self._hear is not None
        self._hear(frame)
        if self._detector is not None:
            for key in self._detector.push(frame):
                self._hear(Digit(key))

    def _pressed(self, key: str) -> None:
        assert self._hear is not None
        self._hear(Digit(key))

    def _report_came(self, data: bytes, source: Source) -> None:
        if self._closed or self._media is None:
            return
        if source[0] not in (self._media.host, *(self._source or ())[:1]):
            self.dropped["strange"] += 1
            return
        self._came = now = self._clock.now()
        self.rtp.told(data, now)

    # Packets out.

    @property
    def _listens(self) -> bool:
        return self._media is not None and self._media.listens and not self._closed

    def _let_speak(self) -> None:
        """Sound is sent unless the caller does not listen, or a key is pressed."""
        self.rtp.speaks = self._listens and not self._pressing

    @property
    def _place(self) -> Source | None:
        """Where the caller is: whence its packets come, or where it has told that it is."""
        assert self._media is not None
        if self._source is not None:
            return self._source[:2]
        reached = (":" in self._media.host) == self._is_ipv6
        return (self._media.host, self._media.port) if reached else None

    def _out(self, packet: bytes) -> None:
        self._sent = self._clock.now()
        if (place := self._place) is not None:
            self._door.sendto(packet, place)

    def _out_report(self, packet: bytes) -> None:
        if (place := self._place) is None or self._media is None:
            return
        if self._media.mux:
            self._door.sendto(packet, place)
        else:  # next to where its RTP comes from, unless it has told another port for that
            as_told = place == (self._media.host, self._media.port)
            port = self._media.rtcp_port if as_told else min(place[1] + 1, 65535)
            self._reports_door.sendto(packet, (place[0], port))

    async def _press(self, sender: AudioSender, events: Format, digit: str) -> None:
        """A key: packets of growing duration while it is held, and three when it is let go."""
        steps = round(TONE_SECONDS / FRAME_SECONDS)
        for step in range(1, steps + KEY_ENDS):
            if self._listens:
                ticks = round(min(step, steps) * FRAME_SECONDS * events.clock_rate)
                payload = keys.payload(digit, ticks, end=step >= steps)
                self._out(sender.key(events.payload_type, payload, self._clock.now(), begins=step == 1))
            await self._clock.sleep(FRAME_SECONDS)

    def _report(self) -> None:
        if self._listens:
            self._out_report(self.rtp.reports())
            if self._clock.now() - self._sent > REPORT_SECONDS / 2:
                self._keep_open()

    def _keep_open(self) -> None:
        """Silence, so that the way to us stays open (RFC 6263) and no telephone takes us to be gone."""
        self.rtp.send(AudioFrame(np.zeros((1, round(self.rate * self.piece)), np.int16), self.rate))
