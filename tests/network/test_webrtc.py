"""Calls over real WebRTC: DTLS, SRTP, Opus and VP8 on 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from aiortc.rtcsctptransport import AbortChunk, ShutdownChunk
from aiortc.rtp import RtcpByePacket

from rtstream import CloseStream, Stream, Warning
from rtstream.options import KINDS, Modality, Mode
from rtstream.session.outcome import EndReason
from rtstream.transports import silence
from tests.conftest import run
from tests.helpers.handlers import AsyncAudioVideoEcho, AsyncEcho, Echo, Log
from tests.helpers.media import Picture
from tests.helpers.memory import left_threads
from tests.helpers.server import answering, until
from tests.helpers.webrtc import Caller, caller
from tests.unit.signals import pitch
from tests.unit.signals import tone as sine

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("media_path")]

BLUE = np.full((120, 160, 3), (255, 0, 0), np.uint8)


def radio() -> Iterator[Any]:
    for number in range(10_000):
        moments = sine(440, 0.02 * (number + 1), 48000)[number * 960 :]
        yield 48000, moments


def show() -> Iterator[Picture]:
    while True:
        yield BLUE


def radio_and_show() -> Iterator[Any]:
    for sound in radio():
        yield sound
        yield BLUE


CELLS: list[Any] = [
    pytest.param(modality, mode, id=f"{modality} {mode}")
    for modality in ("audio", "video", "audio-video")
    for mode in ("send-receive", "receive", "send")
]


def handler_for(modality: Modality, mode: Mode, log: Log) -> Any:
    if mode == "receive":
        return {"audio": radio, "video": show, "audio-video": radio_and_show}[modality]
    if modality == "audio-video":
        return AsyncAudioVideoEcho(log)

    async def answer(frame: Any) -> Any:
        log.frames.append(frame)
        return frame

    return answer


@pytest.mark.parametrize(("modality", "mode"), CELLS)
def test_each_cell_of_mode_and_modality_works_over_webrtc(modality: Modality, mode: Mode) -> None:
    kinds = KINDS[modality]

    async def main() -> None:
        log = Log()
        async with answering(
            Stream(handler_for(modality, mode, log), modality=modality, mode=mode)
        ) as server:
            wanted: dict[str, Any] = {
                "audio": "audio" in kinds,
                "video": "video" in kinds,
                "listens": mode == "receive",
            }
            async with caller(server, **wanted) as client:
                await client.call()
                if "audio" in kinds and mode != "send":
                    assert pitch(await client.hears(0.5), 48000) == pytest.approx(440, abs=10)
                if "video" in kinds and mode != "send":
                    picture = await client.sees()
                    assert picture.shape == (120, 160, 3)
                    assert picture[60, 40, 0] > 200 and picture[60, 40, 2] < 60
                if mode != "receive":
                    await until(lambda: len(log.frames) >= 10)
                session = server.stream.sessions.get(client.id)
            await server.empty()
        assert session.stats.errors == 0, session.errors

    run(main())


def test_media_flows_without_a_data_channel() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server, channel=False) as client:
            await client.call()
            assert pitch(await client.hears(0.3), 48000) == pytest.approx(440, abs=10)

    run(main())


def test_a_far_end_that_has_said_goodbye_is_heard_and_seen_when_it_goes_on() -> None:
    """Browsers say so when they stop sending for a while, and go on under the same source."""

    async def main() -> None:
        log = Log()
        async with answering(Stream(AsyncAudioVideoEcho(log), modality="audio-video")) as server:
            async with caller(server, video=True) as client:
                await client.call()
                await client.hears(0.2)
                await client.sees()
                for sender in client.pc.getSenders():
                    await sender.transport._send_rtp(bytes(RtcpByePacket(sources=[sender._ssrc])))
                await client.hears(0.4)
                await client.sees(10)

    run(main())


def test_a_sync_echo_as_in_fastrtcs_documentation_works_over_webrtc() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(Echo(log), modality="audio")
        async with answering(stream) as server:
            async with caller(server) as client:
                await client.call()
                assert pitch(await client.hears(0.3), 48000) == pytest.approx(440, abs=10)
            await server.empty()
        assert log.count("shutdown") == 1

    run(main())
    assert not left_threads()


class Talkative(AsyncEcho):
    """Sends messages of all kinds when it starts, and more than a browser takes at once."""

    async def start_up(self) -> None:
        await self.send_message('{"type": "log", "data": "first"}')
        Warning("careful")
        await self.send_message(json.dumps({"type": "log", "data": "x" * 300_000}))
        await self.send_message('{"type": "log", "data": "last"}')


def test_messages_travel_on_the_data_channel_in_order_and_one_too_large_harms_nothing() -> None:
    async def main() -> None:
        stream = Stream(Talkative(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await until(lambda: any(message.get("data") == "last" for message in client.messages))
            assert [m.get("data", m.get("message")) for m in client.messages] == ["first", "careful", "last"]
            await client.hears(0.1)
            session = stream.sessions.get(client.id)
            assert session.stats.errors == 0

    run(main())


def test_texts_of_the_client_are_answered_and_bye_ends_the_call_at_once() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            channel = client.channel
            assert channel is not None
            await until(lambda: channel.readyState == "open")
            channel.send("handshake")
            assert await client.told("log") == {"type": "log", "data": "Server received: handshake"}
            channel.send('{"type": "ping"}')
            assert await client.told("pong") == {"type": "pong"}
            channel.send(b"\xff\xfe")
            session = stream.sessions.get(client.id)
            channel.send('{"type": "bye"}')
            await server.empty()
            assert session.reason is EndReason.CLIENT_LEFT
            await client.gone()

    run(main())


def test_messages_that_come_before_the_media_and_on_a_second_channel_are_heard() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            second = client.open_channel("second")
            await client.call()
            await until(lambda: second.readyState == "open")
            second.send("hello")
            assert (await client.told("log"))["data"] == "Server received: hello"
            assert client.channel is not None
            client.channel.close()
            await until(lambda: client.channel is not None and client.channel.readyState == "closed")
            second.send("again")
            await client.hears(0.1)

    run(main())


ENDS: list[Any] = [
    pytest.param("client", EndReason.CLIENT_LEFT, id="the client leaves"),
    pytest.param("handler", EndReason.HANDLER_CLOSED, id="CloseStream"),
    pytest.param("limit", EndReason.TIME_LIMIT, id="the time limit"),
    pytest.param("server", EndReason.SERVER_STOPPING, id="the server stops"),
    pytest.param("outside", EndReason.HANDLER_CLOSED, id="update_connection"),
]


@pytest.mark.parametrize(("way", "reason"), ENDS)
@pytest.mark.parametrize("echo", [Echo, AsyncEcho], ids=["sync", "async"])
def test_a_call_ends_once_and_its_client_is_told_and_hung_up_on(
    echo: Any, way: str, reason: EndReason
) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(echo(log), modality="audio", time_limit=1 if way == "limit" else None)
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            session = await server.live(client.id)
            await until(lambda: log.count("start_up"))
            if way != "limit":
                await client.hears(0.1)
            match way:
                case "client":
                    await client.pc.close()
                case "handler":
                    session.handler.queue.put_nowait(CloseStream("enough"))  # type: ignore[attr-defined]
                case "server":
                    await stream.sessions.close_all()
                case "outside":
                    stream.update_connection(client.id)
            await server.empty()
            if way != "client":
                assert (await client.told("end_stream"))["reason"] == reason.value
                await client.gone()
        assert session.reason is reason
        assert log.count("start_up") == log.count("shutdown") == 1

    run(main())
    assert not left_threads()


def aborted(*causes: int) -> AbortChunk:
    chunk = AbortChunk()
    chunk.params = [(cause, b"") for cause in causes]
    return chunk


PARTINGS: list[Any] = [
    pytest.param(ShutdownChunk(), id="it is shut down"),
    pytest.param(aborted(), id="it is aborted"),
    pytest.param(aborted(12), id="its user aborts it"),
]


@pytest.mark.parametrize("chunk", PARTINGS)
def test_a_client_that_ends_its_association_has_hung_up(chunk: Any) -> None:
    """libdatachannel says no more when a connection is closed, and nothing of DTLS."""

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await associated(client)
            session, association = stream.sessions.get(client.id), cast(Any, client.pc.sctp)
            await association._send_chunk(chunk)
            await server.empty()
        assert session.reason is EndReason.CLIENT_LEFT

    run(main())


def test_a_client_whose_association_broke_goes_on_with_its_sound() -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            await associated(client)
            session, association = server.stream.sessions.get(client.id), cast(Any, client.pc.sctp)
            await association._send_chunk(aborted(13))  # RFC 9260 §3.3.10.13: a violation of the protocol
            transport: Any = session.transport
            await until(lambda: transport._pc.sctp.state == "closed")
            client.sounds.clear()
            await client.hears(0.2)
            assert not session.over.done()

    run(main())


async def associated(client: Caller) -> None:
    """Call, and wait for sound and for a data channel."""
    await client.call()
    await until(lambda: client.channel is not None and client.channel.readyState == "open")
    await client.hears(0.1)


def test_a_client_that_renegotiates_nothing_but_calls_again_is_a_new_connection() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with answering(stream) as server:
            for _ in range(3):
                async with caller(server, id="same") as client:
                    await client.call()
                    await client.hears(0.1)
                await server.empty()
        assert log.count("start_up") == log.count("shutdown") == 3

    run(main())


def test_what_is_heard_and_said_in_stereo_stays_stereo() -> None:
    class Stereo(AsyncEcho):
        async def receive(self, frame: Any) -> None:
            left = sine(300, 0.02, 48000)
            self.queue.put_nowait((48000, np.stack([left, np.zeros_like(left)])))

    async def main() -> None:
        stream = Stream(Stereo(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await client.hears(0.4)
            rows = client.sounds[-1].to_ndarray().reshape(-1, 2)
            assert np.abs(rows[:, 0]).max() > 20 * np.abs(rows[:, 1]).max()

    run(main())


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_a_browser_is_asked_for_as_many_channels_as_the_handler_hears(layout: str, media_path: str) -> None:
    """It sends one unless the answer says `stereo=1`, and no copies without `useinbandfec`."""

    class Hearing(AsyncEcho):
        def copy(self) -> AsyncEcho:
            return AsyncEcho(expected_layout=layout)

    async def main() -> None:
        stream = Stream(Hearing(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            answer = (await server.post(json=await client.offer())).json()["sdp"]
            assert ("useinbandfec=1" in answer) is (media_path == "own")
            assert ("stereo=1" in answer) is (media_path == "own" and layout == "stereo")

    run(main())


def test_clear_queue_silences_a_reply_within_a_fraction_of_a_second() -> None:
    class Interrupted(AsyncEcho):
        async def start_up(self) -> None:
            self.queue.put_nowait((48000, sine(440, 20, 48000)))

        async def receive(self, frame: Any) -> None:
            pass

    async def main() -> None:
        stream = Stream(Interrupted(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await client.hears(0.2)
            session = stream.sessions.get(client.id)
            session.handler.clear_queue()
            cleared = session.seconds_played  # what was on its way to the client by then is no fault
            await until(lambda: not session._giving.mouths["audio"]._queue)
            await asyncio.sleep(0.5)
            assert len(client.sounds) * 0.02 - cleared < 0.4

    run(main())


@pytest.mark.alone  # beside others it may be too much work at this size, and come smaller
def test_a_picture_answered_by_one_of_another_size_is_seen() -> None:
    def bigger(picture: Picture) -> Picture:
        return np.ascontiguousarray(picture.repeat(2, axis=0).repeat(2, axis=1)[:, ::-1])

    async def main() -> None:
        stream = Stream(bigger, modality="video")
        async with answering(stream) as server, caller(server, audio=False, video=True) as client:
            await client.call()
            picture = await client.sees(5)
            assert picture.shape == (240, 320, 3)
            assert picture[100, 240, 0] > 200 and picture[100, 60, 0] < 60

    run(main())


def test_inputs_set_while_the_call_connects_reach_the_handler() -> None:
    def level(picture: Picture, value: int) -> Picture:
        return np.full_like(picture, value)

    async def main() -> None:
        stream = Stream(level, modality="video")
        async with answering(stream) as server, caller(server, audio=False, video=True) as client:
            response = await server.post(json=await client.offer())
            stream.set_input(client.id, 200)
            await client.take(response)
            assert (await client.sees(3)).mean() > 180

    run(main())


def test_a_call_in_one_direction_is_not_given_up_for_its_silence() -> None:
    """A stream that only listens sends nothing at all on its track."""

    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio", mode="send")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await until(lambda: log.count("receive") > 20)
            assert client.sounds == []

    run(main())


def test_a_client_that_was_killed_frees_its_place_long_before_ice_gives_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silence, "LOOK_SECONDS", 0.05)

    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as one:
            await one.call()
            await one.hears()
            assert one.pc.sctp is not None
            connection: Any = one.pc.sctp.transport.transport._connection
            for protocol in connection._protocols:
                monkeypatch.setattr(protocol.transport, "sendto", lambda *_: None)
            await until(lambda: not server.stream.sessions, seconds=5.0)

    run(main())


def test_a_client_that_sends_no_media_is_no_dead_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.2)  # instead of 5 s

    async def main() -> None:
        stream = Stream(radio, modality="audio", mode="receive")
        async with answering(stream) as server, caller(server, listens=True, channel=False) as one:
            await one.call()
            session = next(iter(stream.sessions))
            await one.hears(1.5)
            assert not session.over.done()

    run(main())
