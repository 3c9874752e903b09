"""Vonage's end of a WebSocket: developer.vonage.com/voice/voice-api/guides/websockets."""

from __future__ import annotations

import json

from rtstream.media.frames import AudioFrame

from .base import Breach, Carrier, Clear, Mark, Said, linear, linear_bytes, message_in


class Vonage(Carrier):
    """Binary linear sound at 16 kHz, 20 ms a message, beside JSON; it closes the socket without a word."""

    rate = 16000
    returns_marks = False
    holds = 1024 * 0.02  # its queue has 1,024 messages

    def opening(self) -> list[str]:
        told = {"uuid": self.id, "from": "15550100001", "to": "15550100002"}
        return [json.dumps({"event": "websocket:connected", "content-type": "audio/l16;rate=16000", **told})]

    def sound(self, frame: AudioFrame) -> str | bytes | None:
        return linear_bytes(frame)

    def key(self, digit: str) -> str:
        return json.dumps({"event": "websocket:dtmf", "digit": digit, "duration": 100})

    def reached(self, name: str) -> str:
        return json.dumps({"event": "websocket:notify", "payload": {"name": name}})

    def cleared(self) -> str | None:
        return json.dumps({"event": "websocket:cleared"})

    def understand(self, said: str | bytes) -> Said:
        if isinstance(said, bytes):
            if len(said) != 2 * self.rate // 50:
                raise Breach(f"sent {len(said)} bytes of sound; Vonage takes 20 ms, which are 640")
            return linear(said, self.rate)
        match message_in(said):
            case {"action": "clear"}:
                return Clear()
            case {"action": "notify", "payload": {"name": str(name)}}:
                return Mark(name)
            case {"action": "notify"}:
                raise Breach("sent notify without a name in its payload")
            case message:
                raise Breach(f"sent {json.dumps(message)[:60]}; a server may send sound, clear and notify")
