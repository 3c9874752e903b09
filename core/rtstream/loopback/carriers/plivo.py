"""Plivo's end of an audio stream: plivo.com/docs/voice/audio-streaming/audio-streaming."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode, ulaw_encode

from .base import Breach, Dialled, JsonCarrier, Said, bytes_in, message_in

KEYS = set("0123456789*#ABCD")


class Plivo(JsonCarrier):
    """Mu-law at 8 kHz; numbers are numbers. A clear takes the checkpoints with it, and there is no stop."""

    events = ("playAudio", "checkpoint", "clearAudio")
    stream_key = "streamId"
    number = int
    returns_marks = False

    def opening(self) -> list[str]:
        start = {
            "callId": "00000000-0000-0000-0000-000000000000",
            "streamId": self.id,
            "accountId": "MA" + "0" * 18,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": self.rate},
        }
        return [self.numbered("start", start=start, extra_headers="{}")]

    def reached(self, name: str) -> str:
        return json.dumps({"event": "playedStream", "streamId": self.id, "name": name})

    def cleared(self) -> str | None:
        return self.numbered("clearedAudio")

    def coded(self, frame: AudioFrame) -> bytes:
        return ulaw_encode(frame.samples[0])

    def decoded(self, media: dict[str, Any]) -> AudioFrame:
        told = media.get("contentType"), media.get("sampleRate")
        if told != ("audio/x-mulaw", self.rate):
            raise Breach(f"sent playAudio as {told[0]!r} at {told[1]!r}; the call is audio/x-mulaw at 8000")
        coded = bytes_in(media.get("payload"), "playAudio")
        return AudioFrame(ulaw_decode(coded)[np.newaxis], self.rate)

    def mark_in(self, message: dict[str, Any]) -> str:
        name = message.get("name")
        if not isinstance(name, str) or not name:
            raise Breach("sent checkpoint without its name")
        return name

    def understand(self, said: str | bytes) -> Said:
        message = message_in(said)
        if message.get("event") != "sendDTMF":
            return super().understand(said)
        digits = message.get("dtmf")
        if not isinstance(digits, str) or not digits or not set(digits) <= KEYS:
            raise Breach(f"sent sendDTMF with {digits!r}, which are no keys")
        return Dialled(digits)
