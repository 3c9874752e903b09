"""Telnyx media streaming (developers.telnyx.com/docs/voice/programmable-voice/media-streaming)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Event
from .carrier import CarrierWire, Dialect
from .codecs import ALAW, LITTLE, ULAW, Codec, order_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_HELD = 2  # messages that wait for one before them: 40 ms
MOST_BACK = 100  # numbers; from further back they have begun anew


class TelnyxWire(CarrierWire):
    """The payloads of RTP packets, in the codec of the call, put in order by their numbers.

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

    def __init__(self) -> None:
        super().__init__()
        self._due = 0  # the number of the message that is to be heard next
        self._held: dict[int, list[Event]] = {}

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

    def _sound(self, message: dict[str, Any]) -> list[Event]:
        """Its order is not guaranteed ("Stream call media over WebSocket"); what comes late is heard late."""
        sound = super()._sound(message)
        number = _number(message["media"].get("chunk")) if sound else None
        if number is None:
            return sound
        ready: list[Event] = []
        if not self._due or number < self._due - MOST_BACK:
            ready += [event for held in self._held.values() for event in held]
            self._due, self._held = number, {}
        if number < self._due or number in self._held:
            return sound
        self._held[number] = sound
        if len(self._held) > MOST_HELD:
            self._due = min(self._held)
        while self._due in self._held:
            ready += self._held.pop(self._due)
            self._due += 1
        return ready


def _number(told: Any) -> int | None:
    """A message's number, which is text; None for what is none."""
    return int(told) if str(told).isdecimal() and len(str(told)) < 16 else None
