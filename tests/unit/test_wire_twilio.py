"""Twilio Media Streams, without a socket."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from rtstream.errors import BadMessage
from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode, ulaw_encode
from rtstream.wire.base import Started, Stopped
from rtstream.wire.twilio import TwilioWire

SOUND = np.full(160, 1000, np.int16)
PAYLOAD = base64.b64encode(ulaw_encode(SOUND)).decode()
START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": "MZ1",
    "start": {
        "streamSid": "MZ1",
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"sampleRate": 8000},
    },
}


def started(sid: str = "MZ1") -> TwilioWire:
    wire = TwilioWire()
    wire.decode(json.dumps({"event": "start", "streamSid": sid}))
    return wire


def test_a_call_starts_with_its_stream_sid() -> None:
    wire = TwilioWire()
    assert wire.decode('{"event": "connected", "protocol": "Call", "version": "1.0.0"}') == []
    assert wire.decode(json.dumps(START)) == [Started("MZ1")]
    assert TwilioWire().decode(json.dumps({**START, "streamSid": None})) == [Started("MZ1")]


def test_the_first_stream_sid_counts() -> None:
    wire = started()
    assert wire.decode('{"event": "start", "streamSid": "other"}') == [Started("MZ1")]
    assert json.loads(wire.clear() or "")["streamSid"] == "MZ1"


def test_sound_comes_in_at_8_khz_whatever_the_handler_hears() -> None:
    wire = started()
    wire.hear_at(48000)
    said = {
        "event": "media",
        "media": {"track": "inbound", "chunk": "1", "payload": PAYLOAD},
        "streamSid": "MZ1",
    }
    (frame,) = wire.decode(json.dumps(said))
    assert isinstance(frame, AudioFrame) and frame.rate == wire.rate == 8000
    assert np.array_equal(frame.samples[0], ulaw_decode(ulaw_encode(SOUND)))


@pytest.mark.parametrize("sid", ["MZ1", 'quotes " and \\ and {}', "ü\n"])
def test_sound_and_clear_go_out_with_the_stream_sid_and_nothing_else(sid: str) -> None:
    wire = started(sid)
    frame = AudioFrame(SOUND[None], 8000)
    assert json.loads(wire.encode(frame)) == {
        "event": "media",
        "streamSid": sid,
        "media": {"payload": PAYLOAD},
    }
    assert json.loads(wire.clear() or "") == {"event": "clear", "streamSid": sid}
    mark = {"event": "mark", "streamSid": sid, "mark": {"name": "x"}}
    assert json.loads(wire.mark("x") or "") == mark


@pytest.mark.parametrize("event", ["connected", "mark", "dtmf", "something new"])
def test_other_events_are_none(event: str) -> None:
    assert started().decode(json.dumps({"event": event})) == []


def test_a_stop_is_an_end() -> None:
    assert started().decode('{"event": "stop", "streamSid": "MZ1"}') == [Stopped()]


@pytest.mark.parametrize(
    "said",
    [
        "nothing",
        "[]",
        "{}",
        {"event": 7},
        {"event": "start"},
        {"event": "start", "start": "MZ1"},
        {"event": "start", "streamSid": 7, "start": {"streamSid": ""}},
        {"event": "media", "media": {"payload": "!"}},
    ],
)
def test_what_is_not_of_the_dialect_is_refused(said: Any) -> None:
    with pytest.raises(BadMessage):
        TwilioWire().decode(said if isinstance(said, str) else json.dumps(said))
