"""Exotel AgentStream, the Voicebot applet (developer.exotel.com/docs/agentstream/websocket-protocol)."""

from __future__ import annotations

from .carrier import CarrierWire, Dialect
from .codecs import LITTLE, ULAW


class ExotelWire(CarrierWire):
    """Linear sound at 8, 16 or 24 kHz, in pieces of 100 ms: Exotel wants no smaller ones.

    Its documentation gives the least also as 3,200 bytes, which are 100 ms at 16 kHz only; its own messages
    are 100 ms at every rate. At each rate that is a multiple of 320 bytes, as it must be.
    """

    dialect = Dialect(
        "exotel",
        stream="stream_sid",
        call="call_sid",
        codecs={
            "audio/x-raw": (LITTLE, LITTLE),
            "raw": (LITTLE, LITTLE),
            "raw/slin": (LITTLE, LITTLE),
            "base64": (LITTLE, LITTLE),  # so in the older protocol
            "audio/l16": (LITTLE, LITTLE),
            "audio/x-l16": (LITTLE, LITTLE),
            "audio/x-mulaw": (ULAW, ULAW),
        },
        piece=0.1,
    )
