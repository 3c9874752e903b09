"""Pictures are whole with the packet that is marked as their last, however the packets come."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from aiortc import RTCPeerConnection
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from rtstream.transports.prompt_pictures import PromptBuffer, be_prompt


def pictures(
    count: int, parts: int = 3, *, marked: bool = True, first: int = 65_530
) -> list[list[RtpPacket]]:
    made = []
    for number in range(count):
        packets = []
        for part in range(parts):
            packet = RtpPacket(
                payload_type=97,
                sequence_number=(first + number * parts + part) & 0xFFFF,
                timestamp=3000 * number,
                marker=int(marked and part == parts - 1),
            )
            packet._data = f"{number}.{part} ".encode()  # type: ignore[attr-defined]
            packets.append(packet)
        made.append(packets)
    return made


def whole(buffer: JitterBuffer, packets: list[RtpPacket]) -> list[str]:
    """What comes out while these packets come in."""
    frames = [buffer.add(packet)[1] for packet in packets]
    return [frame.data.decode().strip() for frame in frames if frame is not None]


def test_a_picture_is_whole_with_its_marked_packet() -> None:
    buffer = PromptBuffer(capacity=64, is_video=True)
    for number, packets in enumerate(pictures(20)):
        assert whole(buffer, packets[:-1]) == []
        assert whole(buffer, packets[-1:]) == [f"{number}.0 {number}.1 {number}.2"]


def test_without_marks_a_picture_is_whole_when_the_next_begins() -> None:
    buffer = PromptBuffer(capacity=64, is_video=True)
    first, second = pictures(2, marked=False)
    assert whole(buffer, first) == []
    assert whole(buffer, second[:1]) == ["0.0 0.1 0.2"]


def test_pictures_come_in_their_order_and_once_though_packets_are_mixed_up_and_doubled() -> None:
    chance = random.Random(3)
    packets = [packet for picture in pictures(60) for packet in picture]
    buffer = PromptBuffer(capacity=512, is_video=True)
    heard = whole(buffer, packets[:1])
    for at in range(1, len(packets), 4):
        few = packets[at : at + 4] * 2
        chance.shuffle(few)
        heard += whole(buffer, few)
    assert heard == [f"{n}.0 {n}.1 {n}.2" for n in range(len(heard))]
    assert len(heard) >= 58


def test_a_picture_that_lacks_a_packet_is_not_handed_on_and_those_behind_it_wait_for_it() -> None:
    buffer = PromptBuffer(capacity=64, is_video=True)
    first, second, third = pictures(3)
    assert whole(buffer, first) != []
    assert whole(buffer, [second[0], second[2], *third]) == []
    assert whole(buffer, [second[1]])[0] == "1.0 1.1 1.2"


def test_a_receiver_is_made_prompt_unless_aiortc_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        connection = RTCPeerConnection()
        receiver: Any = connection.addTransceiver("video").receiver
        assert be_prompt(receiver)
        assert type(receiver._RTCRtpReceiver__jitter_buffer) is PromptBuffer
        assert not be_prompt(receiver), "it is one already"
        other: Any = connection.addTransceiver("video").receiver
        del other._RTCRtpReceiver__jitter_buffer
        assert not be_prompt(other)
        third = connection.addTransceiver("video").receiver
        monkeypatch.setattr(JitterBuffer, "add", lambda self, packet: (False, None))
        assert not be_prompt(third)
        await connection.close()

    asyncio.run(main())
