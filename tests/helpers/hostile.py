"""Datagrams that no honest client sends."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator


def hostile(count: int) -> Iterator[bytes]:
    """What was seen to kill calls or fill logs, and noise of every kind that shares the port (RFC 7983)."""
    chance = random.Random(9)
    yield from (b"", *(bytes([n]) for n in range(256)), *(bytes([0x80, n]) for n in range(256)))
    yield from (
        bytes(65_000),
        b"\x80" + bytes(1600),
        b"\x80\xc8" + bytes(1600),
        b"\x16\xfe\xfd",
        b"\x80" * 1500,
    )
    cookie = b"\x21\x12\xa4\x42"
    for number in range(count):
        noise = chance.randbytes(chance.randrange(1, 1400))
        kind = number % 7
        if kind == 0:  # STUN with attributes that cannot be read
            attribute = chance.choice((0x1, 0x6, 0x8, 0x9, 0x20, 0x24, 0x25, 0x8028, 0x802A))
            body = struct.pack("!HH", attribute, chance.randrange(24)) + noise[:24]
            yield struct.pack("!HH", 1, len(body)) + cookie + bytes(12) + body
        elif kind == 1:
            yield b"\x00\x01\x00\x08" + cookie + noise[:20]
        elif kind == 2:  # RTP of a codec that was agreed on
            yield struct.pack("!BBHII", 0x80, 96, number & 0xFFFF, number * 960, 7) + noise[:160]
        elif kind == 3:
            yield b"\x80\xc8" + noise[:100]
        elif kind == 4:  # DTLS handshake, and application data, where SCTP is
            yield bytes([chance.choice((0x14, 0x15, 0x16, 0x17))]) + b"\xfe\xfd" + noise[:200]
        elif kind == 5:
            yield bytes([chance.randrange(128, 192)]) + noise
        else:
            yield noise
