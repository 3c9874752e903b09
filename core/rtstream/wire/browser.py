"""FastRTC's WebSocket dialect: mu-law in JSON, at the handler's own rates."""

from __future__ import annotations

import json
from binascii import b2a_base64

from ..errors import BadMessage
from ..media.frames import FRAME_SECONDS, AudioFrame
from ..media.g711 import ulaw_decode, ulaw_encode
from .base import Event, Reply, Started, Stopped, parse_object, payload_of, text_in

LEAD = 0.2  # seconds: clients queue what they get, and TCP comes in bursts


class BrowserWire:
    """The dialect of `/websocket/offer`.

    From the client: `start` with `websocket_id`, `media`, `stop`, `ping`; sound at the handler's input
    rate. To the client: `media`, `pong`, sound at the handler's output rate.
    """

    phone = False
    rate: int | None = None
    lead = LEAD
    piece = FRAME_SECONDS

    def __init__(self) -> None:
        self._rate_in = 48000

    def decode(self, said: str | bytes) -> list[Event]:
        message = parse_object(said)
        match message.get("event"):
            case "media":
                return [AudioFrame(ulaw_decode(payload_of(message))[None, :], self._rate_in)]
            case "start":
                id = text_in(message, "websocket_id", "webrtc_id")
                if id is None:
                    raise BadMessage(
                        "`start` names no websocket_id", fix='Send {"event": "start", "websocket_id": "…"}'
                    )
                return [Started(id)]
            case "stop":
                return [Stopped()]
            case "ping":
                return [Reply(json.dumps({"event": "pong"}))]
            case str():
                return []
            case _:
                raise BadMessage("a message names no event", fix='Send {"event": "media", …}')

    def hear_at(self, rate: int) -> None:
        self._rate_in = rate

    def encode(self, frame: AudioFrame) -> str:
        payload = b2a_base64(ulaw_encode(frame.samples[0]), newline=False).decode()
        return f'{{"event": "media", "media": {{"payload": "{payload}"}}}}'

    def mark(self, name: str) -> str | None:
        return None

    def clear(self) -> str | None:
        return json.dumps({"event": "clear"})

    def press(self, digits: str) -> str | None:
        return None
