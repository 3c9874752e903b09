"""Pictures handed on with their last packet, where aiortc waits for the first one of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiortc.jitterbuffer import JitterBuffer, JitterFrame

from .aiortc_inside import reads

if TYPE_CHECKING:
    from aiortc import RTCRtpReceiver

_BUFFER = "_RTCRtpReceiver__jitter_buffer"
_KEPT = ("_packets", "_origin", "_capacity")


class PromptBuffer(JitterBuffer):
    """aiortc's buffer of pictures, which believes the marker: it is on the last packet of a picture.

    RFC 7741 §4.1 (VP8) and RFC 6184 §5.1 (H.264) want it there. Where a far end sets none, the next picture
    tells that this one is whole, as before: at 30 pictures a second that is 33 ms later.
    """

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        frame: JitterFrame | None = super()._remove_frame(sequence_number)
        return frame if frame is not None else self._marked()

    def _marked(self) -> JitterFrame | None:
        buffer: Any = self
        parts: list[Any] = []
        for count in range(buffer._capacity):
            packet = buffer._packets[(buffer._origin + count) % buffer._capacity]
            if packet is None:
                return None
            parts.append(packet)
            if packet.marker:
                self.remove(count + 1)
                return JitterFrame(b"".join(part._data for part in parts), packet.timestamp)
        return None


def be_prompt(receiver: RTCRtpReceiver) -> bool:
    """Let a receiver of pictures that has not begun hand them on at once; False where aiortc is another."""
    before: Any = getattr(receiver, _BUFFER, None)
    known = (
        type(before) is JitterBuffer
        and all(hasattr(before, name) for name in _KEPT)
        and reads(JitterBuffer.add, "_remove_frame")
        and hasattr(JitterBuffer, "remove")
    )
    if known:
        setattr(receiver, _BUFFER, PromptBuffer(capacity=before.capacity, is_video=True))
    return known
