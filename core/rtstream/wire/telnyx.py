"""Telnyx media streaming (developers.telnyx.com/docs/voice/programmable-voice/media-streaming)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .carrier import CarrierWire, Dialect
from .codecs import ALAW, LITTLE, ULAW, Codec, order_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TelnyxWire(CarrierWire):
    """The payloads of RTP packets, in the codec of the call.

    Sound to the caller is mu-law, the default of `bidirectionalCodec`, also where that from the caller is
    A-law; who streams L16 has chosen it for both ways. Messages to Telnyx carry no id.

    In which order the two bytes of L16 come is not documented. In RTP the high one is first (RFC 3551
    §4.5.11), yet those who tell of real calls found the low one first; so the call's own sound decides.
    """

    dialect = Dialect(
        "telnyx",
        stream="stream_id",
        call="call_control_id",
        codecs={"PCMU": (ULAW, ULAW), "PCMA": (ALAW, ULAW), "L16": (LITTLE, LITTLE)},
        names_stream=False,
    )

    def _take_format(self, start: Any) -> None:
        super()._take_format(start)
        if self._decode is LITTLE:
            self._decode = Codec(self._linear, LITTLE.encode)

    def _linear(self, coded: bytes) -> NDArray[np.int16]:
        """Linear sound, until its order is known."""
        sound = LITTLE.decode(coded)
        if (found := order_of(coded)) is None:
            return sound
        self._decode = self._encode = found
        return found.decode(coded)
