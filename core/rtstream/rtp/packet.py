"""RTP packets, read from bytes that anybody may have made, and the headers of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

HEADER_SIZE = 12  # RFC 3550 §5.1
ONE_BYTE = 0xBEDE  # RFC 8285 §4.2
TWO_BYTE = 0x1000  # RFC 8285 §4.3; the lowest four bits are the application's

_HEADER = Struct("!BBHII")
_EXTENSION = Struct("!HH")
_VERSION = 0x80
_PADDED, _EXTENDED, _SOURCES, _MARKED = 0x20, 0x10, 0x0F, 0x80


class Packet(NamedTuple):
    """What an RTP packet says. `elements` are its header extensions as they came, undecoded."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    profile: int = 0
    elements: bytes = b""


def parse(data: bytes) -> Packet | None:
    """Read a packet (RFC 3550 §5.1); None for what is none."""
    size = len(data)
    if size < HEADER_SIZE:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first & 0xC0 != _VERSION:
        return None
    start, profile, elements = HEADER_SIZE + 4 * (first & _SOURCES), 0, b""
    if first & _EXTENDED:
        if size < start + 4:
            return None
        profile, words = _EXTENSION.unpack_from(data, start)
        elements = data[start + 4 : start + 4 + 4 * words]
        start += 4 + 4 * words
    end = size - data[-1] if first & _PADDED else size
    if start > end or end == size and first & _PADDED:  # the count of padding counts itself
        return None
    return Packet(
        second & 0x7F, second >= _MARKED, sequence, timestamp, ssrc, data[start:end], profile, elements
    )


def elements(packet: Packet) -> Iterator[tuple[int, bytes]]:
    """The header extensions of a packet as `(id, value)`; what cannot be read ends them (RFC 8285 §4)."""
    data, at = packet.elements, 0
    two = packet.profile & 0xFFF0 == TWO_BYTE
    if not two and packet.profile != ONE_BYTE:
        return
    while at < len(data):
        if data[at] == 0:  # padding
            at += 1
            continue
        if two:
            id, size, at = data[at], data[at + 1] if at + 1 < len(data) else 256, at + 2
        else:
            id, size, at = data[at] >> 4, (data[at] & 0x0F) + 1, at + 1
        if at + size > len(data) or (id == 15 and not two):
            return
        yield id, data[at : at + size]
        at += size


def extension(values: Sequence[tuple[int, bytes]]) -> bytes:
    """The header extension block for `(id, value)` pairs, ids from 1 to 255 and values of 1 to 255 bytes.

    It is of the one-byte form where all of them fit it: ids up to 14, values up to 16 bytes.
    """
    short = all(id <= 14 and len(value) <= 16 for id, value in values)
    body = b"".join(
        bytes([id << 4 | len(value) - 1] if short else [id, len(value)]) + value for id, value in values
    )
    body += bytes(-len(body) % 4)
    return _EXTENSION.pack(ONE_BYTE if short else TWO_BYTE, len(body) // 4) + body


def build(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    *,
    marker: bool = False,
    extensions: bytes = b"",
) -> bytes:
    """A packet; `extensions` is a block that `extension` made. Numbers are cut to what fits the line."""
    header = _HEADER.pack(
        _VERSION | _EXTENDED if extensions else _VERSION,
        payload_type | _MARKED if marker else payload_type,
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    )
    return header + extensions + payload
