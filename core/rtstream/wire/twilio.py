"""Twilio Media Streams: mu-law at 8 kHz in JSON (twilio.com/docs/voice/media-streams/websocket-messages)."""

from __future__ import annotations

import json
from binascii import b2a_base64

from ..errors import BadMessage
from ..media.frames import AudioFrame
from ..media.g711 import ulaw_decode, ulaw_encode
from .base import Event, Marked, Started, Stopped, parse_object, payload_of, text_in

RATE = 8000
LEAD = 0.2  # seconds that the carrier may hold: it plays them out evenly, and `clear` empties it


class TwilioWire:
    """The dialect of `/telephone/handler`.

    From the carrier: `connected`, `start` with `streamSid`, `media`, `mark`, `dtmf`, `stop`. To the
    carrier: `media`, `mark` and `clear`, each with the `streamSid`, and nothing else.
    """

    phone = True
    rate: int | None = RATE
    lead = LEAD

    def __init__(self) -> None:
        self._stream = self._media = ""

    def decode(self, text: str) -> list[Event]:
        said = parse_object(text)
        match said.get("event"):
            case "media":
                return [AudioFrame(ulaw_decode(payload_of(said))[None, :], RATE)]
            case "start":
                id = text_in(said, "streamSid") or text_in(said.get("start"), "streamSid")
                if id is None:
                    raise BadMessage("`start` names no streamSid", fix="Send Twilio's start message")
                if not self._stream:
                    self._stream = id
                    self._media = (
                        f'{{"event": "media", "streamSid": {json.dumps(id)}, "media": {{"payload": "'
                    )
                return [Started(self._stream)]
            case "stop":
                return [Stopped()]
            case "mark":
                name = text_in(said.get("mark"), "name")
                return [Marked(name)] if name is not None else []
            case str():  # connected, dtmf, and what the carrier may add
                return []
            case _:
                raise BadMessage("a message names no event", fix="Send Twilio Media Streams messages")

    def hear_at(self, rate: int) -> None:
        """Nothing to tell: a telephone has its own rate."""

    def encode(self, frame: AudioFrame) -> str:
        payload = b2a_base64(ulaw_encode(frame.samples[0]), newline=False).decode()
        return f'{self._media}{payload}"}}}}'  # as json.dumps would, at a quarter of its price

    def mark(self, name: str) -> str | None:
        return json.dumps({"event": "mark", "streamSid": self._stream, "mark": {"name": name}})

    def clear(self) -> str | None:
        return json.dumps({"event": "clear", "streamSid": self._stream})
