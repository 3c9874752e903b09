"""Telephone keys in RTP (RFC 4733): which key was pressed, told once however often it was sent."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

KEYS = "0123456789*#ABCD"  # RFC 4733 §3.2: events 0 to 15
_EVENT = Struct("!BBH")
_END = 0x80


class Pressed(NamedTuple):
    """A key that was let go: `seconds` is how long it was held."""

    key: str
    seconds: float


class Keys:
    """Turns the packets of `telephone-event` into keys.

    A key is sent many times: with growing duration while it is held, and three times when it is let go
    (RFC 4733 §2.5.1.4). All of them carry the timestamp of its beginning. A key whose end was lost is
    told when the next one begins.

    Args:
        clock_rate: ticks a second of the timestamps.
    """

    def __init__(self, clock_rate: int = 8000) -> None:
        self._clock_rate = clock_rate
        self._begun: int | None = None  # timestamp of the key that is held
        self._held = Pressed("", 0.0)
        self._told: int | None = None

    def take(self, payload: bytes, timestamp: int) -> list[Pressed]:
        """Read a payload; the keys that were let go by now."""
        if len(payload) < _EVENT.size:
            return []
        event, flags, duration = _EVENT.unpack_from(payload)
        if event >= len(KEYS) or timestamp == self._told:
            return []
        told = [self._held] if self._begun is not None and timestamp != self._begun else []
        self._begun, self._held = timestamp, Pressed(KEYS[event], duration / self._clock_rate)
        if flags & _END:
            told.append(self._held)
            self._begun, self._told = None, timestamp
        return told


def payload(key: str, ticks: int, *, end: bool, volume: int = 10) -> bytes:
    """A payload for a key held for `ticks`, at so many dB below full scale."""
    return _EVENT.pack(KEYS.index(key), (_END if end else 0) | volume & 0x3F, min(ticks, 0xFFFF))
