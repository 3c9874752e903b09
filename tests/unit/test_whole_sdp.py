"""An offer is made whole for aiortc, and its answer has a section for each of the offer's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rtstream.server.whole_sdp import whole, with_refusals

SHARED = ["a=ice-ufrag:u", "a=ice-pwd:p", "a=fingerprint:sha-256 AA", "a=setup:actpass", "a=rtcp-mux"]
AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:a", "a=sendrecv", "a=rtpmap:111 opus/48000/2"]
VIDEO = ["m=video 0 UDP/TLS/RTP/SAVPF 96", "a=bundle-only", "a=mid:v", "a=sendonly", "a=rtpmap:96 VP8/90000"]
DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:d", "a=sctp-port:5000"]


def sdp(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def test_what_leaves_nothing_out_stays_as_it_is() -> None:
    offer = sdp("v=0", "a=group:BUNDLE a", *AUDIO, *SHARED)
    assert whole(offer) == offer == whole(offer.replace("\r\n", "\n"))


def test_a_section_of_a_bundle_has_what_the_first_one_says_for_all() -> None:
    offer = sdp("v=0", "a=group:BUNDLE a v d", *AUDIO, *SHARED, *VIDEO, *DATA)
    filled = sdp("v=0", "a=group:BUNDLE a v d", *AUDIO, *SHARED, *VIDEO, *SHARED, *DATA, *SHARED[:-1])
    assert whole(offer) == filled


def test_what_is_said_for_the_session_is_not_said_again_and_other_sections_are_lent_nothing() -> None:
    head = ["v=0", *SHARED[:-1], "a=group:BUNDLE a v"]
    assert whole(sdp(*head, *AUDIO, "a=rtcp-mux", *VIDEO)) == sdp(*head, *AUDIO, "a=rtcp-mux", *VIDEO)
    alone = sdp("v=0", "a=group:BUNDLE a", *AUDIO, *SHARED, *VIDEO)
    assert whole(alone) == alone


def test_directions_and_codecs_that_go_without_saying_are_said() -> None:
    bare = [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 9 18",
        "a=mid:a",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:18 annexb=no",
    ]
    found = whole(sdp("v=0", *bare))
    assert found == sdp(
        "v=0", *bare[:3], "a=sendrecv", "a=rtpmap:0 PCMU/8000", "a=rtpmap:9 G722/8000"
    )  # fmt: skip
    assert "a=recvonly" in whole(sdp("v=0", "a=recvonly", *bare)).split("m=audio")[1]


def test_sections_that_are_refused_are_taken_out_and_have_their_answer_in_their_place() -> None:
    gone = ["m=audio 0 UDP/TLS/RTP/SAVPF 0 8", "a=mid:x", "a=inactive"]
    text = ["m=text 9 UDP/TLS/RTP/SAVPF 98"]
    offer = sdp("v=0", "a=group:BUNDLE x a d", *gone, *AUDIO, *SHARED, *text, *DATA)
    assert whole(offer) == sdp("v=0", "a=group:BUNDLE a d", *AUDIO, *SHARED, *DATA, *SHARED[:-1])
    answered = with_refusals(offer, sdp("v=0", "a=group:BUNDLE a d", *AUDIO, *DATA))
    nothing = ["c=IN IP4 0.0.0.0", "a=inactive"]
    first, third = [gone[0], *nothing, "a=mid:x"], ["m=text 0 UDP/TLS/RTP/SAVPF 98", *nothing]
    assert answered == sdp("v=0", "a=group:BUNDLE a d", *first, *AUDIO, *third, *DATA)


ODD = [
    *("m=", "m=audio", "m=audio 0", "m=audio 9 X 0 8", "a=rtpmap:", "a=rtpmap:0", "a=fmtp:", "a=mid:", "a="),
    *("a=ssrc:1", "a=group:BUNDLE", "a=group:BUNDLE a", "a=extmap:1 x y z", " "),
]


@given(st.lists(st.sampled_from([*ODD, *SHARED, *AUDIO, *VIDEO]) | st.text(max_size=12), max_size=20))
def test_whatever_comes_is_made_whole_once(lines: list[str]) -> None:
    found = whole(sdp(*lines))
    assert whole(found) == found
    with_refusals(sdp(*lines), found)
