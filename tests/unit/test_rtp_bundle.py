"""Whose packets are whose where several sections come on one transport."""

from __future__ import annotations

from rtstream.rtp.bundle import MOST_SOURCES, Share
from rtstream.rtp.codecs import Codec
from rtstream.rtp.packet import Packet, build, extension, parse
from rtstream.rtp.receiver import AudioReceiver

MID, LEVEL = 4, 1


def packet(ssrc: int, mid: bytes | None = None) -> Packet:
    """A packet that names its section, or says only how loud it is."""
    data = build(96, 1, 2, ssrc, b"sound", extensions=extension([(MID, mid) if mid else (LEVEL, b"?")]))
    parsed = parse(data)
    assert parsed is not None
    return parsed


def test_what_the_offer_names_of_other_sections_is_not_of_this_one() -> None:
    share = Share({7}, None)
    assert not share.has(packet(7)) and not share.has(packet(7, b"a"))
    assert share.has(packet(8)) and share.has(packet(8, b"b"))


def test_a_source_is_of_the_section_that_its_packets_name_first_and_then_no_more() -> None:
    share = Share({7}, (MID, b"a"))
    assert not share.has(packet(8, b"b")) and not share.has(packet(8))
    assert share.has(packet(9, b"a")) and share.has(packet(9))
    assert share.has(packet(7, b"a")) and share.has(packet(7)), "it has come to this section"


def test_packets_of_other_sections_are_neither_heard_nor_counted_and_what_is_no_packet_is() -> None:
    receiver = AudioReceiver({0: Codec("PCMU", 0, 8000)})
    receiver.share = Share({7}, (MID, b"a"))
    heard = [bool(receiver.take(build(0, 1, 160, ssrc, bytes(160)), 0.0)) for ssrc in (7, 8)]
    assert heard == [False, True] and receiver.take(b"\x80", 0.0) == []
    assert (receiver.counted.received, receiver.counted.malformed) == (1, 1)


def test_no_more_sources_are_remembered_than_anybody_has() -> None:
    share = Share((), (MID, b"a"))
    heard = [share.has(packet(ssrc, b"b")) for ssrc in range(MOST_SOURCES + 10)]
    assert heard == [False] * MOST_SOURCES + [True] * 10
