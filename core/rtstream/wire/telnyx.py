"""Telnyx media streaming (developers.telnyx.com/docs/voice/programmable-voice/media-streaming)."""

from __future__ import annotations

from .carrier import CarrierWire, Dialect
from .codecs import ALAW, BIG, ULAW


class TelnyxWire(CarrierWire):
    """The payloads of RTP packets, in the codec of the call.

    Sound to the caller is mu-law, the default of `bidirectionalCodec`, also where that from the caller is
    A-law; who streams L16 has chosen it for both ways. Messages to Telnyx carry no id.
    """

    dialect = Dialect(
        "telnyx",
        stream="stream_id",
        call="call_control_id",
        codecs={"PCMU": (ULAW, ULAW), "PCMA": (ALAW, ULAW), "L16": (BIG, BIG)},
        names_stream=False,
    )
