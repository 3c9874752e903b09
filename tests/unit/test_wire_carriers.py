"""The dialects of the carriers: each recognised from its first messages, each told what it documents."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstream.context import Call
from rtstream.errors import BadMessage
from rtstream.media.frames import AudioFrame, Digit
from rtstream.media.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from rtstream.wire.base import Event, Marked, Started, Stopped
from rtstream.wire.exotel import ExotelWire
from rtstream.wire.plivo import PlivoWire
from rtstream.wire.telephone import TelephoneWire
from rtstream.wire.telnyx import TelnyxWire
from rtstream.wire.twilio import TwilioWire
from rtstream.wire.vonage import VonageWire
from tests.helpers.carriers import CARRIERS, EXOTEL, PARAMETERS, PLIVO, TELNYX, TWILIO, VONAGE, Carrier

from .signals import tone

SOUND = tone(440, 0.02, 8000)
FRAME = AudioFrame(SOUND[None], 8000)
EACH = pytest.mark.parametrize("carrier", CARRIERS, ids=[carrier.name for carrier in CARRIERS])


def opened(carrier: Carrier) -> TelephoneWire:
    """A wire that the carrier has said its opening to."""
    wire = TelephoneWire()
    for text in carrier.texts:
        wire.decode(text)
    return wire


def changed(carrier: Carrier, **start: Any) -> str:
    """The carrier's `start` with other content."""
    message = carrier.opening[-1]
    return json.dumps({**message, "start": {**message["start"], **start}})


@EACH
def test_a_carrier_is_recognised_from_its_first_messages_and_tells_of_the_call(carrier: Carrier) -> None:
    wire = TelephoneWire()
    events: list[Event] = [event for text in carrier.texts for event in wire.decode(text)]
    assert events == [Started(carrier.id)]
    assert isinstance(events[0], Started)
    assert events[0].call == Call(carrier.name, carrier.call_id, carrier.caller, carrier.callee, PARAMETERS)
    assert wire.rate == 8000 and wire.phone
    assert wire.piece == (0.1 if carrier is EXOTEL else 0.02)


@EACH
def test_its_sound_keys_marks_and_end_are_understood(carrier: Carrier) -> None:
    wire = opened(carrier)
    (frame,) = wire.decode(carrier.sound(SOUND))
    assert isinstance(frame, AudioFrame) and frame.rate == 8000
    lossless = carrier in (VONAGE, EXOTEL)
    assert np.array_equal(frame.samples[0], SOUND if lossless else ulaw_decode(ulaw_encode(SOUND)))
    assert wire.decode(json.dumps(carrier.key)) == [Digit("1")]
    assert wire.decode(json.dumps(carrier.mark)) == [Marked("7")]
    if carrier.stop is not None:
        assert wire.decode(json.dumps(carrier.stop)) == [Stopped()]
    assert wire.decode('{"event": "something new"}') == []
    wire.hear_at(48000)
    assert wire.rate == 8000


ULAW = b64encode(ulaw_encode(SOUND)).decode()
LINEAR = b64encode(SOUND.astype("<i2").tobytes()).decode()

SENT: list[tuple[Carrier, dict[str, Any] | bytes, dict[str, Any], dict[str, Any], dict[str, Any] | None]] = [
    (
        TWILIO,
        {"event": "media", "streamSid": "MZ1", "media": {"payload": ULAW}},
        {"event": "mark", "streamSid": "MZ1", "mark": {"name": "7"}},
        {"event": "clear", "streamSid": "MZ1"},
        None,
    ),
    (
        TELNYX,
        {"event": "media", "media": {"payload": ULAW}},
        {"event": "mark", "mark": {"name": "7"}},
        {"event": "clear"},
        None,
    ),
    (
        PLIVO,
        {
            "event": "playAudio",
            "streamId": "87654321-4321",
            "media": {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": ULAW},
        },
        {"event": "checkpoint", "streamId": "87654321-4321", "name": "7"},
        {"event": "clearAudio", "streamId": "87654321-4321"},
        {"event": "sendDTMF", "dtmf": "1"},
    ),
    (
        VONAGE,
        SOUND.astype("<i2").tobytes(),
        {"action": "notify", "payload": {"name": "7"}},
        {"action": "clear"},
        None,
    ),
    (
        EXOTEL,
        {"event": "media", "stream_sid": "MZ2", "media": {"payload": LINEAR}},
        {"event": "mark", "stream_sid": "MZ2", "mark": {"name": "7"}},
        {"event": "clear", "stream_sid": "MZ2"},
        None,
    ),
]


@pytest.mark.parametrize(
    ("carrier", "sound", "mark", "clear", "press"), SENT, ids=[carrier.name for carrier, *_ in SENT]
)
def test_it_is_told_exactly_what_it_documents(
    carrier: Carrier, sound: Any, mark: Any, clear: Any, press: Any
) -> None:
    wire = opened(carrier)
    said = wire.encode(FRAME)
    assert (said if isinstance(said, bytes) else json.loads(said)) == sound
    assert json.loads(wire.mark("7") or "") == mark
    assert json.loads(wire.clear() or "") == clear
    pressed = wire.press("1")
    assert (pressed and json.loads(pressed)) == press


HOSTILE: list[Any] = [
    "no json",
    "[]",
    "{}",
    '{"event": 7}',
    "[" * 5000,
    b"\x00",
    b"",
    '{"event": "start"}',
    '{"event": "start", "start": "MZ1"}',
    '{"event": "start", "streamSid": 7, "start": {"stream_id": "", "streamId": []}}',
    '{"event": "start", "streamSid": "' + "x" * 300 + '"}',
    '{"event": "media", "media": {"payload": "AAAA"}}',
    '{"event": "websocket:connected"}',
    '{"event": "websocket:connected", "content-type": "audio/l16;rate=44100"}',
    '{"event": "websocket:connected", "content-type": "audio/mpeg"}',
]


@pytest.mark.parametrize("said", HOSTILE, ids=lambda said: repr(said)[:40])
def test_what_no_carrier_opens_with_is_refused(said: Any) -> None:
    with pytest.raises(BadMessage):
        TelephoneWire().decode(said)


@EACH
@pytest.mark.parametrize(
    "said",
    [
        "no json",
        "[]",
        "{}",
        '{"event": null}',
        b"\x00",
        '{"event": "media"}',
        '{"event": "media", "media": []}',
        '{"event": "media", "media": {"payload": 7}}',
        '{"event": "media", "media": {"payload": "!"}}',
        '{"event": "start"}',
    ],
    ids=repr,
)
def test_what_is_not_of_its_dialect_is_refused_in_a_call(carrier: Carrier, said: Any) -> None:
    wire = opened(carrier)
    if carrier is VONAGE and isinstance(said, str) and ('"media"' in said or '"start"' in said):
        assert wire.decode(said) == []  # its sound is binary, and it has no `start`
        return
    if carrier is not VONAGE and said == '{"event": "start"}':
        with pytest.raises(BadMessage, match="names no"):
            wire.decode(said)
        return
    with pytest.raises(BadMessage):
        wire.decode(said)


@EACH
@pytest.mark.parametrize("digit", [None, 7, "", "12", "x", "E", "\u0661", ["1"]])
def test_a_key_that_no_telephone_has_is_none(carrier: Carrier, digit: Any) -> None:
    within = {"digit": digit, "dtmf": {"digit": digit}}
    assert opened(carrier).decode(json.dumps({**carrier.key, **within})) == []


@EACH
def test_a_mark_without_a_name_is_none(carrier: Carrier) -> None:
    strange = dict.fromkeys(carrier.mark, 7) | {"event": carrier.mark["event"]}
    assert opened(carrier).decode(json.dumps(strange)) == []


@EACH
def test_a_second_opening_changes_nothing(carrier: Carrier) -> None:
    wire = opened(carrier)
    before = (wire.mark("1"), wire.clear())
    again = json.dumps(carrier.opening[-1]).replace(carrier.id, "another")
    (event,) = wire.decode(again)
    assert event == Started(carrier.id)
    assert (wire.mark("1"), wire.clear()) == before


@pytest.mark.parametrize("wire", [TwilioWire, TelnyxWire, PlivoWire, ExotelWire])
def test_a_start_with_the_id_alone_will_do(wire: Any) -> None:
    made = wire()
    (event,) = made.decode(json.dumps({"event": "start", wire.dialect.stream: "x"}))
    assert event == Started("x") and event.call == Call(wire.dialect.carrier)
    assert made.rate == 8000


@pytest.mark.parametrize(
    ("carrier", "told", "decode"),
    [
        (TELNYX, {"encoding": "PCMA", "sample_rate": 8000}, lambda: alaw_encode(SOUND)),
        (TELNYX, {"encoding": "L16", "sample_rate": 16000}, lambda: SOUND.astype("<i2").tobytes()),
        (TELNYX, {"encoding": "L16", "sample_rate": 16000}, lambda: SOUND.astype(">i2").tobytes()),
        (TWILIO, {"encoding": "audio/x-l16", "sampleRate": 24000}, lambda: SOUND.astype("<i2").tobytes()),
        (PLIVO, {"encoding": "audio/x-l16", "sampleRate": 16000}, lambda: SOUND.astype("<i2").tobytes()),
        (EXOTEL, {"encoding": "audio/x-mulaw", "sample_rate": "8000"}, lambda: ulaw_encode(SOUND)),
        (EXOTEL, {"sample_rate": "24000"}, lambda: SOUND.astype("<i2").tobytes()),
    ],
)
def test_the_format_is_the_one_that_start_tells(carrier: Carrier, told: Any, decode: Any) -> None:
    wire = TelephoneWire()
    key = "mediaFormat" if carrier in (TWILIO, PLIVO) else "media_format"
    wire.decode(changed(carrier, **{key: told}))
    coded = decode()
    media = {"event": "media", "media": {"payload": b64encode(coded).decode()}}
    (frame,) = wire.decode(json.dumps(media))
    assert isinstance(frame, AudioFrame)
    assert frame.rate == wire.rate == int(told.get("sampleRate", told.get("sample_rate")))
    expected = alaw_decode(coded) if told.get("encoding") == "PCMA" else SOUND
    if told.get("encoding") == "audio/x-mulaw":
        expected = ulaw_decode(coded)
    assert np.array_equal(frame.samples[0], expected)
    sent = json.loads(wire.encode(frame))["media"]
    back = b64decode(sent["payload"])
    if told.get("encoding") == "PCMA":  # Telnyx takes mu-law by default, whatever comes from it
        assert back == ulaw_encode(frame.samples[0])
    else:
        assert back == coded
    if carrier is PLIVO:
        assert (sent["contentType"], sent["sampleRate"]) == ("audio/x-l16", 16000)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("loudness", [1.0, 0.0003])  # as speech, and as a quiet line: 3 of 32767
def test_telnyx_linear_sound_is_heard_and_said_in_the_order_that_it_comes_in(
    order: str, loudness: float
) -> None:
    wire = TelephoneWire()
    wire.decode(changed(TELNYX, media_format={"encoding": "L16", "sample_rate": 16000}))
    said = (SOUND * loudness).astype(np.int16)
    silence, steady = np.zeros_like(said), np.full_like(said, 257)  # the same in either order
    noise = np.random.default_rng(1).integers(-32768, 32767, 320).astype(np.int16)  # noise in either
    for sound in (silence, steady, noise):
        wire.decode(linear(sound, order))
        assert json.loads(wire.encode(FRAME))["media"]["payload"] == LINEAR  # so do most who have tried it
    for sound in (said, noise, said):
        (frame,) = wire.decode(linear(sound, order))
        assert isinstance(frame, AudioFrame) and np.array_equal(frame.samples[0], sound)
    back = b64decode(json.loads(wire.encode(FRAME))["media"]["payload"])
    assert back == SOUND.astype(f"{order}i2").tobytes()


def linear(samples: Any, order: str) -> str:
    """A message of linear sound."""
    coded = samples.astype(f"{order}i2").tobytes()
    return json.dumps({"event": "media", "media": {"payload": b64encode(coded).decode()}})


@pytest.mark.parametrize(
    ("come", "heard"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([7, 9, 8, 10], [7, 8, 9, 10]),
        ([1, 4, 3, 2, 5], [1, 2, 3, 4, 5]),
        ([1, 3, 4, 5, 6], [1, 3, 4, 5, 6]),  # one that does not come is waited for until two are behind it
        ([1, 3, 4], [1]),
        ([1, 3, 4, 5, 2, 6], [1, 3, 4, 5, 2, 6]),  # and is heard all the same when it comes after that
        ([2, 2, 2], [2, 2, 2]),
        ([1, 3, 3, 2, 4], [1, 3, 2, 3, 4]),
        ([500, 502, 1, 3, 2], [500, 502, 1, 2, 3]),
        ([1, "2", None, "x", 3.5, [4], -5], [1, 2, None, "x", 3.5, [4], -5]),
    ],
)
def test_telnyx_sound_is_heard_in_the_order_in_which_it_is_numbered(
    come: list[Any], heard: list[Any]
) -> None:
    wire, coded, found = opened(TELNYX), dict[int, Any](), list[Any]()
    for place, number in enumerate(come):
        sound = ulaw_encode(np.full(160, 100 * (place + 1), np.int16))
        coded[ulaw_decode(sound)[0]] = number if number != "2" else 2
        media = {"track": "inbound", "chunk": number, "payload": b64encode(sound).decode()}
        for event in wire.decode(json.dumps({"event": "media", "media": media})):
            assert isinstance(event, AudioFrame)
            found.append(coded[event.samples[0, 0]])
    assert found == heard


@pytest.mark.parametrize("encoding", ["raw", "RAW", "audio/x-raw;rate=8000", None])
def test_exotels_raw_sound_is_linear_however_it_is_called(encoding: str | None) -> None:
    wire = TelephoneWire()
    wire.decode(changed(EXOTEL, media_format={"encoding": encoding, "sample_rate": 8000, "bit_rate": "128"}))
    (frame,) = wire.decode(EXOTEL.sound(SOUND))
    assert isinstance(frame, AudioFrame) and np.array_equal(frame.samples[0], SOUND)


def test_exotels_stream_from_the_midst_of_a_call_is_in_mu_law() -> None:
    wire = TelephoneWire()
    wire.decode(changed(EXOTEL, media_format={"encoding": "audio/x-mulaw;rate=8000", "sample_rate": None}))
    (frame,) = wire.decode(TWILIO.sound(SOUND))
    assert isinstance(frame, AudioFrame) and np.array_equal(frame.samples[0], ulaw_decode(ulaw_encode(SOUND)))


@pytest.mark.parametrize(
    "told",
    [
        {"encoding": "G722", "sample_rate": 8000},
        {"encoding": "PCMU", "sample_rate": 0},
        {"encoding": "PCMU", "sample_rate": "many"},
        {"encoding": "PCMU", "sample_rate": 44100},
    ],
)
def test_a_format_that_cannot_be_taken_is_refused_with_its_name(told: Any) -> None:
    with pytest.raises(BadMessage, match="the call's sound"):
        TelephoneWire().decode(changed(TELNYX, media_format=told))


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
def test_vonages_rate_is_the_one_of_its_first_message(rate: int) -> None:
    wire = VonageWire()
    (event,) = wire.decode(
        json.dumps({"event": "websocket:connected", "content-type": f"audio/l16;rate={rate}"})
    )
    assert isinstance(event, Started) and len(event.id) == 32  # it tells no id of its own
    (frame,) = wire.decode(SOUND.tobytes())
    assert isinstance(frame, AudioFrame) and frame.rate == wire.rate == rate


def test_half_a_sample_is_no_sound() -> None:
    with pytest.raises(BadMessage, match="whole number of samples"):
        opened(VONAGE).decode(b"\x00\x01\x02")


@pytest.mark.parametrize("carrier", [TWILIO, TELNYX, PLIVO, EXOTEL], ids=lambda carrier: carrier.name)
def test_our_own_sound_is_not_heard_where_both_tracks_are_streamed(carrier: Carrier) -> None:
    said = {"event": "media", "media": {"track": "outbound", "payload": ULAW}}
    assert opened(carrier).decode(json.dumps(said)) == []


@pytest.mark.parametrize(
    ("headers", "parameters"),
    [
        ("userId=12345;sessionId=abc-xyz", {"userId": "12345", "sessionId": "abc-xyz"}),
        ("a=1,b=2", {"a": "1", "b": "2"}),
        ('{"X-PH-a": "1", "b": 2}', {"a": "1", "b": "2"}),
        ("{}", {}),
        ("nothing", {}),
        ("[1]", {}),
        ("[" * 5000, {}),
        (None, {}),
        (7, {}),
    ],
)
def test_plivos_headers_are_the_custom_parameters(headers: Any, parameters: dict[str, str]) -> None:
    (event,) = PlivoWire().decode(json.dumps({**PLIVO.opening[0], "extra_headers": headers}))
    assert isinstance(event, Started) and event.call is not None
    assert event.call.parameters == parameters


@pytest.mark.parametrize("strange", [7, [], "x", None])
def test_strange_parameters_are_none(strange: Any) -> None:
    (event,) = TelephoneWire().decode(changed(TWILIO, customParameters=strange))
    assert isinstance(event, Started) and event.call is not None and event.call.parameters == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.sampled_from(
    ["connected", "start", "media", "dtmf", "mark", "stop", "playedStream", "websocket:connected", "x"]
    + ["websocket:dtmf", "websocket:notify"]
)
FIELDS = st.sampled_from(
    ["start", "media", "dtmf", "mark", "streamSid", "stream_id", "streamId", "stream_sid", "payload", "name"]
    + ["digit", "content-type", "mediaFormat", "media_format", "extra_headers", "customParameters"]
)
MESSAGES = st.builds(
    lambda event, fields: {"event": event, **fields}, EVENTS, st.dictionaries(FIELDS, JSON, max_size=5)
)


@given(st.sampled_from([None, *CARRIERS]), st.lists(MESSAGES | JSON | st.binary(max_size=9), max_size=4))
def test_whatever_is_said_is_understood_or_refused(carrier: Carrier | None, said: list[Any]) -> None:
    wire = TelephoneWire() if carrier is None else opened(carrier)
    for message in said:
        try:
            wire.decode(message if isinstance(message, bytes) else json.dumps(message))
        except BadMessage:
            continue


def test_a_call_that_stops_before_its_start_is_over() -> None:
    assert TelephoneWire().decode('{"event": "connected"}') == []
    assert TelephoneWire().decode('{"event": "stop"}') == [Stopped()]
