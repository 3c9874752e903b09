"""RTP packets of one call in, its sound in order out: nothing here knows a socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..media.dtmf import tones
from ..media.frames import AudioFrame
from . import rtcp
from .bundle import Share
from .codecs import EVENTS, Codec, Decoder
from .keys import Keys
from .numbers import SEQUENCE_BITS, TIMESTAMP_BITS, distance, extended
from .packet import Packet, parse
from .reception import Reception
from .reorder import Reorder
from .unsent import STEP, UnsentSilence

MOST_JUMP = 3000  # RFC 3550 appendix A.1: further ahead than this the numbering has begun anew
MOST_BACK = 100  # and so it has further back than this
MOST_CONCEALED = 1.0  # seconds of a gap that are filled: a longer one is no loss but a pause
LEAST_PAUSE = 0.1  # seconds of time without packets that are a silence: of less, a far end may misreckon
DTX_SIZE = 2  # bytes: a packet of Opus this small says that silence goes on (RFC 7587 §3.1.3)
BUDGET = 2.0  # seconds of sound a second, and as much to begin with: what more comes is a flood


@dataclass
class Heard:
    """What was counted of what came in.

    `received` packets were taken, `lost` never came, `late` and `duplicates` came for nothing;
    `concealed` seconds were filled; `malformed` were no RTP, `foreign` of no codec that was agreed on,
    `refused` by their decoder, `flooding` more than anybody says.
    """

    received: int = 0
    lost: int = 0
    late: int = 0
    duplicates: int = 0
    restarts: int = 0
    malformed: int = 0
    foreign: int = 0
    refused: int = 0
    flooding: int = 0
    concealed: float = 0.0


class AudioReceiver:
    """The hearing half of a call.

    Args:
        codecs: by payload type, those that were agreed on.
        rate: samples a second in which sound is wanted; what a codec cannot give comes at its own.
        channels: of the sound.
        pressed: called with each key; without it a key is heard as its tones.

    `share` tells its packets from those of others on the same transport; without it all are its own.
    """

    def __init__(
        self,
        codecs: Mapping[int, Codec],
        rate: int = 48_000,
        channels: int = 1,
        pressed: Callable[[str], None] | None = None,
    ) -> None:
        self.rate, self.channels = rate, channels
        self.heard = Heard()
        self.share: Share | None = None
        self.reception: Reception | None = None
        self._codecs, self._tell = codecs, pressed
        self._codec: Codec | None = None
        self._decoder: Decoder | None = None
        self._keys = Keys()
        self._order: Reorder[Packet] = Reorder()
        self._number = self._stamp = self._lost_before = 0
        self._suspect: int | None = None  # where numbering goes on if it has begun anew
        self._timestamp: int | None = None  # where the next sound begins
        self._ticks = 0  # of the last packet
        self._allowance, self._came = BUDGET, 0.0  # seconds of sound that may come; when the last has come
        self._silence = UnsentSilence()
        self._skipped = False  # what came last gave no sound: time behind it is no silence

    def take(self, data: bytes, now: float) -> list[AudioFrame]:
        """Take a packet, decrypted; the sound that is ready now."""
        packet = parse(data)
        if packet is None:
            self.heard.malformed += 1
            return []
        if self.share is not None and not self.share.has(packet):
            return []
        if packet.payload_type not in self._codecs:
            self.heard.foreign += 1
            return []
        number = self._numbered(packet, now)
        if number is None:
            return []
        self.heard.received += 1
        assert self.reception is not None
        if self._codecs[packet.payload_type].name == EVENTS:
            self.reception.count(number)  # all packets of a key have the timestamp of its beginning
        else:
            self._stamp = extended(packet.timestamp, self._stamp, TIMESTAMP_BITS)
            self.reception.add(number, self._stamp, now)
        return self._sound(self._order.push(number, packet, now), now)

    def poll(self, now: float) -> list[AudioFrame]:
        """The sound that is ready by now without a further packet: call it at `deadline`."""
        ready = self._sound(self._order.poll(now), now)
        if not ready and (due := self._silence.due) is not None and now >= due:
            self._silent_piece(ready, now)
        return ready

    def begin_anew(self) -> None:
        """Another codec was agreed on: what comes now has numbers and a clock of its own."""
        if self.reception is not None:
            self._lost_before += max(0, self.reception.lost)
        self.reception = None

    def look(self, now: float) -> None:
        """See whether the far end has stopped sending, as at the end of a recording: call it now and then."""
        if self._timestamp is not None:
            self._silence.look(now, self._came)

    @property
    def deadline(self) -> float | None:
        """When `poll` has something to give even if no packet comes; None if that is never."""
        held, silence = self._order.deadline, self._silence.due
        if held is None or silence is None:
            return silence if held is None else held
        return min(held, silence)

    @property
    def drift(self) -> float:
        """By how much the far end's clock is faster than this one, as a share; 0 until that is known."""
        return self.reception.drift if self.reception is not None else 0.0

    def blocks(self, now: float) -> list[rtcp.Block]:
        """What receiver reports say of the far end."""
        return [] if self.reception is None else [self.reception.block(now)]

    def told(self, report: rtcp.Report, now: float) -> None:
        """The far end has reported what it sent."""
        if report.sent is not None and self.reception is not None and report.ssrc == self.reception.ssrc:
            self.reception.sender_report(report.sent, now)

    @property
    def counted(self) -> Heard:
        """What was counted so far."""
        heard, order = self.heard, self._order
        heard.late, heard.duplicates = order.late, order.duplicates
        heard.lost = self._lost_before + (max(0, self.reception.lost) if self.reception is not None else 0)
        return heard

    # The source and its numbers.

    def _numbered(self, packet: Packet, now: float) -> int | None:
        """The packet's extended number; None if it is not to be believed yet."""
        if self.reception is None or packet.ssrc != self.reception.ssrc:
            return self._begin(packet)
        number = extended(packet.sequence, self._number, SEQUENCE_BITS)
        ahead = number - self._number
        if -MOST_BACK <= ahead <= MOST_JUMP:
            self._number = max(number, self._number)
            self._suspect = None
            return number
        if packet.sequence == self._suspect:  # two that follow each other are no stray one
            return self._begin(packet)
        self._suspect = (packet.sequence + 1) & 0xFFFF
        return None

    def _begin(self, packet: Packet) -> int:
        """A source begins, or begins its numbering anew: nothing of what was before counts."""
        if self.reception is not None:
            self.heard.restarts += 1
            self._lost_before += max(0, self.reception.lost)
        late, duplicates = self._order.late, self._order.duplicates
        self._order = Reorder()
        self._order.late, self._order.duplicates = late, duplicates
        self._number, self._stamp = packet.sequence, packet.timestamp
        self._suspect = self._timestamp = self._silence.due = None
        self.reception = Reception(packet.ssrc, self._codecs[packet.payload_type].clock_rate)
        return packet.sequence

    # Packets to sound.

    def _sound(self, ready: list[tuple[int, Packet]], now: float) -> list[AudioFrame]:
        frames: list[AudioFrame] = []
        for missing, packet in ready:
            codec = self._codecs[packet.payload_type]
            if codec.name == EVENTS:
                frames += self._pressed(packet)
                self._skipped = True
                continue
            if codec is not self._codec or self._decoder is None:
                self._codec, self._timestamp = codec, None
                self._decoder = codec.decoder(self.rate, self.channels)
            if missing and self._timestamp is not None:
                self._fill(missing, packet, frames)
            elif packet.timestamp != self._timestamp and not self._skipped:
                self._pause(packet.timestamp, frames)
            self._skipped = True
            self._decode(packet, frames, now)
        return frames

    def _pressed(self, packet: Packet) -> list[AudioFrame]:
        """The tones of a key, which are not sent where its name is: who listens for keys listens to sound."""
        rate = self._decoder.rate if self._decoder is not None else self.rate
        keys = [pressed.key for pressed in self._keys.take(packet.payload, packet.timestamp)]
        if self._tell is None:
            return [tones(key, rate) for key in keys]
        for key in keys:
            self._tell(key)
        return []

    def _decode(self, packet: Packet, frames: list[AudioFrame], now: float) -> None:
        assert self._decoder is not None and self._codec is not None
        if not packet.payload or self._is_flood(now):  # an empty one keeps a path alive (RFC 6263 §4.6)
            return
        try:
            samples = self._decoder.decode(packet.payload)
        except ValueError:
            self.heard.refused += 1
            return
        self._skipped, count = False, samples.shape[1]
        self._ticks = count * self._codec.clock_rate // self._decoder.rate
        self._timestamp = packet.timestamp + self._ticks
        self._allowance -= count / self._decoder.rate
        if len(packet.payload) > DTX_SIZE or self._codec.name != "opus":
            self._silence.due = None
        else:
            self._silence.told(now, count / self._decoder.rate)
        if count:
            frames.append(AudioFrame(samples, self._decoder.rate))

    def _fill(self, missing: int, packet: Packet, frames: list[AudioFrame]) -> None:
        """Fill the gap before a packet: by the copy that it may hold of the one before, and by guess."""
        assert self._decoder is not None and self._codec is not None and self._timestamp is not None
        gap = distance(packet.timestamp, self._timestamp, TIMESTAMP_BITS)
        most = min(missing * self._ticks, int(MOST_CONCEALED * self._codec.clock_rate))
        step = self._codec.clock_rate // 400  # Opus conceals multiples of 2.5 ms
        ticks = min(gap, most) // step * step
        while ticks > 0:
            piece = min(ticks, self._ticks)
            ticks -= piece
            self._conceal(piece, packet.payload if ticks == 0 else None, frames)

    def _conceal(self, ticks: int, following: bytes | None, frames: list[AudioFrame]) -> None:
        assert self._decoder is not None and self._codec is not None
        count = ticks * self._decoder.rate // self._codec.clock_rate
        try:
            samples = self._decoder.conceal(count, following)
        except ValueError:
            samples = np.zeros((self.channels, count), np.int16)
        self.heard.concealed += count / self._decoder.rate
        frames.append(AudioFrame(samples, self._decoder.rate))

    def _silent_piece(self, frames: list[AudioFrame], now: float) -> None:
        """A piece of a silence that the far end does not send."""
        assert self._timestamp is not None and self._codec is not None
        ticks = round(STEP * self._codec.clock_rate)
        if self._silence.follows(self._came):
            frames.append(self._nothing())
        else:
            concealed = self.heard.concealed
            self._conceal(ticks, None, frames)
            self.heard.concealed = concealed  # nothing was lost
        self._timestamp = (self._timestamp + ticks) & 0xFFFFFFFF
        self._silence.heard(now)

    def _pause(self, timestamp: int, frames: list[AudioFrame]) -> None:
        """A silence that was not sent, and of which nothing told: some senders leave out what tells, too."""
        assert self._codec is not None
        if self._timestamp is None:
            return
        seconds = distance(timestamp, self._timestamp, TIMESTAMP_BITS) / self._codec.clock_rate
        if LEAST_PAUSE <= seconds <= MOST_CONCEALED:
            frames += [self._nothing() for _ in range(round(seconds / STEP))]

    def _nothing(self) -> AudioFrame:
        assert self._decoder is not None
        count = round(STEP * self._decoder.rate)
        return AudioFrame(np.zeros((self._decoder.channels, count), np.int16), self._decoder.rate)

    def _is_flood(self, now: float) -> bool:
        self._allowance = min(BUDGET, self._allowance + (now - self._came) * BUDGET)
        self._came = now
        if self._allowance > 0:
            return False
        self.heard.flooding += 1
        return True
