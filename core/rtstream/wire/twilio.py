"""Twilio Media Streams, and SignalWire's: twilio.com/docs/voice/media-streams/websocket-messages."""

from __future__ import annotations

from .carrier import CarrierWire, Dialect
from .codecs import LITTLE, ULAW


class TwilioWire(CarrierWire):
    """Mu-law at 8 kHz; SignalWire may send linear sound, also at 16 and 24 kHz."""

    dialect = Dialect(
        "twilio",
        stream="streamSid",
        call="callSid",
        codecs={
            "audio/x-mulaw": (ULAW, ULAW),
            "audio/x-l16": (LITTLE, LITTLE),
            "audio/l16": (LITTLE, LITTLE),
        },
        format="mediaFormat",
        rate="sampleRate",
        parameters="customParameters",
    )
