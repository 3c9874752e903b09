"""The carriers' ends of a call: strict about what they are sent, honest about what they have played."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from rtstream.errors import TooManyConnections
from rtstream.loopback.carriers import CARRIERS
from rtstream.loopback.carriers.base import Carrier
from rtstream.loopback.phone import Handset
from rtstream.loopback.taken import Taken
from rtstream.media.frames import AudioFrame, Digit
from rtstream.wire.base import Marked, Started, Stopped
from rtstream.wire.telephone import TelephoneWire

SID = "MZ1"
EACH = pytest.mark.parametrize("name", CARRIERS)


class Phone:
    """A handset, what it has taken, and the wire of our server at its other end."""

    def __init__(self, name: str) -> None:
        self.taken = Taken("phone")
        self.carrier: Carrier = CARRIERS[name](SID)
        self.handset = Handset(self.carrier, self.taken)
        self.wire = TelephoneWire()
        for text in self.carrier.opening():
            self.wire.decode(text)

    def media(self, seconds: float = 0.1) -> list[str | bytes]:
        rate = self.carrier.rate
        size = round(self.wire.piece * rate)
        piece = AudioFrame(np.full((1, size), 9000, np.int16), rate)
        return [self.wire.encode(piece)] * round(seconds * rate / size)

    def take(self, *said: str | bytes | None, now: float = 0.0) -> None:
        for one in said:
            assert one is not None
            self.handset.take(one, now)

    def marks(self, now: float) -> list[str]:
        """The marks that are answered, as our server understands them."""
        events = [event for text in self.handset.answers(now) for event in self.wire.decode(text)]
        return [event.name for event in events if isinstance(event, Marked)]


@EACH
def test_our_server_and_its_carriers_understand_each_other(name: str) -> None:
    phone = Phone(name)
    opened = CARRIERS[name](SID)
    wire = TelephoneWire()
    events = [event for text in opened.opening() for event in wire.decode(text)]
    assert events == [Started(SID)]
    assert wire.rate == opened.rate
    frame = AudioFrame(np.full((1, opened.rate // 50), 1000, np.int16), opened.rate)
    said = [opened.sound(frame) for _ in range(5)]
    heard = [event for one in said if one is not None for event in wire.decode(one)]
    assert heard and all(isinstance(event, AudioFrame) and event.rate == opened.rate for event in heard)
    assert wire.decode(opened.key("#")) == [Digit("#")]
    assert wire.decode(opened.reached("x")) == [Marked("x")]
    if (closing := opened.closing()) is not None:
        assert wire.decode(closing) == [Stopped()]
    phone.take(*phone.media(), phone.wire.mark("a"), phone.wire.clear())
    assert phone.taken.breaches == []


@EACH
def test_a_carrier_numbers_its_messages_without_a_gap(name: str) -> None:
    carrier = CARRIERS[name](SID)
    frame = AudioFrame(np.zeros((1, carrier.rate // 50), np.int16), carrier.rate)
    said = [*carrier.opening(), *(carrier.sound(frame) for _ in range(50)), carrier.key("1")]
    texts = [json.loads(one) for one in said if isinstance(one, str)]
    numbers = [text.get("sequenceNumber", text.get("sequence_number")) for text in texts]
    told = [int(number) for number in numbers if number is not None]
    assert told == list(range(1, len(told) + 1))
    assert bool(told) == (name != "vonage")
    chunks = [int(text["media"]["chunk"]) for text in texts if text["event"] == "media"]
    assert chunks == list(range(1, len(chunks) + 1))


FOREIGN: list[Any] = [
    ("no JSON", "no JSON object"),
    ("[]", "no JSON object"),
    ('{"type": "log", "data": "started_talking"}', "a server may send"),
    ('{"event": "dtmf", "streamSid": "MZ1"}', "a server may send"),
]


@EACH
@pytest.mark.parametrize(("said", "breach"), FOREIGN)
def test_what_no_carrier_documents_is_a_breach(name: str, said: str, breach: str) -> None:
    phone = Phone(name)
    phone.take(said)
    assert [sentence for sentence in phone.taken.breaches if breach in sentence]


def media(**content: Any) -> dict[str, Any]:
    return {"event": "media", "streamSid": SID, "stream_sid": SID, "media": content}


def coded(size: int) -> str:
    return base64.b64encode(b"\x10" * size).decode()


def play(**content: Any) -> dict[str, Any]:
    told = {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": coded(160), **content}
    return {"event": "playAudio", "streamId": SID, "media": told}


@pytest.mark.parametrize(
    ("name", "said", "breach"),
    [
        ("twilio", b"\x00\x01", "no JSON object"),
        ("twilio", {"event": "media", "media": {"payload": ""}}, "the streamSid None"),
        ("twilio", {**media(payload=coded(160)), "streamSid": "MZ2"}, "the streamSid 'MZ2'"),
        ("twilio", media(payload="?!"), "no base64"),
        ("twilio", media(), "media without its content"),
        ("twilio", {"event": "media", "streamSid": SID}, "media without its content"),
        ("twilio", {"event": "mark", "streamSid": SID}, "mark without its content"),
        ("twilio", {"event": "mark", "streamSid": SID, "mark": {"name": ""}}, "mark without its content"),
        ("telnyx", media(payload=coded(80)), "20 ms to 30 s"),
        ("telnyx", media(payload=coded(8000 * 31)), "20 ms to 30 s"),
        ("plivo", play(sampleRate=16000), "at 16000"),
        ("plivo", play(contentType="audio/x-l16"), "audio/x-l16"),
        ("plivo", {"event": "checkpoint", "streamId": SID}, "checkpoint without its name"),
        ("plivo", {"event": "sendDTMF", "dtmf": "x"}, "no keys"),
        ("plivo", {"event": "sendDTMF"}, "no keys"),
        ("vonage", b"\x00" * 320, "which are 640"),
        ("vonage", {"action": "notify"}, "without a name"),
        ("vonage", {"event": "clear"}, "a server may send"),
        ("exotel", media(payload=coded(320)), "from 100 ms"),
        ("exotel", media(payload=coded(1601)), "multiples of 320"),
        ("exotel", media(payload=coded(100_160)), "to 100 kB"),
    ],
)
def test_each_carriers_own_rules_are_held(name: str, said: Any, breach: str) -> None:
    phone = Phone(name)
    phone.take(said if isinstance(said, str | bytes) else json.dumps(said))
    assert [sentence for sentence in phone.taken.breaches if breach in sentence]


def test_half_a_sample_is_a_breach() -> None:
    from rtstream.loopback.carriers.base import Breach, linear

    with pytest.raises(Breach, match="whole number of samples"):
        linear(b"\x00", 8000)


def test_the_same_breach_is_told_once() -> None:
    phone = Phone("twilio")
    phone.take(*["no JSON"] * 3)
    assert len(phone.taken.breaches) == 1


@EACH
def test_a_refusal_is_an_error_and_no_breach(name: str) -> None:
    phone = Phone(name)
    phone.take(json.dumps({"status": "failed", "meta": {"error": "concurrency_limit_reached"}}))
    assert [type(error) for error in phone.taken.errors] == [TooManyConnections]
    assert phone.taken.breaches == []


@EACH
def test_a_mark_comes_back_when_what_was_before_it_has_been_played(name: str) -> None:
    phone = Phone(name)
    phone.take(
        *phone.media(1.0), phone.wire.mark("half"), *phone.media(1.0), phone.wire.mark("end"), now=10.0
    )
    assert phone.marks(10.99) == []
    assert phone.marks(11.01) == ["half"]
    assert phone.marks(11.5) == []
    assert phone.marks(12.01) == ["end"]


@EACH
def test_a_mark_with_nothing_before_it_comes_back_at_once(name: str) -> None:
    phone = Phone(name)
    phone.take(phone.wire.mark("now"), now=10.0)
    assert phone.marks(10.0) == ["now"]


@EACH
def test_a_clear_empties_the_line(name: str) -> None:
    phone = Phone(name)
    phone.take(*phone.media(1.0), phone.wire.mark("end"), now=10.0)
    phone.take(phone.wire.clear(), now=10.25)
    answers = phone.handset.answers(10.25)
    assert sum(piece.frame.duration for piece in phone.taken.audio) == pytest.approx(0.25, abs=0.01)
    if name in ("plivo", "vonage"):
        assert [json.loads(text)["event"] for text in answers] == [
            "clearedAudio" if name == "plivo" else "websocket:cleared"
        ]
        assert phone.marks(20.0) == []
    else:
        assert [json.loads(text)["mark"]["name"] for text in answers] == ["end"]
    phone.take(*phone.media(0.1), now=10.25)
    assert phone.taken.played_until == pytest.approx(10.35, abs=0.01)
    assert phone.taken.breaches == []


@EACH
def test_a_mark_that_is_still_waited_for_may_not_be_sent_again(name: str) -> None:
    phone = Phone(name)
    phone.take(*phone.media(1.0), phone.wire.mark("a"), phone.wire.mark("a"))
    assert "again" in phone.taken.breaches[0]


def test_sound_that_the_carrier_has_no_room_for_is_a_breach() -> None:
    phone = Phone("vonage")
    phone.take(*phone.media(20.6))
    assert "ahead" in phone.taken.breaches[0]


def test_plivo_notes_the_keys_that_it_is_told_to_press() -> None:
    phone = Phone("plivo")
    phone.take(phone.wire.press("12#"), phone.wire.press("*"))
    assert phone.taken.keys == "12#*" and phone.taken.breaches == []
