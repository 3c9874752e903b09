"""RTCP: sender and receiver reports, read from bytes that anybody may have made, and our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203  # RFC 3550 §12.1
CNAME = 1
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
MOST_LOST, LEAST_LOST = (1 << 23) - 1, -(1 << 23)  # RFC 3550 §6.4.1: 24 bits with a sign

_HEADER = Struct("!BBH")
_SSRC = Struct("!I")
_SENDER = Struct("!QIII")
_BLOCK = Struct("!IIIIII")


class Sent(NamedTuple):
    """What a sender says it has sent by a moment: `ntp` in NTP's 64 bits, `timestamp` in its RTP's."""

    ntp: int
    timestamp: int
    packets: int
    octets: int


class Block(NamedTuple):
    """What a receiver says of one source (RFC 3550 §6.4.1).

    `fraction` is lost in 256ths since the report before, `lost` counts since the beginning, `highest` is
    the extended sequence number, `jitter` counts in the source's RTP clock, `last` is the middle of the
    NTP time of the last sender report and `since` how long ago that was, in 65536ths of a second.
    """

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last: int = 0
    since: int = 0


class Report(NamedTuple):
    """A sender report (`sent` is there), a receiver report, or a goodbye."""

    ssrc: int
    sent: Sent | None = None
    blocks: tuple[Block, ...] = ()
    goodbye: bool = False


def is_rtcp(data: bytes) -> bool:
    """Whether a packet on a port that RTP shares is RTCP (RFC 5761 §4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def parse(data: bytes) -> Iterator[Report]:
    """The reports of a compound packet; what cannot be read ends it."""
    at = 0
    while at + 8 <= len(data):
        first, kind, words = _HEADER.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first & 0xC0 != 0x80 or end > len(data):
            return
        count, body = first & 0x1F, data[at + 4 : end]
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            report = _report(body, count, kind == SENDER_REPORT)
            if report is None:
                return
            yield report
        elif kind == GOODBYE and len(body) >= 4 * count:
            for source in range(count):
                yield Report(_SSRC.unpack_from(body, 4 * source)[0], goodbye=True)
        at = end


def _report(body: bytes, count: int, sends: bool) -> Report | None:
    start = 4 + _SENDER.size if sends else 4
    if len(body) < start + count * _BLOCK.size:
        return None
    blocks = tuple(_block(body, start + number * _BLOCK.size) for number in range(count))
    sent = Sent(*_SENDER.unpack_from(body, 4)) if sends else None
    return Report(_SSRC.unpack_from(body)[0], sent, blocks)


def _block(body: bytes, at: int) -> Block:
    ssrc, losses, highest, jitter, last, since = _BLOCK.unpack_from(body, at)
    lost = losses & 0xFFFFFF
    return Block(ssrc, losses >> 24, lost - (1 << 24) if lost >> 23 else lost, highest, jitter, last, since)


def report(ssrc: int, sent: Sent | None, blocks: Sequence[Block]) -> bytes:
    """A sender report, or a receiver report if nothing was sent."""
    body = _SSRC.pack(ssrc) + (_SENDER.pack(*sent) if sent is not None else b"")
    for block in blocks:
        lost = min(max(block.lost, LEAST_LOST), MOST_LOST) & 0xFFFFFF
        body += _BLOCK.pack(
            block.ssrc,
            block.fraction << 24 | lost,
            block.highest & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last,
            block.since,
        )
    return _packet(SENDER_REPORT if sent is not None else RECEIVER_REPORT, len(blocks), body)


def description(ssrc: int, cname: str) -> bytes:
    """The source description with the canonical name, which every compound packet carries (RFC 3550 §6.5)."""
    name = cname.encode()[:255]
    chunk = _SSRC.pack(ssrc) + bytes([CNAME, len(name)]) + name
    return _packet(SOURCE_DESCRIPTION, 1, chunk + bytes(4 - len(chunk) % 4))


def goodbye(ssrc: int) -> bytes:
    """Says that a source sends no more (RFC 3550 §6.6)."""
    return _packet(GOODBYE, 1, _SSRC.pack(ssrc))


def ntp(seconds: float) -> int:
    """Seconds since 1970 as 64-bit NTP time."""
    return int((seconds + NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def middle(ntp: int) -> int:
    """The middle 32 bits of NTP time: seconds modulo 65536, in 65536ths."""
    return ntp >> 16 & 0xFFFFFFFF


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body
