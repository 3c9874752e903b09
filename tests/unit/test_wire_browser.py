"""FastRTC's WebSocket dialect, without a socket."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstream.errors import BadMessage
from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode, ulaw_encode
from rtstream.wire.base import Reply, Started, Stopped, parse_object
from rtstream.wire.browser import BrowserWire

SOUND = np.arange(-800, 800, 10, dtype=np.int16)
PAYLOAD = base64.b64encode(ulaw_encode(SOUND)).decode()


def media(payload: Any) -> str:
    return json.dumps({"event": "media", "media": {"payload": payload}})


def test_sound_comes_in_at_the_rate_that_the_handler_hears() -> None:
    wire = BrowserWire()
    wire.hear_at(16000)
    (frame,) = wire.decode(media(PAYLOAD))
    assert isinstance(frame, AudioFrame)
    assert frame.rate == 16000 and frame.samples.shape == (1, SOUND.size)
    assert np.array_equal(frame.samples[0], ulaw_decode(ulaw_encode(SOUND)))


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ({"event": "start", "websocket_id": "x"}, Started("x")),
        ({"event": "start", "webrtc_id": "x"}, Started("x")),
        ({"event": "stop"}, Stopped()),
        ({"event": "ping"}, Reply('{"event": "pong"}')),
    ],
)
def test_the_other_messages_are_events(said: dict[str, Any], event: Any) -> None:
    assert BrowserWire().decode(json.dumps(said)) == [event]


def test_unknown_events_are_none() -> None:
    assert BrowserWire().decode('{"event": "whatever"}') == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        "[" * 100_000,
        "{}",
        '{"event": null}',
        '{"event": "start"}',
        '{"event": "start", "websocket_id": ""}',
        '{"event": "start", "websocket_id": ["x"]}',
        json.dumps({"event": "start", "websocket_id": "x" * 257}),
        '{"event": "media"}',
        '{"event": "media", "media": []}',
        media(None),
        media(7),
        media(["AAAA"]),
        media("AAA"),
        media("AA=A"),
        media("A A A A "),
        media("äöü"),
    ],
)
def test_what_is_not_of_the_dialect_is_refused_with_what_to_send(text: str) -> None:
    with pytest.raises(BadMessage) as caught:
        BrowserWire().decode(text)
    assert caught.value.fix and caught.value.close_code == 1003


def test_no_sound_is_an_empty_frame() -> None:
    (frame,) = BrowserWire().decode(media(""))
    assert isinstance(frame, AudioFrame) and frame.samples.shape == (1, 0)


def test_sound_goes_out_as_json_that_fastrtcs_clients_read() -> None:
    text = BrowserWire().encode(AudioFrame(SOUND[None], 24000))
    assert json.loads(text) == {"event": "media", "media": {"payload": PAYLOAD}}


def test_an_interruption_is_told_and_marks_are_not_known() -> None:
    assert json.loads(BrowserWire().clear() or "") == {"event": "clear"}
    assert BrowserWire().mark("x") is None


@given(st.binary(max_size=400))
def test_all_bytes_of_sound_survive_the_way(coded: bytes) -> None:
    wire = BrowserWire()
    (frame,) = wire.decode(media(base64.b64encode(coded).decode()))
    assert isinstance(frame, AudioFrame)
    sent = json.loads(wire.encode(frame))["media"]["payload"]
    assert np.array_equal(ulaw_decode(base64.b64decode(sent)), ulaw_decode(coded))


JSON = st.dictionaries(st.text(), st.none() | st.integers() | st.text())
SPACE = st.text(" \t\r\n\u00a0\ufeff", max_size=3)


@given(SPACE, JSON, SPACE | st.sampled_from("}x0,"))
def test_a_message_is_read_as_json_is(before: str, said: dict[str, Any], behind: str) -> None:
    text = before + json.dumps(said) + behind
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(BadMessage):
            parse_object(text)
    else:
        assert parse_object(text) == expected


@given(st.text(max_size=100))
def test_any_text_is_events_or_refused(text: str) -> None:
    try:
        assert isinstance(BrowserWire().decode(text), list)
    except BadMessage as error:
        assert error.what


def test_a_program_has_no_keys_to_press() -> None:
    assert BrowserWire().press("1") is None
