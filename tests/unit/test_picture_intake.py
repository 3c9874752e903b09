"""What stands in aiortc's receiver of pictures behaves as what it stands for, and lets nothing pile up."""

from __future__ import annotations

import asyncio
from typing import Any

import av
import pytest
from aiortc import RTCPeerConnection
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket

from rtstream.clock import Clock
from rtstream.media.frames import VideoFrame
from rtstream.transports.contract import PICTURES
from rtstream.transports.newest import Newest
from rtstream.transports.picture_intake import MOST_WAITING, Buffer, Missing, ToDecoder, see, take_in
from rtstream.transports.picture_track import agreed_codec
from rtstream.transports.private_names import private
from rtstream.video.assembly import Assembly
from tests.helpers.renaming import rename

KEY = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01"


def packet(sequence: int, *, key: bool = False) -> RtpPacket:
    """A picture of one packet."""
    made = RtpPacket(payload_type=97, sequence_number=sequence, timestamp=3000 * sequence, marker=1)
    made._data = KEY if key else b"\x11 delta"  # type: ignore[attr-defined]
    return made


class Receiver:
    """What aiortc's receiver does with each of its parts."""

    def __init__(self) -> None:
        parts = Assembly(), Clock()
        self.buffer, self.missing, self.queue = Buffer(*parts), Missing(*parts), ToDecoder(*parts)
        self.asked: list[list[int]] = []
        self.keys = 0

    def take(self, packet: RtpPacket) -> None:
        if self.missing.add(packet):
            self.asked.append(sorted(self.missing.missing))
        key, frame = self.buffer.add(packet)
        self.keys += key
        if frame is not None:
            frame.timestamp += 500  # as its mapper of timestamps may
            self.queue.put(("codec", frame))

    def queued(self) -> list[int]:
        """The timestamps of what the decoder would be given, which is then ended."""
        self.queue._waiting.put(None)
        taken = iter(self.queue.get, None)
        return [frame.timestamp for _, frame in taken]


def test_all_that_became_whole_with_one_packet_is_decoded_each_at_its_time() -> None:
    async def main() -> None:
        receiver = Receiver()
        for sequence in (0, 2, 3):
            receiver.take(packet(sequence, key=sequence == 0))
        assert receiver.asked == [[1]] and receiver.keys == 0
        receiver.take(packet(1))
        assert receiver.queued() == [500, 3500, 6500, 9500]

    asyncio.run(main())


def test_another_source_is_followed_from_its_key_frame_however_near_its_numbers_are() -> None:
    async def main() -> None:
        receiver = Receiver()
        for sequence in range(300, 305):
            receiver.take(packet(sequence, key=sequence == 300))
        for sequence in range(100, 105):
            other = packet(sequence, key=sequence == 102)
            other.ssrc = 7
            receiver.take(other)
        assert receiver.asked == [] and receiver.keys == 1
        assert receiver.queued() == [3000 * n + 500 for n in (*range(300, 305), *range(102, 105))]

    asyncio.run(main())


def test_a_decoder_that_cannot_keep_up_is_given_the_next_key_frame_and_not_what_is_late() -> None:
    async def main() -> None:
        receiver = Receiver()
        for sequence in range(MOST_WAITING + 5):
            receiver.take(packet(sequence, key=sequence == 0))
        assert receiver.keys == 1
        receiver.take(packet(MOST_WAITING + 5, key=True))
        *late, newest = receiver.queued()
        assert newest == 500 + 3000 * (MOST_WAITING + 5)
        assert len(late) <= 1

    asyncio.run(main())


def test_a_decoder_that_is_to_end_has_nothing_more_to_decode() -> None:
    """aiortc waits for its end in the loop."""

    async def main() -> None:
        receiver = Receiver()
        for sequence in range(5):
            receiver.take(packet(sequence, key=sequence == 0))
        receiver.queue.put(None)
        assert receiver.queue.get() is None

    asyncio.run(main())


def test_they_are_put_into_a_receiver() -> None:
    async def main() -> None:
        connection = RTCPeerConnection()
        receiver: Any = connection.addTransceiver("video").receiver
        assert take_in(receiver) is not None
        assert type(receiver._RTCRtpReceiver__jitter_buffer) is Buffer
        assert type(receiver._RTCRtpReceiver__nack_generator) is Missing
        assert type(receiver._RTCRtpReceiver__decoder_queue) is ToDecoder
        await connection.close()

    asyncio.run(main())


@pytest.mark.usefixtures("contract_anew")
@pytest.mark.parametrize("name", PICTURES.names)
def test_a_receiver_that_does_not_consist_of_such_parts_is_left_as_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        rename(private(name), ("aiortc",), monkeypatch)
        connection = RTCPeerConnection()
        receiver: Any = connection.addTransceiver("video").receiver
        before = dict(vars(receiver))
        assert take_in(receiver) is None
        assert vars(receiver) == before
        await connection.close()

    asyncio.run(main())


class Burst:
    """A track on which pictures come faster than they can be converted."""

    def __init__(self, count: int) -> None:
        self.left = [av.VideoFrame(16 * (number + 1), 16, "yuv420p") for number in range(count)]

    async def recv(self) -> av.VideoFrame:
        if not self.left:
            raise MediaStreamError
        return self.left.pop(0)


def test_of_pictures_that_come_faster_than_they_are_converted_the_newest_is_seen() -> None:
    async def main() -> None:
        seen: list[Any] = []
        track: Any = Burst(20)
        await see(track, seen.append)
        assert all(isinstance(frame, VideoFrame) for frame in seen)
        assert len(seen) < 20
        assert seen[-1].pixels.shape == (16, 16 * 20, 3)

    asyncio.run(main())


def test_the_newest_takes_the_place_of_what_was_not_taken() -> None:
    async def main() -> None:
        newest = Newest()
        newest.put("old")
        newest.put("new")
        newest.offer("older")
        assert await newest.take() == "new"
        newest.offer("back")
        assert await newest.take() == "back"
        newest.put("gone")
        newest.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(newest.take(), 0.01)
        newest.end()
        assert await newest.take() is None

    asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "codec"),
    [
        ("m=audio 9 X 0\r\nm=video 9 X 97 98\r\na=rtpmap:98 rtx/90000\r\na=rtpmap:97 VP8/90000\r\n", "VP8"),
        ("m=video 9 X 99 97\r\na=rtpmap:97 VP8/90000\r\na=rtpmap:99 H264/90000\r\n", "H264"),
        ("m=audio 9 X 0\r\na=rtpmap:0 PCMU/8000\r\n", "VP8"),
    ],
)  # fmt: skip
def test_the_codec_that_is_sent_is_the_first_of_the_answer(answer: str, codec: str) -> None:
    assert agreed_codec(answer) == codec
