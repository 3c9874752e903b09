"""Counters that wrap on the line: sequence numbers and timestamps as numbers that only grow."""

from __future__ import annotations

SEQUENCE_BITS = 16  # RFC 3550 §5.1
TIMESTAMP_BITS = 32


def extended(value: int, near: int, bits: int) -> int:
    """The unbounded number that is nearest to `near` and reads `value` in its lowest `bits`."""
    half = 1 << (bits - 1)
    return near + ((value - near + half) & ((1 << bits) - 1)) - half


def distance(later: int, earlier: int, bits: int) -> int:
    """How far `later` lies behind `earlier` on the circle: negative when it lies before it."""
    half = 1 << (bits - 1)
    return ((later - earlier + half) & ((1 << bits) - 1)) - half
