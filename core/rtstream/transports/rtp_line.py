"""The sound of a telephone call over plain RTP: a pair of sockets, and whose packets come to them."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from ..clock import Clock
from ..media.dtmf import TONE_SECONDS, Detector
from ..media.frames import FRAME_SECONDS, AudioFrame, Digit, Heard
from ..media.opus import OpusOptions
from ..rtp import keys, rtcp
from ..rtp.codecs import Codec
from ..rtp.packet import HEADER_SIZE
from ..rtp.receiver import AudioReceiver
from ..rtp.sender import AudioSender
from ..sip.sdp import EVENTS, Format, Media
from .rtp_sockets import bound_pair, listening

WANTED = 48_000  # samples a second wanted by whoever sends
KEPT = 50  # packets that may come before the call is confirmed: one second of sound
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
    the session lives, `close`.
    """

    _rtp: asyncio.DatagramTransport
    _reports: asyncio.DatagramTransport

    def __init__(self, options: OpusOptions) -> None:
        self.port = 0
        self.dropped: Counter[str] = Counter()
        self._options, self._clock = options, Clock()
        self._codecs: dict[int, Codec] = {}
        self._receiver = AudioReceiver(self._codecs, pressed=lambda key: self._say(Digit(key)))
        self._speaker: AudioSender | None = None
        self._media: Media | None = None
        self._source: Source | None = None
        self._hear: Callable[[Heard], None] | None = None
        self._early: deque[tuple[bytes, Source]] = deque(maxlen=KEPT)
        self._detector: Detector | None = None
        self._came = self._sent = 0.0
        self._pressing = self._closed = self._is_ipv6 = False
        self._due: asyncio.TimerHandle | None = None
        self._reporting: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, host: str, options: OpusOptions | None = None) -> RtpLine:
        """A line on an address of this machine. Raises OSError when it has no ports."""
        line = cls(options or OpusOptions())
        rtp, reports = bound_pair(host)
        line.port, line._is_ipv6 = int(rtp.getsockname()[1]), ":" in host
        line._rtp = await listening(rtp, line._datagram)
        line._reports = await listening(reports, line._report_came)
        return line

    def talk(self, media: Media) -> None:
        """Take what was agreed on, the first time or anew."""
        if self._media is None or (media.host, media.port) != (self._media.host, self._media.port):
            self._source = None
        formats = [media.codec, *([media.keys] if media.keys is not None else [])]
        self._codecs.clear()
        self._codecs.update({one.payload_type: codec_of(one) for one in formats})
        self._media, self._came = media, self._clock.now()
        self._detector = Detector() if media.keys is None else None
        if self._speaker is None:
            self._speaker = AudioSender(
                codec_of(media.codec), random.getrandbits(32), uuid.uuid4().hex, self._options
            )
            self._report_soon(0.5)
        self._speaker.renumbered(media.codec.payload_type)
        self._keep_open()

    def hear_at(self, rate: int, channels: int) -> None:
        """Say in which form sound is wanted."""
        self._receiver.rate, self._receiver.channels = rate, channels

    def listen(self, hear: Callable[[Heard], None]) -> None:
        """Hand on what is said, and what was said since the call was answered."""
        self._hear = hear
        while self._early:
            self._datagram(*self._early.popleft())

    def send(self, frame: AudioFrame) -> None:
        """Say a frame at once; while a key is pressed, or the caller does not listen, it is not heard."""
        if self._speaker is not None and self._listens and not self._pressing:
            packet = self._speaker.packet(frame, self._clock.now())
            if packet is not None:
                self._out(packet)

    async def press(self, digits: str) -> bool:
        """Press keys, one after another; False when none were agreed on."""
        media = self._media
        if self._speaker is None or media is None or media.keys is None:
            return False
        for digit in digits:
            self._pressing = True
            try:
                await self._press(self._speaker, media.keys, digit)
            finally:
                self._pressing = False
            await self._clock.sleep(TONE_SECONDS)
        return True

    @property
    def rate(self) -> int:
        """Samples a second in which sound is to be sent."""
        assert self._media is not None
        return codec_of(self._media.codec).rate(WANTED)

    @property
    def piece(self) -> float:
        """Seconds of sound in a packet."""
        return self._media.piece / 1000 if self._media is not None else FRAME_SECONDS

    @property
    def drift(self) -> float:
        """By how much the far end's clock is faster than this one, as a share."""
        return self._receiver.drift

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
        said = asdict(self._speaker.said) if self._speaker is not None else {}
        return {"heard": asdict(self._receiver.counted), "said": said, "dropped": dict(self.dropped)}

    def close(self) -> None:
        """Say goodbye, and close the sockets. Safe to call twice."""
        if self._closed:
            return
        if self._speaker is not None and self._listens:
            now = self._clock.now()
            self._out_report(self._speaker.goodbye(self._receiver.blocks(now), now, self._clock.wall()))
        self._closed = True
        for timer in (self._due, self._reporting):
            if timer is not None:
                timer.cancel()
        self._rtp.close()
        self._reports.close()

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
        self._hand_on(self._receiver.take(data, now))

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

    def _hand_on(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._say(frame)
            if self._detector is not None:
                for key in self._detector.push(frame):
                    self._say(Digit(key))
        self._watch()

    def _say(self, heard: Heard) -> None:
        if self._hear is not None:
            self._hear(heard)

    def _watch(self) -> None:
        """Look again when a missing packet has been waited for."""
        if self._due is None and not self._closed and (due := self._receiver.deadline) is not None:
            self._due = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        self._due = None
        self._hand_on(self._receiver.poll(self._clock.now()))

    def _report_came(self, data: bytes, source: Source) -> None:
        if self._closed or self._media is None or self._speaker is None:
            return
        if source[0] not in (self._media.host, *(self._source or ())[:1]):
            self.dropped["strange"] += 1
            return
        self._came = now = self._clock.now()
        for report in rtcp.parse(data):
            self._receiver.told(report, now)
            self._speaker.told(report, now)

    # Packets out.

    @property
    def _listens(self) -> bool:
        return self._media is not None and self._media.listens and not self._closed

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
            self._rtp.sendto(packet, place)

    def _out_report(self, packet: bytes) -> None:
        if (place := self._place) is None or self._media is None:
            return
        if self._media.mux:
            self._rtp.sendto(packet, place)
        else:  # next to where its RTP comes from, unless it has told another port for that
            as_told = place == (self._media.host, self._media.port)
            port = self._media.rtcp_port if as_told else min(place[1] + 1, 65535)
            self._reports.sendto(packet, (place[0], port))

    async def _press(self, speaker: AudioSender, events: Format, digit: str) -> None:
        """A key: packets of growing duration while it is held, and three when it is let go."""
        steps = round(TONE_SECONDS / FRAME_SECONDS)
        for step in range(1, steps + KEY_ENDS):
            if self._listens:
                ticks = round(min(step, steps) * FRAME_SECONDS * events.clock_rate)
                payload = keys.payload(digit, ticks, end=step >= steps)
                self._out(speaker.key(events.payload_type, payload, self._clock.now(), begins=step == 1))
            await self._clock.sleep(FRAME_SECONDS)

    def _report_soon(self, share: float = 1.0) -> None:
        seconds = REPORT_SECONDS * share * (0.5 + random.random())
        self._reporting = asyncio.get_running_loop().call_later(seconds, self._report)

    def _report(self) -> None:
        now = self._clock.now()
        if self._speaker is not None and self._listens:
            self._out_report(self._speaker.reports(self._receiver.blocks(now), now, self._clock.wall()))
            if now - self._sent > REPORT_SECONDS / 2:
                self._keep_open()
        self._report_soon()

    def _keep_open(self) -> None:
        """Silence, so that the way to us stays open (RFC 6263) and no telephone takes us to be gone."""
        self.send(AudioFrame(np.zeros((1, round(self.rate * self.piece)), np.int16), self.rate))
