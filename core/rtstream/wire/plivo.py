"""Plivo audio streaming (plivo.com/docs/voice/audio-streaming/audio-streaming)."""

from __future__ import annotations

import json
from typing import Any

from ..context import Call
from .base import text_in
from .carrier import CarrierWire, Dialect
from .codecs import LITTLE, ULAW


class PlivoWire(CarrierWire):
    """Mu-law at 8 kHz or linear sound at 8 or 16; `playAudio`, `checkpoint`, `clearAudio`, `sendDTMF`.

    Plivo tells no numbers here, and custom parameters as one text in `extra_headers`.
    """

    dialect = Dialect(
        "plivo",
        stream="streamId",
        call="callId",
        codecs={"audio/x-mulaw": (ULAW, ULAW), "audio/x-l16": (LITTLE, LITTLE)},
        format="mediaFormat",
        rate="sampleRate",
        media="playAudio",
        mark="checkpoint",
        clear="clearAudio",
        played="playedStream",
        bare_mark=True,
    )

    def press(self, digits: str) -> str | None:
        return json.dumps({"event": "sendDTMF", "dtmf": digits})

    def _format(self) -> str:
        kind = "audio/x-mulaw" if self._encode is ULAW else "audio/x-l16"
        return f'"contentType": "{kind}", "sampleRate": {self.rate}, '

    def _call(self, message: dict[str, Any], start: dict[str, Any]) -> Call:
        return Call("plivo", text_in(start, "callId") or "", parameters=_pairs(message.get("extra_headers")))


def _pairs(headers: Any) -> dict[str, str]:
    """`{"X-PH-name": "value"}` as JSON, or `name=value;name=value` as in Plivo's examples."""
    text = headers if isinstance(headers, str) else ""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = dict(pair.split("=", 1) for pair in text.replace(",", ";").split(";") if "=" in pair)
    pairs = found if isinstance(found, dict) else {}
    return {str(name).strip().removeprefix("X-PH-"): str(value) for name, value in pairs.items()}
