"""What aiortc's receiver of pictures keeps private, and its contract, as in `aiortc_inside.py`."""

from __future__ import annotations

import queue
from typing import Any

from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcrtpreceiver import NackGenerator

from .aiortc_inside import reads

# What it consists of, and by what it does with each.
_PICTURES = {
    "_RTCRtpReceiver__jitter_buffer": (JitterBuffer, "_handle_rtp_packet", "add"),
    "_RTCRtpReceiver__nack_generator": (NackGenerator, "_handle_rtp_packet", "missing"),
    "_RTCRtpReceiver__decoder_queue": (queue.Queue, "receive", "Thread"),
}


def take_pictures(receiver: RTCRtpReceiver, *stand_ins: Any) -> bool:
    """Put others in the place of a receiver's jitter buffer, of what tells what is missing, and of the queue
    to its decoder's thread, before it begins; False, and none is changed, where it does not consist of them.
    """
    known = all(
        type(getattr(receiver, name, None)) is kind
        and all(reads(getattr(RTCRtpReceiver, method, None), word) for word in (name, use))
        for name, (kind, method, use) in _PICTURES.items()
    )
    for name, stand_in in zip(_PICTURES, stand_ins, strict=True):
        if known:
            setattr(receiver, name, stand_in)
    return known
