"""What the far end says of the pictures that it is sent, read from bytes that anybody may have made."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ..rtp import rtcp

PAYLOAD_FEEDBACK = 206  # RFC 4585 §6.1
PICTURE_LOST, FULL_INTRA, APPLICATION = 1, 4, 15  # RFC 4585 §6.3, RFC 5104 §4.3.1

_HEADER = Struct("!BBHII")
_SSRC = Struct("!I")


class Feedback(NamedTuple):
    """`key`: a key frame is needed. `limit`: the most bits a second. `lost`: the share of packets.

    `answered`: the newest report that had come, by the middle of its NTP time, and how many seconds before.
    """

    key: bool = False
    limit: int | None = None
    lost: float | None = None
    answered: tuple[int, float] | None = None


def read(data: bytes, ssrc: int) -> Feedback:
    """What a compound packet says of one source; what cannot be read ends it."""
    key, limit, at = False, None, 0
    while at + _HEADER.size <= len(data):
        first, kind, words, _, media = _HEADER.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first & 0xC0 != 0x80 or end > len(data):
            break
        if kind == PAYLOAD_FEEDBACK:
            body, format = data[at + _HEADER.size : end], first & 0x1F
            key |= format == PICTURE_LOST and media == ssrc
            key |= format == FULL_INTRA and ssrc in _sources(body, 0, len(body) // 8, 8)
            limit = _limit(body, ssrc) if format == APPLICATION else limit
        at = end
    blocks = [block for report in rtcp.parse(data) for block in report.blocks if block.ssrc == ssrc]
    if not blocks:
        return Feedback(key, limit)
    block = blocks[-1]
    answered = (block.last, block.since / 65536) if block.last else None
    return Feedback(key, limit, block.fraction / 256, answered)


def _limit(body: bytes, ssrc: int) -> int | None:
    """The receiver's estimate of the bandwidth (draft-alvestrand-rmcat-remb-03 §2.2)."""
    if len(body) < 8 or body[:4] != b"REMB" or ssrc not in _sources(body, 8, body[4], 4):
        return None
    exponent, mantissa = body[5] >> 2, (body[5] & 3) << 16 | body[6] << 8 | body[7]
    return int(mantissa << exponent)


def _sources(body: bytes, start: int, count: int, step: int) -> list[int]:
    ends = range(start, min(start + count * step, len(body) - 3), step)
    return [_SSRC.unpack_from(body, at)[0] for at in ends]
