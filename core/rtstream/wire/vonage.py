"""Vonage's WebSockets, binary sound beside JSON: developer.vonage.com/voice/voice-api/guides/websockets."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from ..context import Call
from ..errors import BadMessage
from ..media.frames import FRAME_SECONDS, AudioFrame
from .base import Event, Marked, Started, digits_in, parse_object, text_in
from .carrier import LEAD
from .codecs import LITTLE, RATES

FIRST = "websocket:connected"
_FORMAT = re.compile(r"audio/l16;\s*rate=(\d{1,6})")


class VonageWire:
    """Linear sound at 8, 16 or 24 kHz, a message for each 20 ms.

    The first message is text: it names the format, and holds the `headers` of the NCCO beside it, from which
    the call's `uuid`, `from` and `to` are taken. There is no last one: Vonage closes the socket.
    """

    phone = True
    lead = LEAD
    piece = FRAME_SECONDS

    def __init__(self) -> None:
        self.rate: int | None = RATES[0]
        self._id = ""

    @classmethod
    def knows(cls, message: dict[str, Any]) -> bool:
        """Whether a message is the first one of this dialect."""
        return message.get("event") == FIRST

    def decode(self, said: str | bytes) -> list[Event]:
        if isinstance(said, bytes):
            assert self.rate is not None
            return [AudioFrame(LITTLE.decode(said)[None, :], self.rate)]
        message = parse_object(said)
        match message.get("event"):
            case "websocket:connected":
                return [self._started(message)]
            case "websocket:dtmf":
                return digits_in(message)
            case "websocket:notify":
                name = text_in(message.get("payload"), "name")
                return [Marked(name)] if name is not None else []
            case str():  # websocket:cleared, and what Vonage may add
                return []
            case _:
                raise BadMessage("a message names no event", fix="Send Vonage's WebSocket messages")

    def hear_at(self, rate: int) -> None:
        """Nothing to tell: the NCCO has chosen the rate."""

    def encode(self, frame: AudioFrame) -> str | bytes:
        return LITTLE.encode(frame.samples[0])

    def mark(self, name: str) -> str | None:
        return json.dumps({"action": "notify", "payload": {"name": name}})

    def clear(self) -> str | None:
        return json.dumps({"action": "clear"})

    def press(self, digits: str) -> str | None:
        return None

    def _started(self, message: dict[str, Any]) -> Started:
        found = _FORMAT.fullmatch(str(message.get("content-type", "")))
        if found is None or int(found[1]) not in RATES:
            raise BadMessage(
                f"the call's sound is {message.get('content-type')!r:.60}",
                fix='Give the NCCO\'s endpoint "content-type": "audio/l16;rate=16000"',
            )
        if not self._id:
            self.rate = int(found[1])
            self._id = text_in(message, "uuid", "conversation_uuid") or secrets.token_hex(16)
        own = ("event", "content-type", "uuid", "from", "to")
        parameters = {name: value for name, value in message.items() if name not in own}
        uuid, caller, callee = (text_in(message, key) or "" for key in ("uuid", "from", "to"))
        return Started(self._id, Call("vonage", uuid, caller, callee, parameters))
