"""ICE candidates as clients write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstream.errors import BadCandidate
from rtstream.server.candidates import read_candidate

EIGHT = "candidate:0 1 UDP 2122252543 192.168.1.10 59999 typ host"
LONG = "candidate:1 1 udp 1 10.0.0.1 5 typ srflx raddr 0.0.0.0 rport 9 generation 0 ufrag x network-cost 999"
TCP = "candidate:2 1 tcp 1 10.0.0.1 9 typ host tcptype active"


@pytest.mark.parametrize(
    "text", [EIGHT, LONG, TCP, "a=" + EIGHT, EIGHT.removeprefix("candidate:"), f" {EIGHT} "]
)
def test_candidates_of_eight_words_and_more_are_read(text: str) -> None:
    candidate = read_candidate({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0})
    assert candidate is not None
    assert candidate.port in (59999, 5, 9)


@pytest.mark.parametrize(
    "given_", [None, {}, {"candidate": ""}, {"candidate": None}, {"candidate": "  "}, {"candidate": "a="}]
)
def test_nothing_is_the_end_of_candidates(given_: Any) -> None:
    assert read_candidate(given_) is None


@pytest.mark.parametrize(
    ("place", "mid", "index"),
    [
        ({"sdpMid": "audio", "sdpMLineIndex": 1}, "audio", 1),
        ({"sdpMid": "audio"}, "audio", None),
        ({"sdpMLineIndex": 2}, None, 2),
        ({}, None, 0),
        ({"sdpMid": 7, "sdpMLineIndex": "x"}, None, 0),
    ],
)
def test_its_place_is_its_mid_or_its_index_or_the_first(place: Any, mid: Any, index: Any) -> None:
    candidate = read_candidate({"candidate": EIGHT, **place})
    assert candidate is not None
    assert (candidate.sdpMid, candidate.sdpMLineIndex) == (mid, index)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        EIGHT[:-5],
        EIGHT.replace("59999", "x"),
        EIGHT.replace("59999", "0"),
        EIGHT.replace("59999", "65536"),
        EIGHT.replace("59999", "-5"),
        EIGHT.replace("59999", "²"),
        EIGHT.replace("2122252543", "x"),
        EIGHT.replace("0 1 UDP", "0 x UDP"),
        7,
        ["x"],
        {"x": 1},
    ],
)
def test_what_is_none_is_refused_with_the_reason(text: Any) -> None:
    with pytest.raises(BadCandidate) as caught:
        read_candidate({"candidate": text})
    assert caught.value.why and caught.value.fix


WORDS = st.one_of(st.sampled_from(EIGHT.split()), st.text(max_size=12), st.integers().map(str))


@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_any_words_are_a_candidate_or_refused(text: str) -> None:
    try:
        candidate = read_candidate({"candidate": text})
        assert candidate is None or 0 < candidate.port < 65536
    except BadCandidate as error:
        assert error.what
