"""What the far end says of pictures is read, as aiortc writes it; what is garbled says nothing."""

from __future__ import annotations

import random

import pytest
from aiortc.rtp import RtcpPsfbPacket, RtcpReceiverInfo, RtcpRrPacket, pack_remb_fci

from rtstream.video.feedback import Feedback, read

OURS, OTHER = 0x12345678, 0x87654321


def report(ssrc: int, lost: int, last: int = 0, since: int = 0) -> bytes:
    info = RtcpReceiverInfo(
        ssrc, fraction_lost=lost, packets_lost=1, highest_sequence=9, jitter=0, lsr=last, dlsr=since
    )
    return bytes(RtcpRrPacket(ssrc=1, reports=[info]))


def feedback(fmt: int, media: int, fci: bytes = b"") -> bytes:
    return bytes(RtcpPsfbPacket(fmt=fmt, ssrc=1, media_ssrc=media, fci=fci))


def full_intra(ssrc: int) -> bytes:
    return feedback(4, 0, ssrc.to_bytes(4, "big") + b"\x07\0\0\0")


def limit(bitrate: int, *ssrcs: int) -> bytes:
    return feedback(15, 0, pack_remb_fci(bitrate, list(ssrcs)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (feedback(1, OURS), Feedback(key=True)),
        (feedback(1, OTHER), Feedback()),
        (full_intra(OURS), Feedback(key=True)),
        (full_intra(OTHER), Feedback()),
        (limit(200_000, OTHER, OURS), Feedback(limit=200_000)),
        (limit(200_000, OTHER), Feedback()),
        (report(OURS, 64), Feedback(lost=0.25)),
        (report(OTHER, 64), Feedback()),
        (report(OURS, 0, 0xABCD1234, 32768), Feedback(lost=0.0, answered=(0xABCD1234, 0.5))),
        (report(OURS, 0) + limit(3_000_000, OURS) + feedback(1, OURS), Feedback(True, 2_999_992, 0.0)),
        (b"", Feedback()),
    ],
)
def test_feedback_counts_when_it_names_our_source(data: bytes, said: Feedback) -> None:
    found = read(data, OURS)
    assert (found.key, found.lost, found.answered) == (said.key, said.lost, said.answered)
    assert (found.limit is None) == (said.limit is None)
    assert abs((found.limit or 0) - (said.limit or 0)) < 16, "REMB keeps 18 bits"


def test_garbled_feedback_says_nothing_and_raises_nothing() -> None:
    chance = random.Random(1)
    whole = report(OURS, 9) + limit(400_000, OURS) + full_intra(OURS)
    for _ in range(3000):
        data = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        read(bytes(data), OURS)
