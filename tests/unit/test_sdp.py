"""What an offer asks for, read before anybody acts on it."""

from __future__ import annotations

from typing import Any

import pytest

from rtstream import Stream
from rtstream.errors import BadOffer, TracksUnfit
from rtstream.server.sdp import (
    MOST_CANDIDATES,
    MOST_SECTIONS,
    Section,
    check_fit,
    sections,
    without_host_names,
)

FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
HEAD = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-ufrag:u", "a=ice-pwd:p", FINGERPRINT]


def sdp(*lines: str, head: list[str] = HEAD) -> str:
    return "\r\n".join([*head, *lines]) + "\r\n"


def test_sections_have_their_kind_and_direction() -> None:
    offer = sdp(
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=sendonly",
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "a=inactive",
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "a=bundle-only",
        "a=recvonly",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    )
    assert sections(offer) == [
        Section("audio", True, "sendonly"),
        Section("video", False, "inactive"),
        Section("video", True, "recvonly"),
        Section("application", True, "sendrecv"),
    ]


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_both_line_ends_are_read(end: str) -> None:
    assert len(sections(sdp("m=audio 9 X 0").replace("\r\n", end))) == 1


@pytest.mark.parametrize("hash", ["sha-256", "SHA-256", "sha-384", "sha-512"])
def test_fingerprints_of_the_secure_hashes_are_taken_in_either_case(hash: str) -> None:
    count = int(hash[-3:]) // 8
    for byte in ("ab", "AB", "0f"):
        line = f"a=fingerprint:{hash} " + ":".join([byte] * count)
        assert sections(sdp("m=audio 9 X 0", line, head=HEAD[:-1]))


def refused(offer: str) -> str:
    with pytest.raises(BadOffer) as caught:
        sections(offer)
    return caught.value.why


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        ("", "no audio, video or data section"),
        ("hello", "no audio, video or data section"),
        (sdp("m=smell 9 X 0"), "no audio, video or data section"),
        (sdp("m="), "has no port"),
        (sdp("m=audio"), "has no port"),
        (sdp("m=audio x X 0"), "has no port"),
        (sdp("m=audio -1 X 0"), "has no port"),
        (sdp("m=audio ² X 0"), "has no port"),
        (sdp("m=audio ٣ X 0"), "has no port"),
        (sdp("m=audio " + "9" * 5000 + " X 0"), "has no port"),
        (sdp("m=audio 9 X 0", head=[line for line in HEAD if "ufrag" not in line]), "no ice-ufrag: line"),
        (sdp("m=audio 9 X 0", head=[line for line in HEAD if "pwd" not in line]), "no ice-pwd: line"),
        (sdp("m=audio 9 X 0", head=HEAD[:-1]), "no fingerprint"),
        (sdp("m=audio 9 X 0", "a=fingerprint:md5 AB:CD", head=HEAD[:-1]), "no fingerprint"),
        (sdp("m=audio 9 X 0", "a=fingerprint:sha-256 ZZ", head=HEAD[:-1]), "no fingerprint"),
        (sdp("m=audio 9 X 0", FINGERPRINT[:-3], head=HEAD[:-1]), "no fingerprint"),
        (sdp(*["m=audio 9 X 0"] * (MOST_SECTIONS + 1)), "9 sections"),
        (sdp("m=audio 9 X 0", *["a=candidate:1"] * (MOST_CANDIDATES + 1)), "33 candidates"),
    ],
)
def test_what_is_no_offer_is_refused_with_the_reason(offer: str, why: str) -> None:
    assert why in refused(offer)


def test_as_many_as_there_may_be_are_taken() -> None:
    assert len(sections(sdp(*["m=audio 9/2 X 0"] * MOST_SECTIONS, *["a=candidate:1"] * MOST_CANDIDATES))) == 8


def test_candidates_with_host_names_are_taken_out() -> None:
    named = "a=candidate:1 1 udp 1 abc.local 5000 typ host"
    plain = "a=candidate:2 1 udp 1 127.0.0.1 5000 typ host"
    rest, found = without_host_names(sdp("m=audio 9 X 0", named, plain))
    assert found == [named]
    assert rest == sdp("m=audio 9 X 0", plain)


def section(kind: str, direction: str = "sendrecv", stands: bool = True) -> Section:
    return Section(kind, stands, direction)


FITS: list[Any] = [
    ("audio", "send-receive", [section("audio")]),
    ("audio", "send-receive", [section("audio"), section("application")]),
    ("audio", "send-receive", [section("audio"), section("video", stands=False)]),
    ("audio", "send-receive", [section("audio", "sendonly")]),
    ("audio", "send-receive", [section("audio", "recvonly")]),
    ("audio", "send", [section("audio", "sendonly")]),
    ("audio", "receive", [section("audio", "recvonly")]),
    ("video", "send-receive", [section("video")]),
    ("audio-video", "send-receive", [section("video"), section("audio")]),
    ("audio-video", "send-receive", [section("audio")]),
    ("audio-video", "send", [section("audio", "inactive"), section("video", "sendonly")]),
]
UNFIT: list[Any] = [
    ("audio", "send-receive", [section("application")], "no audio track"),
    ("audio", "send-receive", [section("video")], "no audio track"),
    ("audio", "send-receive", [section("audio", stands=False)], "no audio track"),
    ("audio-video", "send-receive", [], "no audio and no video track"),
    ("audio", "send-receive", [section("audio"), section("video")], "has a video track"),
    ("audio", "send-receive", [section("audio"), section("audio")], "has a second audio track"),
    ("audio", "send", [section("audio", "recvonly")], "sends nothing"),
    ("audio", "send", [section("audio", "inactive")], "sends nothing"),
    ("audio", "receive", [section("audio", "sendonly")], "takes nothing"),
    ("audio", "send-receive", [section("audio", "inactive")], "is inactive"),
]


def options(modality: Any, mode: Any, **more: Any) -> Any:
    def source() -> Any:
        yield None

    return Stream(
        source if mode == "receive" else lambda frame: frame, modality=modality, mode=mode, **more
    ).options


@pytest.mark.parametrize(("modality", "mode", "found"), FITS)
def test_tracks_that_fit_are_taken(modality: str, mode: str, found: list[Section]) -> None:
    check_fit(found, options(modality, mode))


@pytest.mark.parametrize(("modality", "mode", "found", "words"), UNFIT)
def test_tracks_that_do_not_fit_are_refused(
    modality: str, mode: str, found: list[Section], words: str
) -> None:
    with pytest.raises(TracksUnfit, match=words) as caught:
        check_fit(found, options(modality, mode))
    assert caught.value.fix


def test_extra_tracks_are_taken_where_they_are_allowed() -> None:
    check_fit(
        [section("audio"), section("audio"), section("video")],
        options("audio", "send", allow_extra_tracks=True),
    )
