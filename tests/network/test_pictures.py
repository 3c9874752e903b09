"""Pictures over WebRTC: through loss, out at what the far end can take, and never in the way of sound."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from queue import Queue
from typing import Any

import numpy as np
import pytest
from aiortc import RTCRtpSender
from aiortc.rtp import RtcpPsfbPacket, pack_remb_fci

from rtstream import AsyncAudioVideoStreamHandler, Stream
from rtstream.media.picture_encoder import PictureEncoder
from rtstream.media.pyav import video_from_av
from rtstream.transports import picture_intake
from rtstream.transports.contract import PICTURES
from rtstream.transports.picture_intake import Buffer, Missing, ToDecoder
from rtstream.transports.private_names import private
from rtstream.video.bandwidth import START
from tests.conftest import run
from tests.helpers.handlers import AsyncAudioVideoEcho, Log
from tests.helpers.media import Picture
from tests.helpers.renaming import rename
from tests.helpers.server import answering, until
from tests.helpers.webrtc import Caller, caller
from tests.unit.signals import pitch

pytestmark = pytest.mark.network


def give_back(picture: Picture) -> Picture:
    return picture


class Moving:
    """Gives pictures in which everything moves, of a size."""

    def __init__(self, width: int, height: int) -> None:
        chance = np.random.default_rng(1)
        coarse = chance.integers(0, 255, (4, height // 16 + 1, width // 16 + 1, 3), np.uint8)
        self._pictures: list[Picture] = [
            each.repeat(16, 0).repeat(16, 1)[:height, :width].copy() for each in coarse
        ]
        self._count = 0

    def __call__(self, picture: Picture) -> Picture:
        self._count += 1
        return self._pictures[self._count % 4]


def pictures_of(stream: Stream, client: Caller) -> Any:
    """The track on which a client is sent pictures."""
    transport: Any = stream.sessions.get(client.id).transport
    return transport._pictures


def losing(client: Caller, lost: Callable[[int, bytes], bool]) -> None:
    """Lose what a client sends: its packets of media are numbered from now on."""
    pair: Any = client.pc.getTransceivers()[0].sender.transport.transport._connection._nominated[1]
    transport, count = pair.protocol.transport, iter(range(1 << 30))
    sendto = transport.sendto

    def send(data: bytes, address: Any = None) -> None:
        if not (127 < data[0] < 192 and not 192 <= data[1] <= 223 and lost(next(count), data)):
            sendto(data, address)

    transport.sendto = send


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Caller, list[float]]]:
    """A call whose handler has seen some pictures, and when it saw each."""
    log: list[float] = []

    def noting(picture: Picture) -> Picture:
        log.append(time.monotonic())
        return picture

    stream = Stream(noting, modality="video")
    async with answering(stream) as server, caller(server, audio=False, video=True) as client:
        await client.call()
        await until(lambda: len(log) > 10)
        yield client, log


def test_a_packet_that_is_lost_twice_holds_up_pictures_for_a_moment_only() -> None:
    """aiortc alone would wait until 512 packets lie behind the gap: 17 seconds."""

    async def main() -> None:
        async with watched() as (client, log):

            async def never(number: int) -> None:
                """The client answers no negative acknowledgement."""

            sender: Any = client.pc.getTransceivers()[0].sender
            sender._retransmit = never
            losing(client, lambda number, data: number == 5)
            before = len(log)
            await until(lambda: len(log) > before + 60, 15)
            assert max(np.diff(log[before:])) < 3

    run(main())


def test_pictures_are_seen_through_a_twentieth_lost() -> None:
    async def main() -> None:
        async with watched() as (client, log):
            losing(client, lambda number, data: number % 20 == 7)
            track: Any = client.pc.getTransceivers()[0].sender.track
            before, sent = len(log), track.sent
            await until(lambda: len(log) > before + 60, 20)
            assert track.sent - sent < 90

    run(main())


@pytest.mark.parametrize("codec", ["video/VP8", "video/H264"])
def test_a_far_end_that_asks_for_a_key_frame_is_sent_one(codec: str) -> None:
    async def main() -> None:
        stream = Stream(give_back, modality="video")
        async with answering(stream) as server, caller(server, audio=False, video=True) as client:
            (transceiver,) = client.pc.getTransceivers()
            known = RTCRtpSender.getCapabilities("video").codecs
            transceiver.setCodecPreferences([each for each in known if each.mimeType == codec])
            await client.call()
            picture = await client.sees(3)
            assert picture[60, 40, 0] > 200 and picture[60, 120, 0] < 60
            track = pictures_of(stream, client)
            given = track._key_given
            await transceiver.receiver._send_rtcp_pli(track._ssrc)
            await until(lambda: track._key_given > given)
            await client.sees(3)

    run(main())


def test_a_far_end_that_can_take_little_is_sent_smaller_pictures_of_fewer_bits() -> None:
    async def main() -> None:
        stream = Stream(Moving(640, 480), modality="video")
        async with answering(stream) as server, caller(server, audio=False, video=True) as client:
            (transceiver,) = client.pc.getTransceivers()
            receiver: Any = transceiver.receiver
            receiver._RTCRtpReceiver__remote_bitrate_estimator = None  # it is this test that tells
            await client.call()
            await client.sees(3)
            track = pictures_of(stream, client)
            limit = pack_remb_fci(120_000, [track._ssrc])
            packet = RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=limit)

            async def small() -> None:
                # A busy machine makes them smaller, too, but only the far end's word brings the bits down.
                while client.pictures[-1].width > 320 or track.governor.bandwidth.rate > 120_000:
                    await receiver._send_rtcp(packet)
                    await client.sees(3)

            await asyncio.wait_for(small(), 15)
            assert track.governor.bandwidth.rate <= 120_000
            assert client.pictures[-1].width / client.pictures[-1].height == pytest.approx(4 / 3, rel=0.03)

    run(main())


def test_the_far_ends_answers_tell_how_long_the_way_is_and_the_rate_grows() -> None:
    async def main() -> None:
        stream = Stream(Moving(640, 480), modality="video")
        async with answering(stream) as server, caller(server, audio=False, video=True) as client:
            await client.call()
            await client.sees(3)
            bandwidth = pictures_of(stream, client).governor.bandwidth
            await until(lambda: bandwidth._trips.quickest < 1, 15)
            await until(lambda: bandwidth.rate > 1.2 * START, 15)

    run(main())


class Both(AsyncAudioVideoStreamHandler):
    """Gives sound back, takes its time over pictures, and shows large ones."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=48_000, output_sample_rate=48_000)
        self.sounds: asyncio.Queue[Any] = asyncio.Queue()
        self.show = Moving(1280, 720)

    def copy(self) -> Both:
        return type(self)()

    async def receive(self, frame: Any) -> None:
        self.sounds.put_nowait(frame)

    async def emit(self) -> Any:
        return await self.sounds.get()

    async def video_receive(self, frame: Any) -> None:
        await asyncio.sleep(0.2)

    async def video_emit(self) -> Any:
        await asyncio.sleep(1 / 30)
        return self.show(np.empty(0, np.uint8))


def test_sound_goes_on_while_encoding_and_converting_of_pictures_stand_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released, held = threading.Event(), set[str]()

    def held_up(original: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*args: Any, **kwargs: Any) -> Any:
            held.add(threading.current_thread().name)
            released.wait(30)
            return original(*args, **kwargs)

        return wait

    async def main() -> None:
        stream = Stream(Both(), modality="audio-video")
        async with answering(stream) as server, caller(server, video=True) as client:
            await client.call()
            await client.sees(3)
            monkeypatch.setattr(picture_intake, "video_from_av", held_up(video_from_av))
            monkeypatch.setattr(PictureEncoder, "encode", held_up(PictureEncoder.encode))
            await until(lambda: held == {"rtstream-encoder", "rtstream-pictures"})
            assert pitch(await client.hears(1.0), 48000) == pytest.approx(440, abs=10)
            released.set()
            await client.sees(3)

    try:
        run(main())
    finally:
        released.set()


def test_calls_that_fill_the_default_executor_do_not_hold_up_pictures() -> None:
    def show() -> Iterator[Picture]:
        moving = Moving(320, 240)
        while True:
            time.sleep(0.03)
            yield moving(np.empty(0, np.uint8))

    async def main() -> None:
        stream = Stream(show, modality="video", mode="receive")
        release: Queue[None] = Queue()
        async with (
            answering(stream) as server,
            caller(server, audio=False, video=True, listens=True) as client,
        ):
            await client.call()
            await client.sees(3)
            loop = asyncio.get_running_loop()
            stuck = [loop.run_in_executor(None, release.get) for _ in range(64)]
            await client.sees(10)
            for _ in stuck:
                release.put(None)
            await asyncio.gather(*stuck)

    run(main())


def test_a_client_without_video_is_heard_by_a_handler_that_shows_pictures() -> None:
    async def main() -> None:
        stream = Stream(Both(), modality="audio-video")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            assert pitch(await client.hears(0.5), 48000) == pytest.approx(440, abs=10)
            assert stream.sessions.get(client.id).errors == []

    run(main())


@pytest.mark.usefixtures("contract_anew")
@pytest.mark.parametrize("name", [None, *PICTURES.names])
def test_with_a_receiver_that_is_not_as_it_is_known_pictures_go_aiortcs_way(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        stream = Stream(give_back, modality="video")
        async with answering(stream) as server, caller(server, audio=False, video=True) as client:
            await client.call()
            assert (await client.sees(3)).shape == (120, 160, 3)
            transport: Any = stream.sessions.get(client.id).transport
            receiver: Any = transport._pc.getTransceivers()[0].receiver
            ours = [
                part for part in vars(receiver).values() if isinstance(part, (Buffer, Missing, ToDecoder))
            ]
            assert len(ours) == (0 if name else 3)

    if name is not None:
        rename(private(name), ("aiortc", "aioice"), monkeypatch)
    run(main())


@pytest.mark.usefixtures("media_path")
def test_pictures_and_sound_come_back_on_both_paths() -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(Log()), modality="audio-video")
        async with answering(stream) as server, caller(server, video=True) as client:
            await client.call()
            picture = await client.sees(5)
            assert picture[60, 40, 0] > 200 and picture[60, 120, 0] < 60
            assert pitch(await client.hears(0.4), 48000) == pytest.approx(440, abs=10)

    run(main())
