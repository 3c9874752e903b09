"""Reaches into aiortc's receiver of pictures; what it needs stands in `contract.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .contract import PICTURES, known

if TYPE_CHECKING:
    from aiortc import RTCRtpReceiver


def take_pictures(receiver: RTCRtpReceiver, jitter_buffer: Any, nack_generator: Any, to_decoder: Any) -> bool:
    """Put others in the place of a receiver's jitter buffer, of what tells what is missing, and of the queue
    to its decoder's thread, before it begins; False, and none is changed, where aiortc is not known.
    """
    if not known(PICTURES):
        return False
    inside: Any = receiver
    inside._RTCRtpReceiver__jitter_buffer = jitter_buffer
    inside._RTCRtpReceiver__nack_generator = nack_generator
    inside._RTCRtpReceiver__decoder_queue = to_decoder
    return True
