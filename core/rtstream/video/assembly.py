"""Packets to whole pictures, in order; which to ask for again, and when only a key frame helps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from ..rtp.numbers import SEQUENCE_BITS, extended

MOST_AHEAD = 1024  # packets: a key frame of 4K at a high rate has half of that
AGAIN = (0.03, 0.1, 0.4)  # seconds until a packet is asked for again: least, at first, most
ROUNDS = 3.5  # how often it is asked for before it is given up, and the seconds that this takes at least
PATIENCE = 0.2
KEY_AGAIN = 0.5  # seconds until a key frame is asked for again
KEY_PATIENCE = 3.0  # and until broken pictures are better than none: the far end cannot make any

_VP8_START = b"\x9d\x01\x2a"  # RFC 6386 §9.1
_NAL = re.compile(rb"\x00\x00\x01(.)", re.S)  # Annex B, as aiortc unpacks RFC 6184
_H264_KEY = (5, 7)  # RFC 6184 §1.3: a slice of an IDR picture, a sequence parameter set
_LOOKED_AT = 128  # bytes: what may stand before these is short


class Part(NamedTuple):
    """One packet of a picture; `data` is without the payload descriptor."""

    sequence: int
    timestamp: int
    marker: bool
    data: bytes


class Picture(NamedTuple):
    """A picture as it was encoded."""

    data: bytes
    timestamp: int


@dataclass
class Asked:
    """When a missing packet was first missed and last asked for, and how often."""

    first: float
    last: float
    times: int = 1


class Assembly:
    """The pictures of one source.

    It waits for a key frame, then hands on each picture as soon as it is whole. Behind a gap it waits as
    long as it pays to ask for what is missing; then it waits for a key frame again: what refers to a
    picture that never came cannot be decoded.

    `given_up` counts how often that was, `dropped` the packets that were thrown away for it.
    """

    def __init__(self) -> None:
        self.given_up = self.dropped = 0
        self._parts: dict[int, Part] = {}
        self._begin = self._end = 0  # of the next picture; all before `_end` is there
        self._newest: int | None = None
        self._source: int | None = None
        self._asked: dict[int, Asked] = {}
        self._again = AGAIN[1]
        self._waiting: float | None = None  # for a key frame, since then
        self._key_asked = float("-inf")

    def follow(self, source: int) -> None:
        """The next packet is of this source: another one has its own numbers, and begins with a key frame."""
        if source != self._source:
            self._source, self._newest, self._key_asked = source, None, float("-inf")

    def missing(self, sequence: int, now: float) -> list[int]:
        """A packet comes; the sequence numbers that are to be asked for now."""
        if self._newest is None or self._waiting is not None:
            return []
        number = extended(sequence, self._newest, SEQUENCE_BITS)
        if not self._end < number <= self._end + MOST_AHEAD:
            return []
        due = [n for n in range(self._end, number) if n not in self._parts and self._due(n, now)]
        for n in due:
            asked = self._asked.setdefault(n, Asked(now, now, 0))
            asked.last, asked.times = now, asked.times + 1
        return [n & 0xFFFF for n in due]

    def take(self, part: Part, now: float) -> list[Picture]:
        """A packet comes; the pictures that are whole now."""
        number = self._numbered(part, now)
        if number < self._begin or number in self._parts:
            return []
        self._parts[number] = part
        self._learn(number, now)
        if self._waiting is not None:
            self._look_for_key(number, part, now)
        if self._waiting is not None:
            return []
        ready = self._whole()
        if self._hopeless(now):
            self.given_up += 1
            self.wait_for_key(now)
        return ready

    def wants_key(self, now: float) -> bool:
        """Whether a key frame is to be asked for now; taken to be asked for if so."""
        if self._waiting is None or now - self._key_asked < KEY_AGAIN:
            return False
        self._key_asked = now
        return True

    def wait_for_key(self, now: float) -> None:
        """Forget what is there, and begin again with the next key frame."""
        newest, parts = self._newest, self._parts
        self._waiting, self._asked = now, {}
        if newest is None:
            return
        starts = [n for n in parts if n > self._end and begins_key(parts[n].data)]
        if starts:
            return self._follow(min(starts))
        self.dropped += len(parts)
        self._begin = self._end = newest + 1
        self._parts = {}

    # Numbers and times.

    def _numbered(self, part: Part, now: float) -> int:
        """The packet's extended number; a source that counts anew is followed."""
        newest = part.sequence if self._newest is None else self._newest
        number = extended(part.sequence, newest, SEQUENCE_BITS)
        if self._newest is None or abs(number - newest) > MOST_AHEAD or number > self._end + MOST_AHEAD:
            self.dropped += len(self._parts)
            self._parts, self._begin, self._end = {}, number, number
            self._waiting, self._asked, self._newest = now, {}, number
        self._newest = max(number, self._newest)
        return number

    def _due(self, number: int, now: float) -> bool:
        asked = self._asked.get(number)
        return asked is None or now - asked.last >= self._again

    def _learn(self, number: int, now: float) -> None:
        """A packet that was asked for once tells how long that takes."""
        asked = self._asked.pop(number, None)
        if asked is not None and asked.times == 1:
            took = 1.5 * (now - asked.last)
            self._again += 0.2 * (min(max(took, AGAIN[0]), AGAIN[2]) - self._again)

    def _hopeless(self, now: float) -> bool:
        asked = self._asked.get(self._end)
        return asked is not None and now - asked.first > max(PATIENCE, ROUNDS * self._again)

    # Pictures.

    def _look_for_key(self, number: int, part: Part, now: float) -> None:
        assert self._waiting is not None
        before = self._parts.get(number - 1)
        none_comes = now - self._waiting > KEY_PATIENCE
        if begins_key(part.data) or (none_comes and before is not None and before.marker):
            self._follow(number)
        while len(self._parts) > MOST_AHEAD:
            self._parts.pop(next(iter(self._parts)))
            self.dropped += 1

    def _follow(self, number: int) -> None:
        """Begin with the picture that begins with this packet."""
        self._waiting = None
        self._begin = self._end = number
        self.dropped += len(self._parts)
        self._parts = {n: part for n, part in self._parts.items() if n >= number}
        self.dropped -= len(self._parts)

    def _whole(self) -> list[Picture]:
        ready: list[Picture] = []
        while (part := self._parts.get(self._end)) is not None:
            if self._end > self._begin and part.timestamp != self._parts[self._begin].timestamp:
                ready.append(self._cut())  # its last packet was not marked
            self._end += 1
            if part.marker:
                ready.append(self._cut())
        # Packets of padding alone are no picture: of nothing to decode FFmpeg's decoders take their end.
        return [picture for picture in ready if picture.data]

    def _cut(self) -> Picture:
        parts = [self._parts.pop(number) for number in range(self._begin, self._end)]
        self._begin = self._end
        return Picture(b"".join(part.data for part in parts), parts[0].timestamp)


def begins_key(data: bytes) -> bool:
    """Whether a key frame begins with these bytes, of VP8 or of H.264 in Annex B."""
    if data[:3] == b"\x00\x00\x00":  # no VP8: its first partition would be empty (RFC 6386 §9.1)
        return any(nal[1][0] & 0x1F in _H264_KEY for nal in _NAL.finditer(data[:_LOOKED_AT]))
    return data[3:6] == _VP8_START and not data[0] & 1
