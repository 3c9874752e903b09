"""Reaches into aiortc's receivers; what it needs stands in `contract.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiortc.rtp import RtcpByePacket

from .contract import GOODBYES, PICTURES
from .private_names import known

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


def outlast_goodbye(receiver: RTCRtpReceiver) -> None:
    """Let a receiver hear on after a goodbye.

    A browser says it when it stops sending for a while, without a microphone or a camera, and goes on under
    the same source. aiortc's receiver would have ended its track for good.
    """
    if not known(GOODBYES):
        return
    inside: Any = receiver
    handle = inside._handle_rtcp_packet

    async def handle_rtcp_packet(packet: Any) -> None:
        if not isinstance(packet, RtcpByePacket):
            await handle(packet)

    inside._handle_rtcp_packet = handle_rtcp_packet
