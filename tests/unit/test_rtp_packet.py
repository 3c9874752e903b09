"""RTP and RTCP packets: what is built is read back, and what anybody may send breaks nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstream.rtp import rtcp
from rtstream.rtp.numbers import distance, extended
from rtstream.rtp.packet import build, elements, extension, parse

SSRC = 0xDEADBEEF


def test_a_packet_that_was_built_is_read_back() -> None:
    block = extension([(1, b"0"), (2, bytes([30]))])
    packet = parse(build(111, 65537, 1 << 32 | 5, SSRC, b"sound", marker=True, extensions=block))
    assert packet is not None
    assert (packet.payload_type, packet.marker, packet.sequence, packet.timestamp) == (111, True, 1, 5)
    assert (packet.ssrc, packet.payload) == (SSRC, b"sound")
    assert list(elements(packet)) == [(1, b"0"), (2, bytes([30]))]


@pytest.mark.parametrize(
    "values", [[(4, b"a name of 17 byte"), (1, b"?")], [(15, b"0")], [(255, b"0"), (1, bytes(255))]]
)
def test_extensions_that_one_byte_cannot_tell_are_built_with_two(values: list[tuple[int, bytes]]) -> None:
    packet = parse(build(111, 1, 5, SSRC, b"sound", extensions=extension(values)))
    assert packet is not None and packet.payload == b"sound"
    assert list(elements(packet)) == values


def test_a_packet_without_extensions_has_none() -> None:
    packet = parse(build(0, 7, 160, SSRC, b"x"))
    assert packet is not None and packet.payload == b"x" and not packet.marker
    assert list(elements(packet)) == []


def test_extensions_of_two_bytes_are_read_and_padding_between_them_skipped() -> None:
    body = bytes([1, 2]) + b"ab" + bytes(2) + bytes([200, 0])
    data = bytearray(build(96, 1, 1, SSRC, b"", extensions=b"\x10\x00\x00\x02" + body))
    packet = parse(bytes(data))
    assert packet is not None and list(elements(packet)) == [(1, b"ab"), (200, b"")]


def test_an_extension_of_an_unknown_profile_is_skipped() -> None:
    packet = parse(build(96, 1, 1, SSRC, b"y", extensions=b"\x77\x77\x00\x01abcd"))
    assert packet is not None and packet.payload == b"y" and list(elements(packet)) == []


def test_contributing_sources_and_padding_are_no_payload() -> None:
    data = bytearray(build(96, 1, 1, SSRC, b"\0" * 8 + b"voice" + bytes([0, 0, 3])))
    data[0] |= 0x20 | 2
    packet = parse(bytes(data))
    assert packet is not None and packet.payload == b"voice"


def test_padding_that_counts_more_than_there_is_or_not_even_itself_is_refused() -> None:
    for last in (0, 200):
        data = bytearray(build(96, 1, 1, SSRC, b"voice" + bytes([last])))
        data[0] |= 0x20
        assert parse(bytes(data)) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_none(data: bytes) -> None:
    packet = parse(data)
    assert packet is None or sum(len(value) for _, value in elements(packet)) <= len(data)


@given(st.binary(max_size=60), st.integers(0, 255))
def test_any_extension_is_read_to_where_it_can_be(body: bytes, profile: int) -> None:
    body += bytes(-len(body) % 4)
    for kind in (b"\xbe\xde", bytes([0x10, profile & 0x0F])):
        packet = parse(build(96, 1, 1, 1, b"x", extensions=kind + bytes([0, len(body) // 4]) + body))
        assert packet is not None and packet.payload == b"x"
        assert all(value in body for _, value in elements(packet))


@given(st.binary(max_size=200))
def test_any_bytes_are_reports_or_none(data: bytes) -> None:
    assert all(isinstance(report, rtcp.Report) for report in rtcp.parse(data))


def test_reports_that_were_built_are_read_back() -> None:
    sent = rtcp.Sent(rtcp.ntp(1_700_000_000.5), 48_000, 10, 900)
    blocks = [rtcp.Block(1, 26, -3, 70_000, 12, 7, 8), rtcp.Block(2, 0, 1 << 23, 5, 6)]
    data = rtcp.report(SSRC, sent, blocks) + rtcp.description(SSRC, "us") + rtcp.goodbye(SSRC)
    assert rtcp.is_rtcp(data) and len(data) % 4 == 0
    report, goodbye = rtcp.parse(data)
    assert (report.ssrc, report.sent, goodbye) == (SSRC, sent, rtcp.Report(SSRC, goodbye=True))
    assert report.blocks == (blocks[0], blocks[1]._replace(lost=rtcp.MOST_LOST))
    (only,) = rtcp.parse(rtcp.report(SSRC, None, []))
    assert only == rtcp.Report(SSRC)


def test_a_compound_packet_is_read_up_to_where_it_breaks() -> None:
    whole = rtcp.report(SSRC, None, [rtcp.Block(1, 0, 0, 0, 0)])
    assert len(list(rtcp.parse(whole + whole[:10]))) == 1
    assert len(list(rtcp.parse(whole + b"\x00" * 40))) == 1
    short = bytearray(whole[:8])
    short[3] = 1  # it says that it has a block, and has none
    assert list(rtcp.parse(bytes(short))) == []


def test_what_is_rtcp_is_told_by_its_second_byte() -> None:
    assert rtcp.is_rtcp(b"\x80\xc8") and not rtcp.is_rtcp(b"\x80\x6f") and not rtcp.is_rtcp(b"\x80")


@given(st.integers(0, 1 << 40), st.integers(-30_000, 30_000))
def test_a_wrapped_number_is_found_again_near_where_it_was(near: int, step: int) -> None:
    assert extended((near + step) & 0xFFFF, near, 16) == near + step
    assert distance((near + step) & 0xFFFF, near & 0xFFFF, 16) == step
