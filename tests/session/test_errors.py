"""What goes wrong in a handler is told to its client, counted, and harms nobody else."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest

from rtstream import AdditionalOutputs, AsyncStreamHandler, Stream, StreamHandler, Warning, WebRTCError
from rtstream.clock import Clock
from rtstream.errors import HandlerRaised, HandlerUnfit
from rtstream.media.frames import Message
from rtstream.session.outcome import EndReason
from rtstream.session.reports import Edge, Reports
from rtstream.transports.memory import MemoryTransport
from tests.helpers.handlers import AsyncEcho, Echo, Log, Saying, tone
from tests.helpers.media import Picture, Sound, pictures, sound, sounds, values
from tests.helpers.memory import Call, calling, stepped

STREAM: dict[str, Any] = {"modality": "audio"}


class Once:
    """Raises at the third frame only."""

    def __init__(self, error: Callable[[], BaseException] = lambda: ValueError("only once")) -> None:
        self.calls = 0
        self.error = error

    def __call__(self, frame: Any) -> Any:
        self.calls += 1
        if self.calls == 3:
            raise self.error()
        return frame


class AsyncOnce(Once):
    async def __call__(self, frame: Any) -> Any:
        return super().__call__(frame)


class EchoRaisingAt(Echo):
    """Raises once in one of its methods."""

    def __init__(self, where: str, error: Callable[[], BaseException], **more: Any) -> None:
        super().__init__(**more)
        self.where = where
        self.error = error
        self.calls = 0

    def copy(self) -> EchoRaisingAt:
        return type(self)(self.where, self.error)

    def _maybe(self, where: str) -> None:
        if self.where == where:
            self.calls += 1
            if self.calls == 3 or (where == "start_up" and self.calls == 1):
                raise self.error()

    def start_up(self) -> None:
        self._maybe("start_up")

    def receive(self, frame: Sound) -> None:
        self._maybe("receive")
        super().receive(frame)

    def emit(self) -> Any:
        self._maybe("emit")
        return super().emit()


class AsyncEchoRaisingAt(AsyncEcho):
    def __init__(self, where: str, error: Callable[[], BaseException], **more: Any) -> None:
        super().__init__(**more)
        self.maybe = EchoRaisingAt(where, error)._maybe
        self.made_with = where, error

    def copy(self) -> AsyncEchoRaisingAt:
        return type(self)(*self.made_with)

    async def start_up(self) -> None:
        self.maybe("start_up")

    async def receive(self, frame: Sound) -> None:
        self.maybe("receive")
        await super().receive(frame)

    async def emit(self) -> Any:
        self.maybe("emit")
        return await super().emit()


class Panic(BaseException):
    """As `pyo3_runtime.PanicException`, which extensions in Rust raise: no Exception, and hard to catch."""


def next_of_nothing() -> BaseException:
    """What `next()` raises in a handler whose own generator has ended."""
    return StopIteration()


RAISED: list[Any] = [
    pytest.param(lambda: ValueError("only once"), "only once", id="an error"),
    pytest.param(lambda: WebRTCError("for your eyes"), "for your eyes", id="WebRTCError"),
    pytest.param(lambda: KeyError(), "KeyError", id="an error without words"),
    pytest.param(next_of_nothing, "StopIteration", id="StopIteration"),
    pytest.param(lambda: SystemExit(3), "3", id="sys.exit"),
    pytest.param(lambda: asyncio.CancelledError(), "CancelledError", id="a cancelled task of its own"),
    pytest.param(lambda: RuntimeError("x" * 100_000), "x" * 3000, id="a very long one"),
    pytest.param(lambda: Panic("in Rust"), "in Rust", id="a BaseException"),
]


@pytest.mark.parametrize(("error", "words"), RAISED)
@pytest.mark.parametrize("where", ["receive", "emit", "start_up"])
@pytest.mark.parametrize("echo", [EchoRaisingAt, AsyncEchoRaisingAt], ids=["sync", "async"])
def test_a_handler_that_raises_once_goes_on_and_its_client_is_told(
    echo: Any, where: str, error: Callable[[], BaseException], words: str
) -> None:
    async def main() -> None:
        async with calling(Stream(echo(where, error), **STREAM)) as call:
            await call.talk(*sounds(10))
            heard = await call.until_heard(9 if where == "receive" else 10)
            (told,) = await call.until_told("error")
            session = await call.hung_up()
        lost = {30} if where == "receive" else set()
        assert set(values(sounds(10))) - set(values(heard)) == lost
        assert words in told["message"] and told["data"] == told["message"]
        assert told["code"] == "RT3005"
        assert bool(told["why"]) is bool(told["fix"]) is (words != "for your eyes")
        assert session.reason is EndReason.CLIENT_LEFT
        assert session.stats.errors == 1
        assert isinstance(session.errors[0], HandlerRaised)

    stepped(main())


@pytest.mark.parametrize("fn", [Once, AsyncOnce], ids=["sync", "async"])
@pytest.mark.parametrize("modality", ["audio", "video"])
def test_a_function_that_raises_once_goes_on_and_its_client_is_told(fn: Any, modality: Any) -> None:
    async def main() -> None:
        async with calling(Stream(fn(), modality=modality)) as call:
            await call.talk(*(sounds(6) if modality == "audio" else pictures(6)))
            await call.until_heard(5)
            (told,) = await call.until_told("error")
            session = await call.hung_up()
        assert told["message"] == "only once"
        assert session.stats.errors == 1

    stepped(main())


def test_an_error_of_any_length_fits_into_one_message_of_a_data_channel() -> None:
    async def main() -> None:
        async with calling(Stream(Once(lambda: ValueError("ä" * 5_000_000)), **STREAM)) as call:
            await call.talk(*sounds(5))
            (told,) = await call.until_told("error")
        assert told["message"].startswith("ä" * 3000) and told["message"].endswith("…")
        assert len(json.dumps(told)) < 65536

    stepped(main())


def test_a_person_at_the_keyboard_and_a_coroutine_thrown_away_are_no_errors_of_the_handler() -> None:
    def raising(error: BaseException) -> Callable[..., Any]:
        async def call(*args: Any) -> None:
            raise error

        return call

    async def main() -> None:
        reports = Reports("id", Clock(), lambda text: None)
        edge = Edge(reports, hangs=False)
        for error in (KeyboardInterrupt(), GeneratorExit()):
            for seam in (edge.call(raising(error)), reports.watch(raising(error)())):
                with pytest.raises(type(error)):
                    await seam
        assert reports.count == 0

    stepped(main())


def test_an_error_is_logged_with_its_traceback_but_told_without(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with calling(Stream(Once(), **STREAM)) as call:
            await call.talk(*sounds(5))
            (told,) = await call.until_told("error")
        assert __file__ not in str(told)

    stepped(main())
    assert "Traceback" in caplog.text and __file__ in caplog.text


def test_a_webrtc_error_is_for_the_client_and_not_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with calling(Stream(Once(lambda: WebRTCError("speak up")), **STREAM)) as call:
            await call.talk(*sounds(5))
            (told,) = await call.until_told("error")
            assert told["message"] == "speak up"

    stepped(main())
    assert caplog.records == []


NONSENSE: list[Any] = [
    pytest.param("words", id="text"),
    pytest.param(17, id="a number"),
    pytest.param((24000,), id="a short tuple"),
    pytest.param((24000, "words"), id="a rate and text"),
    pytest.param((24000, [1, 2, 3]), id="a list of samples"),
    pytest.param((24000, np.array([np.nan, 0.0], np.float32)), id="not a number"),
    pytest.param((24000, np.array([np.inf])), id="infinite"),
    pytest.param((24000, np.zeros((1, 480), np.int32)), id="wrong dtype"),
    pytest.param((24000, np.zeros((3, 480), np.int16)), id="three channels"),
    pytest.param((24000, np.zeros((2, 2, 480), np.int16)), id="three dimensions"),
    pytest.param((0, np.zeros((1, 480), np.int16)), id="rate 0"),
    pytest.param((-8000, np.zeros((1, 480), np.int16)), id="negative rate"),
    pytest.param(("24000", np.zeros((1, 480), np.int16)), id="rate as text"),
    pytest.param((24000, np.zeros((1, 480), np.int16), "quadro"), id="unknown layout"),
    pytest.param(np.zeros((4, 4, 3), np.float32), id="a picture of floats"),
    pytest.param(np.zeros((4, 4, 3), np.uint8), id="a picture on an audio stream"),
    pytest.param(np.zeros((4, 4, 7), np.uint8), id="seven colours"),
    pytest.param(np.zeros((0, 4, 3), np.uint8), id="a picture of no height"),
    pytest.param(object(), id="an object"),
    pytest.param([tone(), "words"], id="sound and text"),
]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_told_apart_and_the_next_piece_is_heard(nonsense: Any) -> None:
    async def main() -> None:
        async with calling(Stream(Saying(nonsense, tone(5)), **STREAM)) as call:
            heard = await call.until_heard(1)
            (told,) = await call.until_told("error")
            session = await call.hung_up()
        assert values(heard)[-1] == 5
        assert told["code"] == "RT3006" and told["why"]
        assert session.stats.errors == 1

    stepped(main())


def test_empty_sound_is_no_error_and_gives_nothing() -> None:
    async def main() -> None:
        empty = 24000, np.zeros((1, 0), np.int16)
        async with calling(
            Stream(Saying(empty, (24000, np.zeros(0, np.float32)), tone(5)), **STREAM)
        ) as call:
            assert values(await call.until_heard(1)) == [5]
            session = await call.hung_up()
        assert session.stats.errors == 0

    stepped(main())


class Always(AsyncStreamHandler):
    """Gives the same at once, without ever waiting."""

    def __init__(self, thing: Any = None) -> None:
        super().__init__(output_sample_rate=48000)
        self.thing = thing
        self.asked = 0

    async def receive(self, frame: Sound) -> None:
        pass

    async def emit(self) -> Any:
        self.asked += 1
        if isinstance(self.thing, Exception):
            raise self.thing
        return self.thing


@pytest.mark.parametrize(
    ("thing", "most"),
    [
        (None, 60),
        ("words", 60),
        (ValueError("always"), 60),
        (tone(), 3300),
    ],
    ids=["nothing", "nonsense", "an error", "sound"],
)
def test_an_emit_that_never_waits_is_not_asked_all_the_time(thing: Any, most: int) -> None:
    """In 5 s: 10 to 20 times a second for nothing, as often as its sound lasts (60 s ahead) for sound."""

    async def main() -> None:
        async with calling(Stream(Always(thing), **STREAM)) as call:
            handler = call.session.handler
            await Clock().sleep(5)
            session = await call.hung_up()
        assert isinstance(handler, Always)
        assert 10 < handler.asked < most
        assert session.reason is EndReason.CLIENT_LEFT

    stepped(main())


class AlwaysSync(StreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def receive(self, frame: Sound) -> None:
        pass

    def emit(self) -> Any:
        self.asked += 1


def test_an_idle_sync_emit_is_asked_ten_times_a_second_not_in_a_busy_loop() -> None:
    async def main() -> None:
        async with calling(Stream(AlwaysSync(), **STREAM)) as call:
            handler = call.session.handler
            await Clock().sleep(10)
            await call.hung_up()
        assert isinstance(handler, AlwaysSync)
        assert 50 < handler.asked < 130

    stepped(main())


def test_what_was_heard_wakes_an_emit_that_had_nothing() -> None:
    class Polled(AsyncEcho):
        async def emit(self) -> Any:
            return None if self.queue.empty() else self.queue.get_nowait()

    async def main() -> None:
        async with calling(Stream(Polled(), **STREAM)) as call:
            await Clock().sleep(3)
            call.say(*sounds(1))
            said = Clock().now()
            await call.until_heard(1)
            assert Clock().now() - said < 0.01

    stepped(main())


@pytest.mark.parametrize("thing", [AdditionalOutputs(1), (48000, np.zeros((1, 0), np.int16))])
def test_an_emit_that_never_waits_does_not_freeze_the_loop(thing: Any) -> None:
    """Beside the media nothing says how fast is too fast, so only the turns of others are kept."""

    async def main() -> None:
        class Some(Always):
            async def emit(self) -> Any:
                self.asked += 1
                return thing if self.asked < 500 else None

        async with calling(Stream(Some(), **STREAM)) as call:
            turns = 0
            while turns < 300:
                await asyncio.sleep(0)
                turns += 1
            handler = call.session.handler
            assert isinstance(handler, Some)
            assert handler.asked < 500

    stepped(main())


def test_the_same_error_is_told_once_a_second_and_counted_always(caplog: pytest.LogCaptureFixture) -> None:
    def fail(frame: Sound) -> Any:
        raise ValueError("always")

    async def main() -> None:
        async with calling(Stream(fail, **STREAM)) as call:
            await call.talk(*sounds(150))
            session = await call.hung_up()
        assert session.stats.errors == 150
        assert len(session.errors) == 20
        assert len(call.told("error")) == 3

    with caplog.at_level(logging.INFO, "rtstream"):
        stepped(main())
    assert len([record for record in caplog.records if record.name == "rtstream.session"]) == 1


def test_errors_whose_words_change_flood_neither_the_client_nor_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    numbers = iter(range(1000))

    def fail(frame: Sound) -> Any:
        raise ValueError(f"frame {next(numbers)} is bad")

    async def main() -> None:
        async with calling(Stream(fail, **STREAM)) as call:
            await call.talk(*sounds(150))
            session = await call.hung_up()
        assert session.stats.errors == 150
        assert len(call.told("error")) == 3

    with caplog.at_level(logging.INFO, "rtstream"):
        stepped(main())
    assert len([record for record in caplog.records if record.name == "rtstream.session"]) == 1


def test_webrtc_errors_with_different_words_are_all_shown() -> None:
    numbers = iter(range(1000))

    def fail(frame: Sound) -> Any:
        raise WebRTCError(f"step {next(numbers)}")

    async def main() -> None:
        async with calling(Stream(fail, **STREAM)) as call:
            await call.talk(*sounds(50))
            await call.until_told("error", 50)

    stepped(main())


def test_a_receive_that_hangs_is_reported_and_what_comes_meanwhile_is_dropped_and_counted() -> None:
    class Hanging(AsyncEcho):
        async def receive(self, frame: Sound) -> None:
            await asyncio.sleep(3600)

    async def main() -> None:
        async with calling(Stream(Hanging(), **STREAM)) as call:
            await call.talk(*sounds(400))
            (told,) = await call.until_told("error")
            session = await call.hung_up()
        assert told["code"] == "RT3007"
        assert session.stats.frames_in == 400
        assert session.stats.dropped == pytest.approx(400 - 100 - 1, abs=1)  # 2 s wait, one is in work

    stepped(main())


def test_a_sync_receive_that_hangs_is_reported_and_its_thread_ends_with_the_connection() -> None:
    class Hanging(Echo):
        def receive(self, frame: Sound) -> None:
            threading.Event().wait()

    async def main() -> None:
        async with calling(Stream(Hanging(), **STREAM)) as call:
            await call.talk(*sounds(300))
            (told,) = await call.until_told("error")
            await call.hung_up()
        assert told["code"] == "RT3007"

    stepped(main())


@pytest.mark.parametrize("frames", [0, 3])
def test_an_emit_that_blocks_for_ever_ends_with_the_connection(frames: int) -> None:
    class Blocked(Echo):
        def emit(self) -> Any:
            return queue.Queue[Any]().get()

    async def main() -> None:
        log = Log()
        async with calling(Stream(Blocked(log), **STREAM)) as call:
            await call.talk(*sounds(frames))
            session = await call.hung_up()
        assert session.reason is EndReason.CLIENT_LEFT
        assert session.stats.errors == 0
        assert log.count("shutdown") == 1

    stepped(main())


class Faulty(Echo):
    """Each copy has another fault; the first has none."""

    copies = 0

    def copy(self) -> Any:
        Faulty.copies += 1
        kinds = [Echo, RaisingEcho, HangingEcho, RubbishEcho, BlockedEcho]
        return kinds[(Faulty.copies - 1) % 5](self.log)


class RaisingEcho(Echo):
    def receive(self, frame: Sound) -> None:
        raise RuntimeError("bad")


class HangingEcho(Echo):
    def receive(self, frame: Sound) -> None:
        threading.Event().wait()


class RubbishEcho(Echo):
    def emit(self) -> Any:
        return 24000, np.full(480, np.nan)


class BlockedEcho(Echo):
    def emit(self) -> Any:
        return queue.Queue[Any]().get()


def test_four_bad_handlers_do_not_harm_the_fifth() -> None:
    async def talk(call: Call) -> list[int]:
        await call.talk(*sounds(50))
        return values(call.heard())

    async def main() -> None:
        Faulty.copies = 0
        stream = Stream(Faulty(), **STREAM, concurrency_limit=None)
        async with AsyncExitStack() as calls:
            five = [await calls.enter_async_context(calling(stream, id=str(n))) for n in range(5)]
            heard = await asyncio.gather(*map(talk, five))
            errors = [call.session.stats.errors for call in five]
        assert heard == [values(sounds(50)), [], [], [], []]
        assert errors[0] == 0 and errors[1] == 50 and errors[3] > 0 and errors[4] == 0

    stepped(main())


def test_a_warning_is_shown_to_the_client_and_outside_a_handler_does_nothing() -> None:
    def warn(frame: Sound) -> None:
        Warning("careful")

    async def main() -> None:
        async with calling(Stream(warn, **STREAM)) as call:
            call.say(*sounds(1))
            assert await call.until_told("warning") == [{"type": "warning", "message": "careful"}]

    stepped(main())
    Warning("nobody hears")


def test_a_handler_that_cannot_be_copied_is_an_error_of_its_own_and_takes_no_place() -> None:
    class Uncopied(AsyncEcho):
        def copy(self) -> Any:
            raise RuntimeError("no key in the environment")

    class Nothing(AsyncEcho):
        def copy(self) -> Any:
            return None

    async def main() -> None:
        for handler, error, words in [
            (Uncopied(), HandlerRaised, "no key in the environment"),
            (Nothing(), HandlerUnfit, "not a handler"),
        ]:
            stream = Stream(handler, **STREAM)
            with pytest.raises(error, match=words):
                await stream.run(MemoryTransport())
            assert len(stream.sessions) == 0

    stepped(main())


def test_a_source_that_raises_is_reported_and_has_ended() -> None:
    def source() -> Iterator[Sound]:
        yield tone(5)
        raise OSError("the microphone is gone")

    async def main() -> None:
        async with calling(Stream(source, **STREAM, mode="receive")) as call:
            session = await call.ended()
        assert call.told("error")[0]["message"] == "the microphone is gone"
        assert session.reason is EndReason.SOURCE_ENDED
        assert values(call.heard()) == [5]

    stepped(main())


def test_a_function_with_too_many_parameters_says_so_at_each_frame() -> None:
    def two(frame: Sound, other: Any, third: Any) -> Any:
        return frame

    async def main() -> None:
        stream = Stream(two, **STREAM)
        async with calling(stream) as call:
            stream.set_input("caller", 1)
            await call.talk(*sounds(2))
            (told,) = await call.until_told("error")
            assert "third" in told["message"]

    stepped(main())


def test_an_endless_flood_of_texts_is_bounded() -> None:
    async def main() -> None:
        async with calling(Stream(AsyncEcho(), **STREAM)) as call:
            for number in range(3000):
                call.say(Message(str(number)))
            await call.until_told("log")
            session = await call.hung_up()
        assert session.stats.errors == 0
        assert len(call.told("log")) <= 3000

    stepped(main())


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ('{"type": "ping"}', {"type": "pong"}),
        ("hello", {"type": "log", "data": "Server received: hello"}),
        ("[1]", {"type": "log", "data": "Server received: [1]"}),
        ("[" * 2000, {"type": "log", "data": "Server received: " + "[" * 2000}),
        ('{"type": 7}', {"type": "log", "data": 'Server received: {"type": 7}'}),
    ],
)
def test_texts_of_the_client_are_answered_as_fastrtc_does(said: str, answer: dict[str, Any]) -> None:
    async def main() -> None:
        async with calling(Stream(AsyncEcho(), **STREAM)) as call:
            call.say(Message(said))
            await call.until(lambda: bool(call.told()))
            assert call.told() == [answer]

    stepped(main())


def test_the_picture_of_a_handler_in_the_wrong_modality_is_an_error_but_not_in_send_mode() -> None:
    def both(frame: Sound) -> Any:
        return [frame, np.zeros((4, 4, 3), np.uint8)]

    async def main() -> None:
        async with calling(Stream(both, **STREAM)) as call:
            await call.talk(sound())
            session = await call.hung_up()
            assert session.stats.errors == 1
            assert session.errors[0].fix == "Return audio, or pass modality='audio-video'"
        async with calling(Stream(both, **STREAM, mode="send")) as call:
            await call.talk(sound())
            session = await call.hung_up()
            assert session.stats.errors == 0

    stepped(main())


def test_a_video_handler_ten_times_too_slow_sees_new_pictures_and_the_rest_is_counted() -> None:
    seen: list[int] = []

    async def slow(picture: Picture) -> Picture:
        await asyncio.sleep(0.3)
        seen.append(int(picture.flat[0]))
        return picture

    async def main() -> None:
        async with calling(Stream(slow, modality="video")) as call:
            await call.talk(*pictures(200), every=1 / 30)
            await Clock().sleep(2)
            session = await call.hung_up()
        assert session.stats.frames_in == 200 == len(seen) + session.stats.dropped
        delays = [at - int(value) / 30 for (at, _), value in zip(call.line.heard, seen, strict=True)]
        assert max(delays) < 0.3 + 2 * 0.3 + 0.04  # itself and the two that wait before it

    stepped(main())
