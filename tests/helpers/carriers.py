"""What each carrier sends at the beginning of a call, written down from its documentation."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtstream.media.g711 import ulaw_encode


class Carrier(NamedTuple):
    """A carrier's side of a socket: its opening messages, and how it says sound, keys, marks and the end."""

    name: str
    opening: tuple[dict[str, Any], ...]
    id: str
    call_id: str
    caller: str
    callee: str
    key: dict[str, Any]
    mark: dict[str, Any]
    stop: dict[str, Any] | None

    @property
    def texts(self) -> list[str]:
        return [json.dumps(message) for message in self.opening]

    def sound(self, samples: NDArray[np.int16]) -> str | bytes:
        """20 ms of the caller's voice, as this carrier sends it."""
        if self.name == "vonage":
            return samples.astype("<i2").tobytes()
        coded = samples.astype("<i2").tobytes() if self.name == "exotel" else ulaw_encode(samples)
        media = {"chunk": "2", "timestamp": "20", "payload": b64encode(coded).decode()}
        return json.dumps({"event": "media", "media": {"track": "inbound", **media}})


PARAMETERS = {"language": "de"}

TWILIO = Carrier(
    "twilio",
    (
        {"event": "connected", "protocol": "Call", "version": "1.0.0"},
        {
            "event": "start",
            "sequenceNumber": "1",
            "start": {
                "accountSid": "AC1",
                "streamSid": "MZ1",
                "callSid": "CA1",
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": PARAMETERS,
            },
            "streamSid": "MZ1",
        },
    ),
    "MZ1",
    "CA1",
    "",
    "",
    {
        "event": "dtmf",
        "streamSid": "MZ1",
        "sequenceNumber": "5",
        "dtmf": {"track": "inbound_track", "digit": "1"},
    },
    {"event": "mark", "sequenceNumber": "4", "streamSid": "MZ1", "mark": {"name": "7"}},
    {
        "event": "stop",
        "sequenceNumber": "5",
        "stop": {"accountSid": "AC1", "callSid": "CA1"},
        "streamSid": "MZ1",
    },
)

TELNYX = Carrier(
    "telnyx",
    (
        {"event": "connected", "version": "1.0.0"},
        {
            "event": "start",
            "sequence_number": "1",
            "stream_id": "32DE0DEA",
            "start": {
                "user_id": "3E6F995F",
                "call_control_id": "v2:T02llQ",
                "call_session_id": "ff55a038",
                "from": "+13122010094",
                "to": "+13122123456",
                "tags": [],
                "client_state": "aGF2ZSBhIG5pY2UgZGF5ID1d",
                "custom_parameters": PARAMETERS,
                "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
            },
        },
    ),
    "32DE0DEA",
    "v2:T02llQ",
    "+13122010094",
    "+13122123456",
    {"event": "dtmf", "sequence_number": "3", "stream_id": "32DE0DEA", "dtmf": {"digit": "1"}},
    {"event": "mark", "sequence_number": "4", "stream_id": "32DE0DEA", "mark": {"name": "7"}},
    {
        "event": "stop",
        "sequence_number": "5",
        "stop": {"call_control_id": "v2:T02llQ"},
        "stream_id": "32DE0DEA",
    },
)

PLIVO = Carrier(
    "plivo",
    (
        {
            "event": "start",
            "sequenceNumber": 1,
            "start": {
                "callId": "12345678-1234",
                "streamId": "87654321-4321",
                "accountId": "MAXXXX",
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
            },
            "extra_headers": "language=de",
        },
    ),
    "87654321-4321",
    "12345678-1234",
    "",
    "",
    {
        "event": "dtmf",
        "sequenceNumber": 3,
        "streamId": "87654321-4321",
        "dtmf": {"track": "inbound", "digit": "1"},
    },
    {"event": "playedStream", "streamId": "87654321-4321", "name": "7"},
    {"event": "stop", "sequenceNumber": 9, "streamId": "87654321-4321"},
)

VONAGE = Carrier(
    "vonage",
    (
        {
            "event": "websocket:connected",
            "content-type": "audio/l16;rate=8000",
            "uuid": "aaaaaaaa-bbbb",
            "from": "447700900000",
            "to": "442079460000",
            **PARAMETERS,
        },
    ),
    "aaaaaaaa-bbbb",
    "aaaaaaaa-bbbb",
    "447700900000",
    "442079460000",
    {"event": "websocket:dtmf", "digit": "1", "duration": 260},
    {"event": "websocket:notify", "payload": {"name": "7"}},
    None,
)

EXOTEL = Carrier(
    "exotel",
    (
        {"event": "connected"},
        {
            "event": "start",
            "sequence_number": "1",
            "stream_sid": "MZ2",
            "start": {
                "stream_sid": "MZ2",
                "call_sid": "CA2",
                "account_sid": "AC2",
                "from": "+919876543210",
                "to": "+918047491899",
                "custom_parameters": PARAMETERS,
                "media_format": {"encoding": "audio/x-raw", "sample_rate": "8000", "bit_rate": "16"},
            },
        },
    ),
    "MZ2",
    "CA2",
    "+919876543210",
    "+918047491899",
    {"event": "dtmf", "sequence_number": "7", "stream_sid": "MZ2", "dtmf": {"digit": "1", "duration": "100"}},
    {"event": "mark", "sequence_number": "15", "stream_sid": "MZ2", "mark": {"name": "7"}},
    {
        "event": "stop",
        "sequence_number": "20",
        "stream_sid": "MZ2",
        "stop": {"call_sid": "CA2", "reason": "callended"},
    },
)

CARRIERS = (TWILIO, TELNYX, PLIVO, VONAGE, EXOTEL)
