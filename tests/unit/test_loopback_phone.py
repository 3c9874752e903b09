"""The caller's end of a telephone line: strict about what it is sent, honest about what it has played."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from rtstream.errors import TooManyConnections
from rtstream.loopback.phone import Handset
from rtstream.loopback.taken import Taken

SID = "MZ1"


@pytest.fixture
def taken() -> Taken:
    return Taken("phone")


@pytest.fixture
def handset(taken: Taken) -> Handset:
    return Handset(SID, taken)


def media(seconds: float = 0.02, sid: str = SID) -> str:
    payload = base64.b64encode(b"\x10" * round(seconds * 8000)).decode()
    return json.dumps({"event": "media", "streamSid": sid, "media": {"payload": payload}})


def mark(name: str) -> str:
    return json.dumps({"event": "mark", "streamSid": SID, "mark": {"name": name}})


CLEAR = json.dumps({"event": "clear", "streamSid": SID})


def test_what_twilio_documents_is_no_breach(handset: Handset, taken: Taken) -> None:
    for text in (media(), mark("a"), CLEAR):
        handset.take(text, 0.0)
    assert taken.breaches == []


@pytest.mark.parametrize(
    "said, breach",
    [
        ("no JSON", "no JSON object"),
        ("[]", "no JSON object"),
        (b"\x00\x01", "no JSON object"),
        ({"type": "log", "data": "started_talking"}, "the event None"),
        ({"event": "dtmf", "streamSid": SID}, "the event 'dtmf'"),
        ({"event": "media", "media": {"payload": ""}}, "the streamSid None"),
        (json.loads(media(sid="MZ2")), "the streamSid 'MZ2'"),
        ({"event": "media", "streamSid": SID, "media": {"payload": "?!"}}, "no base64"),
        ({"event": "media", "streamSid": SID, "media": {}}, "media without its content"),
        ({"event": "mark", "streamSid": SID}, "mark without its content"),
    ],
)
def test_everything_else_is(handset: Handset, taken: Taken, said: Any, breach: str) -> None:
    handset.take(said if isinstance(said, str | bytes) else json.dumps(said), 0.0)
    assert [sentence for sentence in taken.breaches if breach in sentence]


def test_the_same_breach_is_told_once(handset: Handset, taken: Taken) -> None:
    for _ in range(3):
        handset.take("no JSON", 0.0)
    assert len(taken.breaches) == 1


def test_a_refusal_is_an_error_and_no_breach(handset: Handset, taken: Taken) -> None:
    handset.take(json.dumps({"status": "failed", "meta": {"error": "concurrency_limit_reached"}}), 0.0)
    assert [type(error) for error in taken.errors] == [TooManyConnections]
    assert taken.breaches == []


def test_a_mark_comes_back_when_what_was_before_it_has_been_played(handset: Handset) -> None:
    handset.take(media(1.0), 10.0)
    handset.take(mark("half"), 10.0)
    handset.take(media(1.0), 10.0)
    handset.take(mark("end"), 10.0)
    assert handset.reached(10.99) == []
    assert handset.reached(11.0) == ["half"]
    assert handset.reached(11.5) == []
    assert handset.reached(12.01) == ["end"]


def test_a_mark_with_nothing_before_it_comes_back_at_once(handset: Handset) -> None:
    handset.take(mark("now"), 10.0)
    assert handset.reached(10.0) == ["now"]


def test_clear_empties_the_line_and_brings_all_marks_back(handset: Handset, taken: Taken) -> None:
    handset.take(media(1.0), 10.0)
    handset.take(mark("end"), 10.0)
    handset.take(CLEAR, 10.25)
    assert handset.reached(10.25) == ["end"]
    assert sum(frame.duration for _, frame in taken.audio) == pytest.approx(0.25)
