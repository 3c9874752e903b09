"""Telnyx' end of a media stream: developers.telnyx.com, "Stream call media over WebSocket"."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode, ulaw_encode

from .base import Breach, JsonCarrier, bytes_in

CONTROL = "v3:" + "0" * 32
SHORTEST, LONGEST = 0.02, 30.0  # seconds of sound that a message to Telnyx may hold


class Telnyx(JsonCarrier):
    """Mu-law at 8 kHz in the payloads of RTP packets; what it is sent carries no id."""

    stream_key = "stream_id"
    sequence_key = "sequence_number"
    named = False

    def opening(self) -> list[str]:
        start = {
            "user_id": "0" * 8,
            "call_control_id": CONTROL,
            "call_session_id": "0" * 8,
            "from": "+15550100001",
            "to": "+15550100002",
            "tags": [],
            "client_state": "",
            "custom_parameters": {},
            "media_format": {"encoding": "PCMU", "sample_rate": self.rate, "channels": 1},
        }
        return [json.dumps({"event": "connected", "version": "1.0.0"}), self.numbered("start", start=start)]

    def closing(self) -> str | None:
        return self.numbered("stop", stop={"user_id": "0" * 8, "call_control_id": CONTROL})

    def coded(self, frame: AudioFrame) -> bytes:
        return ulaw_encode(frame.samples[0])

    def decoded(self, media: dict[str, Any]) -> AudioFrame:
        coded = bytes_in(media.get("payload"), "media")
        frame = AudioFrame(ulaw_decode(coded)[np.newaxis], self.rate)
        if not SHORTEST <= frame.duration <= LONGEST:
            raise Breach(f"sent {frame.duration:g} s of sound in a message; Telnyx takes 20 ms to 30 s")
        return frame
