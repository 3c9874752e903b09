"""What a call carries: offers that telephones make, and what is answered."""

from __future__ import annotations

import random

import pytest

from rtstream.sip import sdp
from rtstream.sip.sdp import EVENTS, Format, Media
from tests.helpers.sip_messages import OFFER


def agreed(offer: str, keep: str = "") -> Media:
    media = sdp.agreed(sdp.sections(offer.encode()), keep)
    assert media is not None
    return media


def answered(offer: str) -> list[str]:
    return sdp.answer(agreed(offer), "192.0.2.1", 20_000, (5, 1)).decode().splitlines()


def test_the_first_known_codec_is_agreed_on_with_the_keys() -> None:
    media = agreed(OFFER)
    assert media.codec == Format("pcmu", 0, 8000) and media.keys == Format(EVENTS, 101, 8000)
    assert (media.host, media.port, media.rtcp_port, media.mux) == ("192.0.2.7", 6000, 6001, False)
    assert (media.speaks, media.listens, media.piece) == (True, True, 20)
    assert answered(OFFER) == [
        "v=0",
        "o=- 5 1 IN IP4 192.0.2.1",
        "s=rtstream",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 20000 RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
    ]


def test_codecs_with_fixed_numbers_need_no_names() -> None:
    assert agreed("v=0\nc=IN IP4 192.0.2.7\nm=audio 6000 RTP/AVP 18 9").codec == Format("g722", 9, 8000)


def test_opus_is_taken_where_it_comes_first_with_keys_of_its_clock() -> None:
    offer = (
        OFFER.replace("RTP/AVP 0", "RTP/AVP 96 97 0")
        + "a=rtpmap:96 OPUS/48000/2\na=rtpmap:97 telephone-event/48000\n"
    )
    media = agreed(offer)
    assert media.codec == Format("opus", 96, 48_000) and media.keys == Format(EVENTS, 97, 48_000)
    lines = answered(offer)
    assert "a=rtpmap:96 opus/48000/2" in lines and "a=fmtp:96 useinbandfec=1" in lines


@pytest.mark.parametrize(
    ("said", "answer", "speaks", "listens"),
    [
        ("a=sendonly", "a=recvonly", True, False),
        ("a=recvonly", "a=sendonly", False, True),
        ("a=inactive", "a=inactive", False, False),
        ("a=sendrecv", "a=sendrecv", True, True),
    ],
)
def test_a_direction_is_answered_by_its_opposite(said: str, answer: str, speaks: bool, listens: bool) -> None:
    offer = OFFER.replace("a=sendrecv", said)
    assert (agreed(offer).speaks, agreed(offer).listens) == (speaks, listens)
    assert answer in answered(offer)


def test_a_direction_of_the_session_holds_for_a_medium_without_one() -> None:
    offer = OFFER.replace("a=sendrecv\n", "").replace("t=0 0\n", "t=0 0\na=inactive\n")
    assert not agreed(offer).speaks and "a=inactive" in answered(offer)


def test_an_address_of_nothing_but_zeros_is_a_hold() -> None:
    media = agreed(OFFER.replace("c=IN IP4 192.0.2.7", "c=IN IP4 0.0.0.0"))
    assert (media.host, media.speaks, media.listens) == ("", False, False)


def test_media_that_are_not_taken_stand_in_the_answer_in_their_places() -> None:
    offer = (
        OFFER.replace("m=audio", "m=video 7000 RTP/AVP 31\nm=audio 7002 RTP/SAVP 0\nm=audio")
        + "m=image 7 udptl t38\n"
    )
    media = [line for line in answered(offer) if line.startswith("m=")]
    assert media == [
        "m=video 0 RTP/AVP 31",
        "m=audio 0 RTP/SAVP 0",
        "m=audio 20000 RTP/AVP 0 101",
        "m=image 0 UDPTL t38",
    ]


def test_reports_go_where_the_caller_wants_them() -> None:
    assert agreed(OFFER + "a=rtcp:6543 IN IP4 192.0.2.7\n").rtcp_port == 6543
    assert agreed(OFFER + "a=rtcp:x\n").rtcp_port == 6001
    media = agreed(OFFER + "a=rtcp-mux\n")
    assert media.mux and media.rtcp_port == 6000
    assert "a=rtcp-mux" in answered(OFFER + "a=rtcp-mux\n")


@pytest.mark.parametrize(
    ("lines", "piece"),
    [
        ("a=ptime:30", 30),
        ("a=ptime:10\na=maxptime:10", 10),
        ("a=ptime:25", 20),
        ("a=ptime:60\na=maxptime:40", 20),
        ("a=ptime:x", 20),
        ("a=maxptime:10", 10),
        ("a=maxptime:0", 10),
    ],
)
def test_a_packet_is_as_long_as_the_caller_wants_it_where_that_can_be(lines: str, piece: int) -> None:
    assert agreed(OFFER.replace("a=ptime:20", lines)).piece == piece


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "hello",
        "v=0\nm=audio\n",
        OFFER.replace("m=audio 6000", "m=audio 0"),
        OFFER.replace("m=audio 6000", "m=audio 70000"),
        OFFER.replace("RTP/AVP 0 8 101", "RTP/AVP 18 101"),
        OFFER.replace("RTP/AVP", "UDP/TLS/RTP/SAVPF"),
        OFFER.replace("c=IN IP4 192.0.2.7", "c=IN IP4 phone.example.com"),
        OFFER.replace("c=IN IP4 192.0.2.7", "c=IN IP4 224.0.0.1/127"),
        OFFER.replace("c=IN IP4 192.0.2.7\n", ""),
        OFFER.replace("PCMU/8000", "PCMU/16000").replace("0 8 101", "0 101"),
    ],
)
def test_an_offer_with_nothing_that_is_known_agrees_on_nothing(offer: str) -> None:
    assert sdp.agreed(sdp.sections(offer.encode())) is None


def test_a_call_keeps_the_codec_that_it_has() -> None:
    assert agreed(OFFER, "pcma").codec == Format("pcma", 8, 8000)
    assert sdp.agreed(sdp.sections(OFFER.encode()), "opus") is None


def test_who_asks_for_an_offer_is_offered_every_codec_best_first() -> None:
    ours = agreed(sdp.offer("2001:db8::1", 20_000, (5, 1)).decode())
    assert ours.codec.name == "opus" and ours.host == "2001:db8::1"
    kept = sdp.offer("192.0.2.1", 20_000, (5, 2), agreed(OFFER)).decode()
    assert "m=audio 20000 RTP/AVP 0 101\r\n" in kept and "a=sendrecv" in kept


def test_changed_descriptions_raise_nothing() -> None:
    dice = random.Random(3)
    for _ in range(1000):
        data = bytearray(OFFER.encode())
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.choice(b"\x00\r\n :/=09amx\xff")
        media = sdp.agreed(sdp.sections(bytes(data)))
        if media is not None:
            sdp.answer(media, "192.0.2.1", 20_000, (1, 1))
