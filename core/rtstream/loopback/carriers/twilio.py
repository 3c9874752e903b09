"""Twilio's end of a media stream: twilio.com/docs/voice/media-streams/websocket-messages."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode, ulaw_encode

from .base import JsonCarrier, bytes_in

ACCOUNT = "AC" + "0" * 32
CALL = "CA" + "0" * 32


class Twilio(JsonCarrier):
    """Mu-law at 8 kHz; every number is text."""

    def opening(self) -> list[str]:
        start = {
            "accountSid": ACCOUNT,
            "streamSid": self.id,
            "callSid": CALL,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": self.rate, "channels": 1},
            "customParameters": {},
        }
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return [json.dumps(connected), self.numbered("start", start=start)]

    def closing(self) -> str | None:
        return self.numbered("stop", stop={"accountSid": ACCOUNT, "callSid": CALL})

    def key(self, digit: str) -> str:
        return self.numbered("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def coded(self, frame: AudioFrame) -> bytes:
        return ulaw_encode(frame.samples[0])

    def decoded(self, media: dict[str, Any]) -> AudioFrame:
        return AudioFrame(ulaw_decode(bytes_in(media.get("payload"), "media"))[np.newaxis], self.rate)
