"""Programs in the shapes of FastRTC's documentation, with the import changed and nothing else.

Each is driven over memory on stepped time and over the real wire that its users take.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from queue import Queue
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from numpy.typing import NDArray
from pydantic import BaseModel

from rtstream import (
    AdditionalOutputs,
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    CloseStream,
    Stream,
    StreamHandler,
    VideoStreamHandler,
    Warning,
    WebRTCError,
    audio_to_float32,
    get_current_context,
    wait_for_item,
)
from rtstream.media.frames import AudioFrame
from rtstream.session.outcome import EndReason
from rtstream.transports.memory import MemoryTransport
from tests.conftest import run
from tests.helpers.media import pictures, samples, sounds, values
from tests.helpers.memory import calling, left_threads, stepped
from tests.helpers.server import Server, answering, serving, until
from tests.helpers.sockets import socket_caller
from tests.helpers.webrtc import caller
from tests.unit.signals import pieces, pitch
from tests.unit.signals import tone as sine

network = pytest.mark.network
Image = NDArray[np.uint8]


class Slider:
    """Stands for a Gradio component, of which the stream needs the value only."""

    def __init__(self, value: Any) -> None:
        self.value = value


# 1. An echo through a queue.


class EchoHandler(StreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.queue: Queue[Any] = Queue()

    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        self.queue.put(frame)

    def emit(self) -> Any:
        return self.queue.get()

    def copy(self) -> StreamHandler:
        return EchoHandler()

    def shutdown(self) -> None:
        pass

    def start_up(self) -> None:
        pass


# 2. The same with coroutines.


class AsyncEchoHandler(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000)
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        await self.queue.put(frame)

    async def emit(self) -> Any:
        return await wait_for_item(self.queue)

    def copy(self) -> AsyncStreamHandler:
        return AsyncEchoHandler()

    async def shutdown(self) -> None:
        pass

    async def start_up(self) -> None:
        pass


ECHOES = pytest.mark.parametrize("handler", [EchoHandler, AsyncEchoHandler])


@ECHOES
def test_an_echo_over_memory(handler: Any) -> None:
    async def main() -> None:
        stream = Stream(handler=handler(), modality="audio", mode="send-receive")
        async with calling(stream) as call:
            await call.talk(*pieces(AudioFrame(sine(440, 1.0, 48000)[None], 48000)))
            await call.until_heard(48)
            session = await call.hung_up()
        assert pitch(samples(call.heard())[0][2400:21600], 24000) == pytest.approx(440, abs=2)
        assert session.stats.errors == 0

    stepped(main())


@network
@ECHOES
@pytest.mark.parametrize("way", ["webrtc", "socket", "phone"])
def test_an_echo_over_every_wire(handler: Any, way: str) -> None:
    async def main() -> None:
        stream = Stream(handler=handler(), modality="audio", mode="send-receive")
        async with serving(stream) as server:
            if way == "webrtc":
                async with caller(server) as client:
                    await client.call()
                    assert pitch(await client.hears(0.4), 48000) == pytest.approx(440, abs=10)
            else:
                rate_in = 48000 if handler is EchoHandler else 24000
                phone = way == "phone"
                async with socket_caller(server, phone=phone, rate=None if phone else rate_in) as other:
                    await other.start()
                    await other.talk(0.5)
                    rate = 8000 if phone else 24000
                    assert pitch((await other.hears(0.4, rate))[800:], rate) == pytest.approx(440, abs=10)

    run(main())
    assert not left_threads()


# 3. Pictures turned over, with a slider.


class InputData(BaseModel):
    webrtc_id: str
    conf_threshold: float


def flip_vertically(image: Image) -> Image:
    return np.flip(image, axis=0)


def detection(image: Image, conf_threshold: float = 0.3) -> Image:
    return np.full_like(image, round(100 * conf_threshold))


def webcam_stream() -> Stream:
    return Stream(
        handler=detection,
        modality="video",
        mode="send-receive",
        additional_inputs=[Slider(0.5)],
    )


def test_a_flip_over_memory() -> None:
    async def main() -> None:
        async with calling(Stream(handler=flip_vertically, modality="video", mode="send-receive")) as call:
            (frame,) = pictures(1)
            frame.pixels[0] = 200
            call.say(frame)
            (flipped,) = await call.until_heard(1)
        assert np.array_equal(flipped.pixels, frame.pixels[::-1])  # type: ignore[union-attr]

    stepped(main())


def test_a_slider_over_memory() -> None:
    async def main() -> None:
        stream = webcam_stream()
        async with calling(stream) as call:
            await call.talk(*pictures(1))
            stream.set_input("caller", 0.9)
            await call.talk(*pictures(1))
            assert values(await call.until_heard(2)) == [50, 90]

    stepped(main())


@pytest.mark.usefixtures("media_path")
@network
def test_a_slider_over_webrtc_set_by_a_route() -> None:
    app = FastAPI()
    stream = webcam_stream()
    stream.mount(app)

    @app.post("/input_hook")
    async def _(body: InputData) -> None:
        stream.set_input(body.webrtc_id, body.conf_threshold)

    async def main() -> None:
        async with serving(stream, app=app) as server, caller(server, audio=False, video=True) as client:
            await client.call()
            await client.sees(2)
            body = {"webrtc_id": client.id, "conf_threshold": 0.9}
            assert (await server.http.post("/input_hook", json=body)).status_code == 200
            await until(lambda: client.pictures[-1].to_ndarray(format="bgr24").mean() > 80)

    run(main())


@pytest.mark.slow
def test_a_real_gradio_component_gives_its_value() -> None:
    gradio = pytest.importorskip("gradio")
    slider = gradio.Slider(minimum=0, maximum=1, step=0.05, value=0.7)
    output = gradio.Number()

    async def main() -> None:
        stream = Stream(
            handler=lambda image, conf: (np.full_like(image, round(100 * conf)), AdditionalOutputs(conf)),
            modality="video",
            additional_inputs=[slider],
            additional_outputs=[output],
            additional_outputs_handler=lambda old, new: new,
        )
        async with calling(stream) as call:
            await call.talk(*pictures(1))
            assert values(await call.until_heard(1)) == [70]
            assert (await stream.fetch_latest_output("caller")).args == (0.7,)

    stepped(main())


# 4. What the server makes by itself.


def count_frames(num_steps: int) -> Iterator[Any]:
    for number in range(int(num_steps)):
        yield 24000, np.full((1, 4800), 100 * (number + 1), np.int16)


def show_frames() -> Iterator[Image]:
    for number in range(5):
        yield np.full((24, 32, 3), 10 * number, np.uint8)


def test_a_generator_of_sound_over_memory() -> None:
    async def main() -> None:
        stream = Stream(handler=count_frames, modality="audio", mode="receive", additional_inputs=[Slider(3)])
        async with calling(stream) as call:
            session = await call.ended()
        assert session.reason is EndReason.SOURCE_ENDED
        assert sorted(set(samples(call.heard())[0].tolist())) == [100, 200, 300]
        assert session.stats.seconds_out == pytest.approx(0.6)

    stepped(main())


def test_a_generator_of_pictures_over_memory() -> None:
    async def main() -> None:
        stream = Stream(handler=VideoStreamHandler(show_frames, fps=10), modality="video", mode="receive")
        async with calling(stream) as call:
            await call.ended()
        assert values(call.heard()) == [0, 10, 20, 30, 40]

    stepped(main())


@pytest.mark.usefixtures("media_path")
@network
def test_a_generator_of_sound_over_webrtc() -> None:
    def tone() -> Iterator[Any]:
        whole = sine(440, 5.0, 24000)
        for start in range(0, whole.size, 480):
            yield 24000, whole[None, start : start + 480]

    async def main() -> None:
        stream = Stream(handler=tone, modality="audio", mode="receive")
        async with answering(stream) as server, caller(server, listens=True) as client:
            await client.call()
            assert pitch(await client.hears(0.4), 48000) == pytest.approx(440, abs=10)

    run(main())


# 5. Outputs beside the media.


def detect_and_count(image: Image, conf: float = 0.5) -> Any:
    return image, AdditionalOutputs(int(image.flat[0]))


def test_additional_outputs_over_memory() -> None:
    async def main() -> None:
        stream = Stream(
            handler=detect_and_count,
            modality="video",
            mode="send-receive",
            additional_outputs_handler=lambda prev, current: prev + current,
            additional_outputs=[Slider(0)],
        )
        got: list[int] = []
        async with calling(stream) as call:

            async def follow() -> None:
                async for outputs in stream.output_stream("caller"):
                    got.append(outputs.args[0])  # noqa: PERF401 (as it comes)

            following = asyncio.create_task(follow())
            await call.talk(*pictures(3))
            await call.until_told("fetch_output", 3)
            await call.hung_up()
            await following
        assert got == [1, 2, 3]

    stepped(main())


class Counting(AsyncEchoHandler):
    """Numbers what it hears."""

    heard = 0

    def copy(self) -> AsyncStreamHandler:
        return Counting()

    async def emit(self) -> Any:
        if (frame := await wait_for_item(self.queue)) is None:
            return None
        self.heard += 1
        return frame, AdditionalOutputs(self.heard)


def counting_app() -> tuple[FastAPI, Stream]:
    app = FastAPI()
    stream = Stream(handler=Counting(), modality="audio", mode="send-receive")
    stream.mount(app)

    @app.get("/updates")
    async def stream_updates(webrtc_id: str) -> StreamingResponse:
        async def output_stream() -> AsyncIterator[str]:
            async for output in stream.output_stream(webrtc_id):
                yield f"data: {json.dumps(output.args[0])}\n\n"

        return StreamingResponse(output_stream(), media_type="text/event-stream")

    return app, stream


async def first_events(server: Server, id: str) -> list[str]:
    read: list[str] = []
    async with server.http.stream("GET", "/updates", params={"webrtc_id": id}) as response:
        async for line in response.aiter_lines():
            read += [line.removeprefix("data: ")] if line else []
            if len(read) == 3:
                break
    return read


@network
@pytest.mark.parametrize("way", ["webrtc", "socket"])
def test_additional_outputs_as_server_sent_events(way: str) -> None:
    async def main() -> None:
        app, stream = counting_app()
        async with serving(stream, app=app) as server:
            if way == "webrtc":
                async with caller(server) as client:
                    await client.call()
                    assert await first_events(server, client.id) == ["1", "2", "3"]
            else:
                async with socket_caller(server, rate=24000) as other:
                    await other.start()
                    await other.talk(0.2)
                    assert await first_events(server, other.id) == ["1", "2", "3"]

    run(main())


# 6. What a handler may ask and say.


class Assistant(AsyncStreamHandler):
    """Waits for its inputs, greets by name, counts down, warns, and hangs up."""

    def __init__(self) -> None:
        super().__init__(output_sample_rate=24000)
        self.output: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> AsyncStreamHandler:
        return Assistant()

    async def start_up(self) -> None:
        await self.wait_for_args()
        name = self.latest_args[1]
        context = get_current_context()
        await self.send_message(json.dumps({"type": "log", "data": f"{name} on {context.webrtc_id}"}))
        self.output.put_nowait((24000, np.full((1, 2400), 500, np.int16)))
        Warning("Only a minute is left")
        await asyncio.sleep(0.2)
        self.output.put_nowait(CloseStream("Bye, " + name))

    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        _, array = frame
        if np.abs(audio_to_float32(array)).max() > 0.9:
            raise WebRTCError("Please do not shout")

    async def emit(self) -> Any:
        return await wait_for_item(self.output)

    async def shutdown(self) -> None:
        while not self.output.empty():
            self.output.get_nowait()


def test_an_assistant_over_memory() -> None:
    async def main() -> None:
        stream = Stream(handler=Assistant(), modality="audio", mode="send-receive")
        async with calling(stream, id="me") as call:
            await call.until_told("send_input")
            call.say(AudioFrame(np.full((1, 960), 32000, np.int16), 48000))
            await call.until_told("error")
            stream.set_input("me", "Ada")
            session = await call.ended()
        assert [(m["type"], m.get("data", m.get("message"))) for m in call.told()] == [
            ("send_input", []),
            ("error", "Please do not shout"),
            ("log", "Ada on me"),
            ("warning", "Only a minute is left"),
            ("end_stream", "Bye, Ada"),
        ]
        assert session.stats.seconds_out == pytest.approx(0.1)
        assert session.reason is EndReason.HANDLER_CLOSED

    stepped(main())


@network
@pytest.mark.parametrize("way", ["webrtc", "socket"])
def test_an_assistant_over_real_wires(way: str) -> None:
    async def main() -> None:
        stream = Stream(handler=Assistant(), modality="audio", mode="send-receive")
        async with serving(stream) as server:
            if way == "webrtc":
                async with caller(server) as client:
                    await client.call()
                    await client.told("send_input")
                    stream.set_input(client.id, "Ada")
                    assert (await client.told("warning"))["message"] == "Only a minute is left"
                    assert (await client.told("end_stream"))["data"] == "Bye, Ada"
                    assert (await client.told("log"))["data"] == f"Ada on {client.id}"
                    await client.gone()
            else:
                async with socket_caller(server) as other:
                    await other.start()
                    await other.told("type", "send_input")
                    stream.set_input(other.id, "Ada")
                    assert (await other.told("type", "end_stream"))["data"] == "Bye, Ada"
                    assert (await other.told("type", "log"))["data"] == f"Ada on {other.id}"
                    assert (await other.closed())[0] == 1000
            await server.empty()

    run(main())


# 7. Sound and pictures together.


class Companion(AsyncAudioVideoStreamHandler):
    """Keeps the newest picture, echoes the sound."""

    def __init__(self) -> None:
        super().__init__("mono", output_sample_rate=24000, input_sample_rate=16000)
        self.audio_queue: asyncio.Queue[Any] = asyncio.Queue()
        self.video_queue: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> AsyncAudioVideoStreamHandler:
        return Companion()

    async def start_up(self) -> None:
        pass

    async def video_receive(self, frame: Image) -> None:
        self.video_queue.put_nowait(frame)

    async def video_emit(self) -> Any:
        frame = await wait_for_item(self.video_queue, 0.01)
        return frame if frame is not None else np.zeros((100, 100, 3), dtype=np.uint8)

    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        self.audio_queue.put_nowait(frame)

    async def emit(self) -> Any:
        return await wait_for_item(self.audio_queue)

    async def shutdown(self) -> None:
        pass


def test_sound_and_pictures_over_memory() -> None:
    async def main() -> None:
        stream = Stream(handler=Companion(), modality="audio-video", mode="send-receive")
        async with calling(stream) as call:
            await call.talk(*sounds(20), *pictures(3))
            await call.until(lambda: 3 in values(call.heard("video")))
            await call.until_heard(15, "audio")
            session = await call.hung_up()
        assert session.stats.errors == 0

    stepped(main())


@pytest.mark.alone  # of a machine that is busy, pictures come smaller
@pytest.mark.usefixtures("media_path")
@network
def test_sound_and_pictures_over_webrtc() -> None:
    async def main() -> None:
        stream = Stream(handler=Companion(), modality="audio-video", mode="send-receive")
        async with answering(stream) as server, caller(server, video=True) as client:
            await client.call()
            assert pitch(await client.hears(0.4), 48000) == pytest.approx(440, abs=10)
            await until(lambda: client.pictures[-1].height == 120 if client.pictures else False)

    run(main())


# 8. The telephone.


def test_a_handler_knows_the_telephone() -> None:
    class Operator(AsyncEchoHandler):
        def copy(self) -> AsyncStreamHandler:
            return Operator()

        async def start_up(self) -> None:
            if not self.phone_mode:
                await self.wait_for_args()
            self.queue.put_nowait((24000, np.full((1, 480), 700, np.int16)))

    async def main() -> None:
        stream = Stream(handler=Operator(), modality="audio", mode="send-receive")
        async with calling(stream, MemoryTransport(phone=True, rate=8000)) as call:
            await call.until_heard(1)
        assert call.line.messages == []

    stepped(main())
