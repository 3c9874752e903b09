"""Exotel's end of a voicebot stream: developer.exotel.com/docs/agentstream/websocket-protocol."""

from __future__ import annotations

import json
from typing import Any

from rtstream.media.frames import AudioFrame, joined

from .base import Breach, JsonCarrier, bytes_in, linear, linear_bytes

PIECE = 0.1  # seconds of sound in each of Exotel's messages, and at least in each of the server's
MULTIPLE = 320  # bytes
LARGEST = 100_000  # bytes


class Exotel(JsonCarrier):
    """Linear sound at 8 kHz in pieces of 100 ms; every number is text."""

    stream_key = "stream_sid"
    sequence_key = "sequence_number"

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self._gathered: list[AudioFrame] = []

    def opening(self) -> list[str]:
        start = {
            "stream_sid": self.id,
            "call_sid": "0" * 32,
            "account_sid": "rtstream",
            "from": "+915550100001",
            "to": "+915550100002",
            "custom_parameters": {},
            "media_format": {"encoding": "audio/x-raw", "sample_rate": str(self.rate), "bit_rate": "16"},
        }
        return [json.dumps({"event": "connected"}), self.numbered("start", start=start)]

    def sound(self, frame: AudioFrame) -> str | bytes | None:
        self._gathered.append(frame)
        whole = joined(self._gathered)
        if whole is None or whole.duration < PIECE - 1e-6:
            return None
        self._gathered = []
        return self.media(whole)

    def track(self) -> dict[str, str]:
        return {}

    def key(self, digit: str) -> str:
        return self.numbered("dtmf", dtmf={"digit": digit, "duration": "100"})

    def closing(self) -> str | None:
        return self.numbered(
            "stop", stop={"call_sid": "0" * 32, "account_sid": "rtstream", "reason": "callended"}
        )

    def coded(self, frame: AudioFrame) -> bytes:
        return linear_bytes(frame)

    def decoded(self, media: dict[str, Any]) -> AudioFrame:
        coded = bytes_in(media.get("payload"), "media")
        if len(coded) % MULTIPLE or not PIECE * 2 * self.rate <= len(coded) <= LARGEST:
            raise Breach(
                f"sent {len(coded)} bytes of sound; Exotel takes multiples of 320 from 100 ms to 100 kB"
            )
        return linear(coded, self.rate)
