"""Additional inputs reach the handler, additional outputs reach who reads them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from rtstream import (
    AdditionalOutputs,
    AsyncStreamHandler,
    CloseStream,
    ReplyOnPause,
    Stream,
    StreamHandler,
    get_current_context,
    wait_for_item,
)
from rtstream.clock import Clock, pass_turn
from rtstream.context import Channel
from rtstream.errors import OptionError, UnknownConnection
from rtstream.inputs import Input
from rtstream.media.frames import Message
from rtstream.session.feed import KEPT
from rtstream.session.registry import TO_COME, UNREAD
from rtstream.transports.memory import MemoryTransport
from tests.helpers.handlers import AsyncEcho, Echo, Saying, tone
from tests.helpers.media import Picture, Sound, pictures, sounds, values
from tests.helpers.memory import calling, stepped


class Slider:
    """Stands for a Gradio component: all that the stream needs of one is its value."""

    def __init__(self, value: Any) -> None:
        self.value = value


# Functions: parameters beyond the media.


def with_defaults(picture: Picture, level: int = 5, shift: int = 1) -> Picture:
    return np.full_like(picture, level + shift)


def without_default(picture: Picture, level: int) -> Picture:
    return np.full_like(picture, level)


class Filter:
    def method(self, picture: Picture, level: int = 5) -> Picture:
        return np.full_like(picture, level)

    def __call__(self, picture: Picture, level: int = 6) -> Picture:
        return np.full_like(picture, level)


@pytest.mark.parametrize(
    ("fn", "before", "after"),
    [
        (with_defaults, 6, 40),
        (Filter().method, 5, 30),
        (Filter(), 6, 30),
        (partial(with_defaults, shift=3), 8, 33),
    ],
    ids=["function", "method", "callable object", "partial"],
)
def test_the_signatures_defaults_stand_in_until_the_client_sends_some(
    fn: Any, before: int, after: int
) -> None:
    inputs = (30, 10) if fn is with_defaults else (30,)

    async def main() -> None:
        stream = Stream(fn, modality="video")
        async with calling(stream) as call:
            await call.talk(*pictures(2))
            assert values(await call.until_heard(2)) == [before, before]
            stream.set_input("caller", *inputs)
            await call.talk(*pictures(2))
            assert values(await call.until_heard(4))[2:] == [after, after]
        assert call.told("send_input") == []

    stepped(main())


def test_the_components_values_stand_in_until_the_client_sends_some() -> None:
    async def main() -> None:
        stream = Stream(without_default, modality="video", additional_inputs=[Slider(7)])
        async with calling(stream) as call:
            await call.talk(*pictures(1))
            assert values(await call.until_heard(1)) == [7]
            stream.set_input("caller", 8)
            await call.talk(*pictures(1))
            assert values(await call.until_heard(2)) == [7, 8]

    stepped(main())


def source(level: int) -> Iterator[Picture]:
    yield np.full((2, 2, 3), level, np.uint8)


class Patient(AsyncStreamHandler):
    async def start_up(self) -> None:
        await self.wait_for_args()

    async def receive(self, frame: Sound) -> None: ...

    async def emit(self) -> None:
        await asyncio.Event().wait()


def greeting(level: int) -> Iterator[Sound]:
    yield 24000, np.zeros(480, np.int16)


@pytest.mark.parametrize(
    ("handler", "options", "named"),
    [
        (without_default, {"modality": "video"}, "`without_default`"),
        (source, {"modality": "video", "mode": "receive"}, "`source`"),
        (Patient, {"modality": "audio"}, "Patient"),
        (ReplyOnPause(lambda audio: audio, greeting), {"modality": "audio"}, "`startup_fn`"),
    ],
    ids=["function", "source", "handler", "greeting"],
)
@pytest.mark.parametrize("sent_after", [1.0, 9.0])
def test_who_waits_long_for_inputs_that_nobody_sends_says_so_once(
    handler: Any, options: dict[str, Any], named: str, sent_after: float, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        stream = Stream(handler, **options)
        async with calling(stream) as call:
            await Clock().sleep(sent_after)
            stream.set_input("caller", 7)
            await Clock().sleep(9)
            await call.hung_up()

    stepped(main())
    said = [record.getMessage() for record in caplog.records if "has waited 5 s" in record.getMessage()]
    assert [message.split(" has")[0] for message in said] == ([named] if sent_after > 5 else [])


class Payload:
    """Stands for Gradio's model of a value: what is sent of it is another thing than what is taken."""

    def __init__(self, root: Any) -> None:
        self.root = root

    @classmethod
    def model_validate(cls, value: Any) -> Payload:
        return cls(value)


class Chatbot(Slider):
    data_model = Payload

    def preprocess(self, payload: Payload) -> Any:
        return payload.root


def test_a_components_value_is_taken_as_a_page_would_send_it_and_is_nobody_elses() -> None:
    """FastRTC's demos append to the history that they are given."""
    seen: list[Any] = []

    def answer(picture: Picture, history: list[str]) -> Picture:
        history.append("seen")
        seen.append(list(history))
        return picture

    async def main() -> None:
        stream = Stream(answer, modality="video", additional_inputs=[Chatbot(["hello"])])
        for _ in range(2):
            async with calling(stream) as call:
                await call.talk(*pictures(1))
                await call.until_heard(1)
                await call.hung_up()
        assert seen == [["hello", "seen"]] * 2

    stepped(main())


def test_a_function_that_takes_no_inputs_is_given_none_of_those_that_a_page_shows() -> None:
    async def main() -> None:
        stream = Stream(lambda picture: picture, modality="video", additional_inputs=[Slider(7)])
        async with calling(stream) as call:
            await call.talk(*pictures(1))
            await call.until_heard(1)
            stream.set_input("caller", 8)
            await call.talk(*pictures(1))
            await call.until_heard(2)
            session = await call.hung_up()
        assert session.stats.errors == 0

    stepped(main())


def test_a_function_without_defaults_asks_for_inputs_and_waits_for_them() -> None:
    async def main() -> None:
        stream = Stream(without_default, modality="video")
        async with calling(stream) as call:
            await call.talk(*pictures(3))
            assert call.told() == [{"type": "send_input", "data": []}]
            assert call.heard() == []
            stream.set_input("caller", 9)
            await call.talk(*pictures(1))
            assert values(await call.until_heard(1)) == [9]
            session = await call.hung_up()
        assert session.stats.errors == 0

    stepped(main())


def test_set_input_works_from_another_thread() -> None:
    async def main() -> None:
        stream = Stream(without_default, modality="video")
        async with calling(stream) as call:
            thread = threading.Thread(target=stream.set_input, args=("caller", 9))
            thread.start()
            thread.join()
            await call.talk(*pictures(1))
            assert values(await call.until_heard(1)) == [9]

    stepped(main())


def test_inputs_that_come_before_the_call_is_up_are_kept() -> None:
    """As after the answer to an offer, while WebRTC still connects."""

    async def main() -> None:
        stream = Stream(without_default, modality="video")
        line = MemoryTransport()
        session = stream._admitted("caller", line)
        life = stream.sessions.start(session, session.run)
        stream.set_input("caller", 9)
        line.say(*pictures(1))
        await line.until(lambda: bool(line.heard))
        assert values(frame for _, frame in line.heard) == [9]
        line.hang_up()
        await life

    stepped(main())


def test_inputs_for_nobody_are_refused() -> None:
    async def main() -> None:
        stream = Stream(without_default, modality="video")
        with pytest.raises(UnknownConnection, match="'nobody'") as caught:
            stream.set_input("nobody", 1)
        assert isinstance(caught.value, LookupError)
        async with calling(stream) as call:
            await call.hung_up()
            with pytest.raises(UnknownConnection):
                stream.set_input("caller", 1)

    stepped(main())


# Sources: a new input starts them anew.


def station(level: int = 1) -> Iterator[Sound]:
    while True:
        yield tone(level)


async def async_station(level: int = 1) -> AsyncIterator[Sound]:
    while True:
        yield tone(level)


@pytest.mark.parametrize("source", [station, async_station], ids=["sync", "async"])
def test_a_source_starts_anew_with_new_inputs_and_not_with_equal_ones(source: Any) -> None:
    async def main() -> None:
        stream = Stream(source, modality="audio", mode="receive")
        async with calling(stream) as call:
            await call.until_heard(10)
            stream.set_input("caller", 2)
            changed = Clock().now()
            await call.until(lambda: values(call.heard())[-1] == 2)
            assert Clock().now() - changed < 0.3
            walk = call.session.handler._running  # type: ignore[attr-defined]
            stream.set_input("caller", 2)
            await call.until_heard(200)
            assert call.session.handler._running is walk  # type: ignore[attr-defined]

    stepped(main())


@pytest.mark.parametrize("coroutine", [False, True], ids=["sync", "async"])
def test_a_source_that_takes_arrays_starts_anew_with_another_array(coroutine: bool) -> None:
    def from_array(image: Any = None) -> Iterator[Sound]:
        while True:
            yield tone(0 if image is None else int(image.sum()))

    async def from_array_async(image: Any = None) -> AsyncIterator[Sound]:
        for thing in from_array(image):
            yield thing

    async def main() -> None:
        stream = Stream(from_array_async if coroutine else from_array, modality="audio", mode="receive")
        async with calling(stream) as call:
            await call.until_heard(1)
            stream.set_input("caller", np.full((1, 4), 1))
            await call.until(lambda: values(call.heard())[-1] == 4)
            stream.set_input("caller", np.full((1, 4), 2))
            await call.until(lambda: values(call.heard())[-1] == 8)
            session = await call.hung_up()
        assert session.stats.errors == 0

    stepped(main())


@pytest.mark.parametrize("coroutine", [False, True], ids=["sync", "async"])
def test_a_source_is_closed_when_it_starts_anew_and_at_the_end(coroutine: bool) -> None:
    closed: list[int] = []

    def source(level: int = 1) -> Iterator[Sound]:
        try:
            while True:
                yield tone(level)
        finally:
            closed.append(level)

    async def async_source(level: int = 1) -> AsyncIterator[Sound]:
        try:
            while True:
                yield tone(level)
        finally:
            closed.append(level)

    async def main() -> None:
        stream = Stream(async_source if coroutine else source, modality="audio", mode="receive")
        async with calling(stream) as call:
            await call.until_heard(3)
            stream.set_input("caller", 2)
            await call.until(lambda: values(call.heard())[-1] == 2)
            assert closed == [1]
            session = await call.hung_up()
        assert closed == [1, 2]
        assert session.stats.errors == 0

    stepped(main())


@pytest.mark.parametrize("coroutine", [False, True], ids=["sync", "async"])
def test_a_source_that_waits_in_its_midst_is_closed_at_the_end_without_an_error(coroutine: bool) -> None:
    """A camera waits for its next picture nearly all the time."""
    closed = threading.Event()
    waits = threading.Event()

    def camera() -> Iterator[Picture]:
        try:
            yield np.zeros((4, 4, 3), np.uint8)
            waits.set()
            threading.Event().wait()
        finally:
            closed.set()

    async def async_camera() -> AsyncIterator[Picture]:
        try:
            yield np.zeros((4, 4, 3), np.uint8)
            waits.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    async def main() -> None:
        stream = Stream(async_camera if coroutine else camera, modality="video", mode="receive")
        async with calling(stream) as call:
            await call.until_heard(1)
            while not waits.is_set():
                await Clock().sleep(0.01)
            session = await call.hung_up()
        assert session.stats.errors == 0, session.errors

    stepped(main())
    assert closed.wait(5)


def test_a_source_without_defaults_waits_for_its_inputs() -> None:
    def source(level: int) -> Iterator[Sound]:
        while True:
            yield tone(level)

    async def main() -> None:
        stream = Stream(source, modality="audio", mode="receive")
        async with calling(stream) as call:
            await call.until_told("send_input")
            await Clock().sleep(5)
            assert call.heard() == []
            stream.set_input("caller", 3)
            assert values(await call.until_heard(2)) == [3, 3]

    stepped(main())


# Handlers: wait_for_args.


class Waiting(AsyncStreamHandler):
    """Answers with its input, once it has one."""

    def __init__(self) -> None:
        super().__init__(output_sample_rate=48000)
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def start_up(self) -> None:
        await self.wait_for_args()
        self.queue.put_nowait(tone(self.latest_args[1] if len(self.latest_args) > 1 else 0))

    async def receive(self, frame: Sound) -> None:
        pass

    async def emit(self) -> Any:
        return await wait_for_item(self.queue)


class WaitingSync(StreamHandler):
    def __init__(self) -> None:
        super().__init__(output_sample_rate=48000)
        self.done = False

    def receive(self, frame: Sound) -> None:
        pass

    def emit(self) -> Any:
        if self.done:
            return None
        self.wait_for_args_sync()
        self.done = True
        return tone(self.latest_args[1] if len(self.latest_args) > 1 else 0)


HANDLERS = pytest.mark.parametrize("handler", [Waiting, WaitingSync], ids=["async", "sync"])


@HANDLERS
def test_a_handler_that_waits_for_inputs_asks_for_them_and_gets_them(handler: Any) -> None:
    async def main() -> None:
        stream = Stream(handler(), modality="audio")
        async with calling(stream) as call:
            assert await call.until_told("send_input") == [{"type": "send_input", "data": []}]
            await Clock().sleep(5)
            assert call.heard() == []
            stream.set_input("caller", 11)
            assert values(await call.until_heard(1)) == [11]

    stepped(main())


@HANDLERS
def test_a_handler_that_still_waits_for_inputs_at_the_end_leaves_nothing_behind(handler: Any) -> None:
    async def main() -> None:
        async with calling(Stream(handler(), modality="audio")) as call:
            await call.until_told("send_input")
            await call.hung_up()
        await Clock().sleep(1)

    stepped(main())


@HANDLERS
def test_on_the_telephone_nobody_is_asked_for_inputs(handler: Any) -> None:
    async def main() -> None:
        stream = Stream(handler(), modality="audio")
        async with calling(stream, MemoryTransport(phone=True, rate=8000)) as call:
            assert call.session.handler.phone_mode
            assert values(await call.until_heard(1)) == [0]
        assert call.line.messages == []

    stepped(main())


@HANDLERS
def test_where_components_have_values_nobody_is_waited_for(handler: Any) -> None:
    async def main() -> None:
        stream = Stream(handler(), modality="audio", additional_inputs=[Slider(12)])
        async with calling(stream) as call:
            assert values(await call.until_heard(1)) == [12]

    stepped(main())


def test_reset_makes_wait_for_args_wait_for_new_ones() -> None:
    class Again(Waiting):
        async def start_up(self) -> None:
            for _ in range(2):
                await self.wait_for_args()
                self.queue.put_nowait(tone(self.latest_args[1]))
                self.reset()

    async def main() -> None:
        stream = Stream(Again(), modality="audio")
        async with calling(stream) as call:
            stream.set_input("caller", 1)
            assert values(await call.until_heard(1)) == [1]
            await call.until_told("send_input", 2)
            stream.set_input("caller", 2)
            assert values(await call.until_heard(2)) == [1, 2]

    stepped(main())


@pytest.mark.parametrize("echo", [Echo, AsyncEcho], ids=["sync", "async"])
def test_a_handler_sends_messages_from_where_it_runs(echo: Any) -> None:
    class Sync(Echo):
        def receive(self, frame: Sound) -> None:
            self.send_message_sync('{"type": "log", "data": "heard"}')

    class Async(AsyncEcho):
        async def receive(self, frame: Sound) -> None:
            await self.send_message('{"type": "log", "data": "heard"}')

    async def main() -> None:
        async with calling(Stream(Sync() if echo is Echo else Async(), modality="audio")) as call:
            await call.talk(*sounds(2))
            assert await call.until_told("log", 2) == [{"type": "log", "data": "heard"}] * 2
            assert call.session.handler.channel == Channel(call.session)
            assert call.session.handler.loop is asyncio.get_running_loop()

    stepped(main())


@pytest.mark.parametrize("message", [{"type": "log"}, b"bytes", None], ids=["dict", "bytes", "None"])
def test_a_message_that_is_no_text_is_an_error_of_the_handler_and_the_call_goes_on(message: Any) -> None:
    class Sending(AsyncEcho):
        async def start_up(self) -> None:
            await self.send_message(message)

    async def main() -> None:
        async with calling(Stream(Sending(), modality="audio")) as call:
            (told,) = await call.until_told("error")
            await call.talk(*sounds(2))
            await call.until_heard(2)
        assert told["code"] == "RT3006"
        assert told["message"].startswith(f"send_message was given {type(message).__name__}")

    stepped(main())


def test_half_a_character_in_a_message_does_not_end_the_call() -> None:
    class Sending(AsyncEcho):
        async def start_up(self) -> None:
            await self.send_message('{"type": "log", "data": "a\ud83d"}')

    async def main() -> None:
        async with calling(Stream(Sending(), modality="audio")) as call:
            assert await call.until_told("log", 1) == [{"type": "log", "data": "a?"}]

    stepped(main())


@pytest.mark.parametrize("fn", ["function", "coroutine"])
def test_the_context_is_that_of_the_connection_wherever_the_users_code_runs(fn: str) -> None:
    seen: list[str] = []

    def note(frame: Sound) -> None:
        seen.append(get_current_context().webrtc_id)

    async def note_async(frame: Sound) -> None:
        note(frame)

    async def main() -> None:
        stream = Stream(note if fn == "function" else note_async, modality="audio", concurrency_limit=2)
        async with calling(stream, id="one") as one, calling(stream, id="two") as two:
            await one.talk(*sounds(1))
            await two.talk(*sounds(1))

    stepped(main())
    assert seen == ["one", "two"]


# Text from the client.


class Chatting(AsyncEcho):
    """Answers text in the ways that FastRTC's users do: on the channel, from a function of its own."""

    def set_channel(self, channel: Channel) -> None:
        super().set_channel(channel)

        @channel.on("message")
        def plain(text: str) -> None:
            if text == "wrong":
                raise ValueError("wrong text")
            channel.send(f"plain {text} {get_current_context().webrtc_id}")

        async def later(text: str) -> None:
            await Clock().sleep(0.1)
            channel.send(f"later {text}")

        assert channel.on("message", later) is later
        with pytest.raises(OptionError, match="no event 'close'"):
            channel.on("close", later)

    async def start_up(self) -> None:
        assert self.channel is not None
        self.channel.send("set before")


def test_text_of_the_client_is_heard_on_the_channel_and_what_goes_wrong_with_it_is_told() -> None:
    async def main() -> None:
        async with calling(Stream(Chatting(), modality="audio")) as call:
            call.say(Message("hello"), Message("wrong"))
            await Clock().sleep(0.5)
            own = [text for text in call.line.messages if not text.startswith("{")]
            assert own == ["set before", "plain hello caller", "later hello", "later wrong"]
            assert [error.what for error in call.session.errors] == ["wrong text"]
            assert len(call.line.messages) == 7  # those, two echoes and the error
            await call.hung_up()

    stepped(main())


# Outputs.


def test_outputs_are_announced_and_read_in_order_until_the_connection_ends() -> None:
    things = [AdditionalOutputs(1), (tone(5), AdditionalOutputs(2, "two")), AdditionalOutputs(3)]

    async def main() -> None:
        stream = Stream(Saying(*things), modality="audio")
        async with calling(stream) as call:
            reading = stream.output_stream("caller")
            read = [(await anext(reading)).args for _ in range(3)]
            assert read == [(1,), (2, "two"), (3,)]
            assert await call.until_told("fetch_output", 3)
            rest = asyncio.ensure_future(anext(reading, None))
            await Clock().sleep(1)
            assert not rest.done()
            await call.hung_up()
            assert await rest is None
        assert values(call.heard()) == [5]

    stepped(main())


def test_outputs_that_nobody_read_in_time_can_be_read_as_long_as_the_connection_lasts() -> None:
    async def main() -> None:
        stream = Stream(Saying(*(AdditionalOutputs(n) for n in range(3))), modality="audio")
        async with calling(stream) as call:
            await Clock().sleep(5)
            iterator = stream.output_stream("caller")
            read = [(await anext(iterator)).args[0] for _ in range(3)]
            await call.hung_up()
            assert [outputs async for outputs in iterator] == []
        assert read == [0, 1, 2]

    stepped(main())


def test_outputs_that_nobody_reads_are_bounded_and_the_oldest_go() -> None:
    async def main() -> None:
        stream = Stream(Saying(*(AdditionalOutputs(n) for n in range(KEPT + 5))), modality="audio")
        async with calling(stream) as call:
            await Clock().sleep(5)
            assert (await stream.fetch_latest_output("caller")).args == (5,)
            await call.hung_up()

    stepped(main())


def test_outputs_of_a_function_are_announced_beside_its_frame() -> None:
    def answer(picture: Picture) -> Any:
        return picture, AdditionalOutputs(int(picture.flat[0]))

    async def main() -> None:
        stream = Stream(answer, modality="video")
        async with calling(stream) as call:
            await call.talk(*pictures(3))
            await call.until_told("fetch_output", 3)
            assert [(await stream.fetch_latest_output("caller")).args[0] for _ in range(3)] == [1, 2, 3]
            assert values(await call.until_heard(3)) == [1, 2, 3]

    stepped(main())


def test_outputs_of_nobody_are_an_error_and_leave_no_trace() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        began = Clock().now()
        with pytest.raises(UnknownConnection):
            await anext(stream.output_stream("nobody"))
        assert Clock().now() - began == pytest.approx(TO_COME), "it might be on its way"
        assert not stream.sessions._awaited
        with pytest.raises(UnknownConnection):
            await stream.fetch_latest_output("nobody")
        assert len(stream.sessions) == 0

    stepped(main())


def test_a_reader_waits_for_a_connection_that_is_to_come_and_reads_nothing_of_one_that_has_ended() -> None:
    """A page's EventSource asks before the call stands, and again and again when it has ended."""

    async def main() -> None:
        stream = Stream(Saying(AdditionalOutputs("first")), modality="audio")

        async def read() -> list[Any]:
            return [outputs.args async for outputs in stream.output_stream("caller")]

        gone, *early = [asyncio.create_task(read()) for _ in range(3)]
        await Clock().sleep(TO_COME - 1)
        gone.cancel()
        stream.sessions.reserve("caller")  # with no turn of the loop between, in which the reader would go
        session = stream.session("caller", line := MemoryTransport())
        life = stream.sessions.start(session, session.run)
        await line.until(lambda: bool(line.messages))
        line.hang_up()
        await life
        assert sum([await reader for reader in early], []) == [("first",)]
        began = Clock().now()
        assert await read() == []
        assert Clock().now() == began
        assert not stream.sessions._awaited

    stepped(main())


def test_outputs_can_be_added_from_outside_and_be_given_to_a_function_instead() -> None:
    async def main() -> None:
        stream = Stream(handler := AsyncEcho(), modality="audio")
        add, got = stream.set_additional_outputs("caller"), list[AdditionalOutputs]()
        with pytest.raises(UnknownConnection):
            add(AdditionalOutputs("too early"))
        async with calling(stream) as call:
            adding = asyncio.ensure_future(asyncio.to_thread(add, AdditionalOutputs("from outside")))
            assert (await stream.fetch_latest_output("caller")).args == ("from outside",)
            await adding
            assert not call.told()
            call.session.outputs.hand_to(got.append)
            live = call.session.handler
            assert isinstance(live, type(handler))
            live.queue.put_nowait(AdditionalOutputs("given"))
            await call.until_told("fetch_output", 1)
            assert [outputs.args for outputs in got] == [("given",)]
            call.say(Message(json.dumps({"type": "take_outputs"})))
            await pass_turn()
            add(AdditionalOutputs("by message"))
            assert await call.until_told("output", 1)
            await call.hung_up()

    stepped(main())


def test_fetching_waits_ten_seconds_at_most_and_learns_of_the_end() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with calling(stream) as call:
            begun = Clock().now()
            with pytest.raises(TimeoutError):
                await stream.fetch_latest_output("caller")
            assert Clock().now() - begun == pytest.approx(10)
            fetching = asyncio.create_task(stream.fetch_latest_output("caller"))
            await pass_turn()
            await call.hung_up()
            with pytest.raises(UnknownConnection):
                await fetching

    stepped(main())


def test_what_a_handler_put_out_just_before_its_end_can_be_read_for_a_while() -> None:
    """A page fetches what it was told of, and that takes its time."""

    async def main() -> None:
        stream = Stream(Saying(AdditionalOutputs("last"), CloseStream()), modality="audio")
        async with calling(stream) as call:
            await call.ended()
            left = stream.sessions.outputs("caller")
            one = await left.next()
            assert one is not None and one.args == ("last",)
            assert await left.next() is None
            await Clock().sleep(UNREAD + 0.1)
            with pytest.raises(UnknownConnection):
                stream.sessions.outputs("caller")

    stepped(main())


def test_two_readers_share_the_outputs_and_both_learn_of_the_end() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        read: list[list[Any]] = [[], []]

        async def reader(number: int) -> None:
            async for outputs in stream.output_stream("caller"):
                read[number].append(outputs.args[0])

        async with calling(stream) as call:
            readers = [asyncio.create_task(reader(number)) for number in range(2)]
            handler = call.session.handler
            assert isinstance(handler, AsyncEcho)
            for number in range(6):
                handler.queue.put_nowait(AdditionalOutputs(number))
                await Clock().sleep(0.1)
            await call.hung_up()
            await asyncio.gather(*readers)
        assert sorted(read[0] + read[1]) == list(range(6))

    stepped(main())


# By message: from a page without a server of its own.


def test_inputs_that_the_stream_declares_are_taken_by_message() -> None:
    async def main() -> None:
        stream = Stream(without_default, modality="video", additional_inputs=[Input("level", 7, step=1)])
        async with calling(stream) as call:
            call.say(Message(json.dumps({"type": "set_input", "data": [9]})))
            await call.talk(*pictures(1))
            assert values(await call.until_heard(1)) == [9]
            call.say(Message(json.dumps({"type": "set_input", "data": ["loud"]})))
            (error,) = await call.until_told("error")
            assert error["code"] == "RT5113" and "`level` cannot be 'loud'" in error["message"]
            await call.talk(*pictures(1))
            assert values(await call.until_heard(2)) == [9, 9]
            session = await call.hung_up()
        assert session.stats.errors == 0, "a client's fault is not the handler's"

    stepped(main())


def test_inputs_that_the_stream_does_not_declare_are_not_taken_by_message() -> None:
    """They may be what a route of the author's checks before it calls `set_input`."""

    async def main() -> None:
        stream = Stream(without_default, modality="video")
        async with calling(stream) as call:
            call.say(Message(json.dumps({"type": "set_input", "data": [9]})))
            (error,) = await call.until_told("error")
            assert "takes no inputs by message" in error["message"]
            await call.talk(*pictures(2))
            assert call.heard() == []

    stepped(main())


def test_a_client_that_asks_for_the_outputs_is_sent_them() -> None:
    def counting(picture: Picture) -> tuple[Picture, AdditionalOutputs]:
        return picture, AdditionalOutputs({"mean": picture.mean()})

    async def main() -> None:
        stream = Stream(counting, modality="video")
        async with calling(stream) as call:
            call.say(Message(json.dumps({"type": "take_outputs"})))
            await call.talk(*pictures(2))
            first, second = await call.until_told("output", 2)
            assert isinstance(first["data"][0]["mean"], float) and second["type"] == "output"
            assert call.told("fetch_output") == []

    stepped(main())
