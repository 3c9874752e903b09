"""Whose packets are whose where several sections come on one transport."""

from __future__ import annotations

from rtstream.rtp.bundle import MOST_SOURCES, Share
from rtstream.rtp.packet import build, extension

MID, LEVEL = 4, 1


def packet(ssrc: int, mid: bytes | None = None) -> bytes:
    """A packet that names its section, or says only how loud it is."""
    return build(96, 1, 2, ssrc, b"sound", extensions=extension([(MID, mid) if mid else (LEVEL, b"?")]))


def test_what_the_offer_names_of_other_sections_is_not_of_this_one() -> None:
    share = Share({7}, None)
    assert not share.has(packet(7)) and not share.has(packet(7, b"a"))
    assert share.has(packet(8)) and share.has(packet(8, b"b"))


def test_a_source_is_of_the_section_that_its_packets_name_first_and_then_no_more() -> None:
    share = Share({7}, (MID, b"a"))
    assert not share.has(packet(8, b"b")) and not share.has(packet(8))
    assert share.has(packet(9, b"a")) and share.has(packet(9))
    assert share.has(packet(7, b"a")) and share.has(packet(7)), "it has come to this section"


def test_what_is_no_packet_is_left_to_who_counts_it() -> None:
    assert Share({7}, (MID, b"a")).has(b"\x80")


def test_no_more_sources_are_remembered_than_anybody_has() -> None:
    share = Share((), (MID, b"a"))
    heard = [share.has(packet(ssrc, b"b")) for ssrc in range(MOST_SOURCES + 10)]
    assert heard == [False] * MOST_SOURCES + [True] * 10
