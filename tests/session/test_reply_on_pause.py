"""`ReplyOnPause` whole: functions of every kind, what goes wrong in them and in detectors, their inputs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rtstream import (
    AdditionalOutputs,
    CloseStream,
    ReplyOnPause,
    SileroVadOptions,
    Stream,
    WebRTCError,
    get_current_context,
)
from rtstream.clock import Clock
from rtstream.handlers import speaker
from rtstream.session.outcome import EndReason
from rtstream.transports.memory import MemoryTransport
from rtstream.turns.vad import get_silero_model

from ..helpers.dialogs import Parrot, beep, made, silence, talk
from ..helpers.memory import left_threads
from ..helpers.recordings import RATE
from .test_turns import word

ONE = np.concatenate([silence(1), word(0.6), silence(2)])
TWO = np.concatenate([ONE, word(0.6), silence(2)])
THREE = np.concatenate([TWO, word(0.6), silence(2)])


# Functions of every kind.


def generator(audio: Any) -> Iterator[Any]:
    yield beep()
    yield beep()


async def async_generator(audio: Any) -> AsyncIterator[Any]:
    yield beep()
    await asyncio.sleep(0)
    yield beep()


def function(audio: Any) -> Any:
    return beep(0.2)


async def coroutine(audio: Any) -> Any:
    return beep(0.2)


class Answering:
    def __call__(self, audio: Any) -> Iterator[Any]:
        return generator(audio)

    def method(self, audio: Any) -> Iterator[Any]:
        yield from generator(audio)


KINDS: dict[str, Callable[..., Any]] = {
    "generator": generator,
    "async generator": async_generator,
    "function": function,
    "coroutine": coroutine,
    "callable object": Answering(),
    "method": Answering().method,
    "frames in a list": lambda audio: [beep(), beep()],
    "floats": lambda audio: (24000, np.full(4800, 0.3, np.float32)),
    "a flat array": lambda audio: (24000, np.full(4800, 9000, np.int16)),
    "another rate": lambda audio: (16000, np.full((1, 3200), 9000, np.int16)),
}


@pytest.mark.parametrize("fn", KINDS.values(), ids=KINDS)
def test_what_it_gives_is_heard_and_told_of_once(fn: Callable[..., Any]) -> None:
    dialog = talk(made(fn), TWO)
    assert [round(end - begun, 1) for begun, end in dialog.spans] == [0.2, 0.2]
    assert dialog.logs == ["started_talking", "pause_detected", "response_starting"] * 2
    assert dialog.session.errors == []


@pytest.mark.parametrize("fn", [generator, async_generator])
def test_a_generator_function_alone_is_a_handler_that_replies(fn: Any) -> None:
    """`Stream(fn)`: at 48 kHz, as in FastRTC."""
    assert len(talk(fn, TWO).spans) == 2


def test_each_connection_has_turns_of_its_own() -> None:
    handler = made(function)
    first, second = talk(handler, ONE), talk(handler, ONE)
    assert first.spans == second.spans
    copy = handler.copy()
    assert copy.turns is not handler.turns and copy.model is handler.model


def test_the_reply_knows_whom_it_answers() -> None:
    known: list[str] = []

    def fn(audio: Any) -> Iterator[Any]:
        known.append(get_current_context().webrtc_id)
        yield beep()

    async def fn_async(audio: Any) -> Any:
        known.append(get_current_context().webrtc_id)

    async def press(stream: Stream, line: MemoryTransport) -> None:
        """From outside: there the context is another one."""
        await Clock().sleep(0.1)
        stream.handlers["dialog"].trigger_response()  # type: ignore[attr-defined]

    for one in (fn, fn_async):
        talk(made(one), silence(1), meanwhile=press)
    assert known == ["dialog", "dialog"]


def test_close_stream_ends_the_call_when_the_reply_was_played() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        yield beep(0.5)
        yield CloseStream("bye")

    dialog = talk(made(fn), TWO)
    assert dialog.session.reason is EndReason.HANDLER_CLOSED
    ((begun, end),) = dialog.spans
    assert end - begun == pytest.approx(0.5, abs=0.03)


# What goes wrong in them.


def test_a_reply_that_gives_nothing_is_a_turn_like_others() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        yield from ()

    dialog = talk(made(fn), TWO)
    assert dialog.logs == ["started_talking", "pause_detected", "response_starting"] * 2
    assert dialog.session.errors == []


def test_the_start_of_a_reply_is_told_with_its_first_sound_not_with_the_transcript_before_it() -> None:
    async def fn(audio: Any) -> AsyncIterator[Any]:
        yield AdditionalOutputs("what was said")
        await Clock().sleep(1)
        yield [None, AdditionalOutputs("thinking")]
        await Clock().sleep(1)
        yield beep(), AdditionalOutputs("an answer")

    dialog = talk(made(fn), np.concatenate([ONE, silence(2)]))
    told = [message["data"] or message["type"] for message in dialog.told]
    outputs = ["fetch_output"]
    assert told == ["started_talking", "pause_detected", *outputs * 2, "response_starting", *outputs]


def test_of_a_reply_that_is_only_written_down_the_end_is_told_as_its_start() -> None:
    """Pages show that somebody thinks until they are told of a reply."""

    def fn(audio: Any) -> Iterator[Any]:
        yield AdditionalOutputs("what was said")

    dialog = talk(made(fn), TWO)
    assert dialog.logs == ["started_talking", "pause_detected", "response_starting"] * 2


def test_nones_between_sounds_are_nothing() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        for _ in range(3):
            yield None
            yield beep()

    dialog = talk(made(fn), TWO)
    assert dialog.logs.count("response_starting") == 2
    assert sum(end - begun for begun, end in dialog.spans) == pytest.approx(0.6, abs=0.1)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_reply_without_end_lasts_until_it_is_interrupted_or_the_call_ends(mode: str) -> None:
    closed = []

    def fn(audio: Any) -> Iterator[Any]:
        try:
            while True:
                yield beep()
        finally:
            closed.append(1)

    async def fn_async(audio: Any) -> AsyncIterator[Any]:
        try:
            while True:
                yield beep()
        finally:
            closed.append(1)

    dialog = talk(made(fn if mode == "sync" else fn_async), TWO)
    assert dialog.logs.count("interrupted") == 1
    assert len(closed) == 2
    assert left_threads() == []


def raising(at: int) -> Callable[[Any], Iterator[Any]]:
    def fn(audio: Any) -> Iterator[Any]:
        for _ in range(at):
            yield beep()
        raise ValueError("no answer")

    return fn


def raising_async(at: int) -> Callable[[Any], AsyncIterator[Any]]:
    async def fn(audio: Any) -> AsyncIterator[Any]:
        for _ in range(at):
            yield beep()
        raise ValueError("no answer")

    return fn


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("make", [raising, raising_async])
def test_a_reply_that_raises_is_told_of_and_the_next_turn_is_answered(make: Any, at: int) -> None:
    dialog = talk(made(make(at)), TWO)
    assert [error.what for error in dialog.session.errors] == ["no answer"] * 2
    assert dialog.logs.count("pause_detected") == 2
    assert len(dialog.spans) == (2 if at else 0)
    assert dialog.session.reason is EndReason.CLIENT_LEFT


def test_an_error_for_the_clients_eyes_is_shown_to_it() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        raise WebRTCError("I did not get that")
        yield

    dialog = talk(made(fn), ONE)
    assert [m["message"] for m in dialog.told if m["type"] == "error"] == ["I did not get that"]


NONSENSE: dict[str, Any] = {
    "a word": "hello",
    "a rate alone": (24000,),
    "no rate": (None, np.zeros((1, 480), np.int16)),
    "no array": (24000, [0] * 480),
    "a strange rate": (-1, np.zeros((1, 480), np.int16)),
    "a strange dtype": (24000, np.zeros((1, 480), np.complex64)),
    "a strange shape": (24000, np.zeros((2, 3, 480), np.int16)),
    "a picture": np.zeros((24, 32, 3), np.uint8),
}


@pytest.mark.parametrize("value", NONSENSE.values(), ids=NONSENSE)
def test_a_reply_that_is_no_sound_is_told_of_and_the_rest_of_it_is_heard(value: Any) -> None:
    def fn(audio: Any) -> Iterator[Any]:
        yield value
        yield beep()

    dialog = talk(made(fn), TWO)
    assert [error.code for error in dialog.session.errors] == ["RT3006"] * 2
    assert len(dialog.spans) == 2


def test_what_the_finally_of_a_stopped_reply_raises_is_told() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        try:
            while True:
                yield beep()
        finally:
            raise ValueError("in finally")

    dialog = talk(made(fn), TWO)
    assert [error.what for error in dialog.session.errors] == ["in finally"] * 2
    assert dialog.logs.count("response_starting") == 2


# What goes wrong in detectors.


class Detecting:
    """Silero until the window of that number; then what it is made to do, once or for good."""

    quick = False

    def __init__(self, at: int, then: Callable[[], Any], *, once: bool, quick: bool = False) -> None:
        self.at, self.then, self.once, self.quick = at, then, once, quick
        self.count = 0
        self.made = 0

    def stream(self) -> Any:
        self.made += 1
        return DetectingStream(self)


class DetectingStream:
    def __init__(self, model: Detecting) -> None:
        self._model = model
        self._silero = get_silero_model().stream()

    def __call__(self, window: Any) -> Any:
        model = self._model
        model.count += 1
        probability = self._silero(window)
        if model.count == model.at or (model.count > model.at and not model.once):
            return model.then()
        return probability

    def close(self) -> None:
        self._silero.close()


def raise_one() -> None:
    raise ValueError("no ears")


@pytest.mark.parametrize("quick", [False, True], ids=["in a thread", "in the loop"])
@pytest.mark.parametrize(
    ("then", "what"),
    [
        (raise_one, "no ears"),
        (lambda: "loud", "the voice detector gave 'loud'"),
        (lambda: 1.5, "the voice detector gave 1.5"),
        (lambda: float("nan"), "the voice detector gave nan"),
        (lambda: None, "the voice detector gave None"),
    ],
)
def test_a_detector_that_fails_once_is_told_of_and_no_sound_is_lost(
    then: Any, what: str, quick: bool
) -> None:
    parrot = Parrot()
    dialog = talk(made(parrot, model=Detecting(40, then, once=True, quick=quick)), TWO)
    assert [error.what for error in dialog.session.errors] == [what]
    assert len(parrot.turns) == 2
    assert len(parrot.turns[0]) == pytest.approx(len(parrot.turns[1]), abs=1024)


def test_a_detector_that_fails_for_good_is_told_of_and_the_call_lives() -> None:
    parrot = Parrot()
    dialog = talk(made(parrot, model=Detecting(1, raise_one, once=False)), ONE)
    assert dialog.session.errors[0].what == "no ears"
    assert dialog.session.reason is EndReason.CLIENT_LEFT
    assert sum(message["type"] == "error" for message in dialog.told) < 6  # not at each window


def test_a_detector_that_hangs_is_given_up_and_the_next_turn_is_answered() -> None:
    never = threading.Event()
    parrot = Parrot()
    model = Detecting(10, never.wait, once=True)
    said = np.concatenate([silence(speaker.HUNG_AFTER + 1), TWO])
    dialog = talk(made(parrot, model=model), said)
    assert [error.code for error in dialog.session.errors] == ["RT3007"]
    assert "the voice detector has not answered for 3 s" in dialog.session.errors[0].what
    assert len(parrot.turns) == 2
    assert model.made == 2
    assert left_threads() == []


def test_a_detector_whose_own_wait_times_out_is_not_taken_for_one_that_hangs() -> None:
    def then() -> None:
        raise TimeoutError("its own")

    dialog = talk(made(Parrot(), model=Detecting(10, then, once=True)), ONE)
    assert [error.what for error in dialog.session.errors] == ["its own"]


def test_a_detector_that_cannot_be_made_is_told_of() -> None:
    class Unmade:
        quick = True

        def stream(self) -> Any:
            raise FileNotFoundError("model.onnx")

    dialog = talk(made(Parrot(), model=Unmade()), ONE)
    assert dialog.session.errors[0].what == "model.onnx"


def test_a_detector_of_fastrtcs_protocol_runs_in_a_thread_and_finds_the_turns() -> None:
    threads = set()

    class Theirs:
        def vad(self, audio: Any, options: Any) -> Any:
            threads.add(threading.current_thread())
            rate, samples = audio
            loud = np.abs(samples.astype(np.int32)).reshape(-1, 64).max(axis=1) > 800
            return float(loud.sum() * 64 / rate), []

        def warmup(self) -> None:
            pass

    parrot = Parrot()
    dialog = talk(made(parrot, model=Theirs(), model_options=SileroVadOptions()), TWO)
    assert dialog.session.errors == []
    assert len(parrot.turns) == 2
    assert threading.main_thread() not in threads
    assert all(len(turn) > 0.6 * RATE for turn in parrot.turns)


# The greeting.


def test_a_greeting_is_heard_before_anybody_speaks() -> None:
    def greet() -> Iterator[Any]:
        yield beep(0.3)

    dialog = talk(made(function, startup_fn=greet), ONE)
    assert dialog.spans[0] == pytest.approx((0.0, 0.3), abs=0.05)
    assert len(dialog.spans) == 2
    assert dialog.logs[0] == "response_starting"


def test_a_greeting_may_be_async_and_take_inputs() -> None:
    given = []

    async def greet(name: str) -> AsyncIterator[Any]:
        given.append(name)
        yield beep(0.3)

    async def answer(stream: Stream, line: MemoryTransport) -> None:
        await line.until(lambda: any("send_input" in text for text in line.messages))
        stream.set_input("dialog", "Ann")

    dialog = talk(made(lambda audio, name: beep(), startup_fn=greet), ONE, meanwhile=answer)
    assert given == ["Ann"]
    assert len(dialog.spans) == 2


def test_a_greeting_that_raises_is_told_of_and_turns_are_answered() -> None:
    def greet() -> Any:
        raise ValueError("no voice")

    dialog = talk(made(function, startup_fn=greet), ONE)
    assert [error.what for error in dialog.session.errors] == ["no voice"]
    assert len(dialog.spans) == 1


# The inputs.


def client(answers: list[tuple[Any, ...]], asked: list[float] | None = None) -> Any:
    """A page that answers each `send_input` with the next of these."""

    async def run(stream: Stream, line: MemoryTransport) -> None:
        for count, answer in enumerate(answers, 1):
            await line.until(lambda n=count: wanted(line) >= n)  # type: ignore[misc]
            if asked is not None:
                asked.append(Clock().now())
            stream.set_input("dialog", *answer)

    return run


def wanted(line: MemoryTransport) -> int:
    return sum("send_input" in text for text in line.messages)


def test_each_turn_has_fresh_inputs_that_were_asked_for_while_it_was_spoken() -> None:
    given: list[Any] = []
    asked: list[float] = []

    def fn(audio: Any, text: str, number: int) -> Any:
        given.append((text, number))
        return beep()

    dialog = talk(made(fn), TWO, meanwhile=client([("a", 1), ("b", 2)], asked))
    assert given == [("a", 1), ("b", 2)]
    assert asked[0] == pytest.approx(1.15, abs=0.1)
    begun = [begun for begun, _ in dialog.spans]
    assert begun[0] == pytest.approx(2.05, abs=0.1)  # so no reply waits for them


def test_a_turn_waits_for_inputs_that_have_no_defaults() -> None:
    given: list[Any] = []

    async def late(stream: Stream, line: MemoryTransport) -> None:
        await Clock().sleep(3.0)
        stream.set_input("dialog", "late")

    def fn(audio: Any, text: str) -> Any:
        given.append(text)
        return beep()

    dialog = talk(made(fn), ONE, meanwhile=late)
    assert given == ["late"]
    assert dialog.spans[0][0] >= 3.0


def test_inputs_with_defaults_are_not_waited_for() -> None:
    given: list[Any] = []

    def fn(audio: Any, text: str = "default", *, other: int = 0) -> Any:
        given.append(text)
        return beep()

    assert len(talk(made(fn), TWO).spans) == 2
    assert given == ["default", "default"]


def test_a_client_that_answered_once_and_then_not_has_the_older_inputs_taken() -> None:
    given: list[Any] = []

    def fn(audio: Any, text: str) -> Any:
        given.append(text)
        return beep()

    said = np.concatenate([TWO, silence(1)])
    dialog = talk(made(fn), said, meanwhile=client([("once",)]))
    assert given == ["once", "once"]
    first, second = (begun for begun, _ in dialog.spans)
    assert second - first == pytest.approx(2.6 + 1.0, abs=0.15)  # it was waited for, but not for ever


def test_needs_args_asks_for_inputs_that_the_signature_does_not_name() -> None:
    given: list[Any] = []

    def fn(*args: Any) -> Any:
        given.append(args[1:])
        return beep()

    talk(made(fn, needs_args=True), ONE, meanwhile=client([("x", "y")]))
    assert given == [("x", "y")]


def test_a_function_without_inputs_is_not_asked_any() -> None:
    dialog = talk(made(function), TWO)
    assert not any(message["type"] == "send_input" for message in dialog.told)


def test_a_chat_goes_round_through_the_page() -> None:
    """The history goes out as an additional output and comes back as an input."""

    def fn(audio: Any, history: list[str]) -> Iterator[Any]:
        history = [*history, f"turn {len(history) + 1}"]
        yield AdditionalOutputs(history)
        yield beep()

    histories: list[list[str]] = [[]]

    async def page(stream: Stream, line: MemoryTransport) -> None:
        reading = asyncio.ensure_future(read(stream))
        for turn in range(1, 4):
            await line.until(lambda n=turn: wanted(line) >= n)  # type: ignore[misc]
            stream.set_input("dialog", histories[-1])
        await Clock().sleep(2.0)
        reading.cancel()

    async def read(stream: Stream) -> None:
        async for outputs in stream.output_stream("dialog"):
            histories.extend(outputs.args)

    talk(made(fn), THREE, meanwhile=page)
    assert histories == [[], ["turn 1"], ["turn 1", "turn 2"], ["turn 1", "turn 2", "turn 3"]]


def test_on_the_telephone_what_a_reply_puts_out_is_what_the_next_one_takes() -> None:
    given: list[Any] = []

    def fn(audio: Any, history: list[str] | None = None) -> Iterator[Any]:
        given.append(history)
        yield beep(), AdditionalOutputs([*(history or []), "turn"])

    dialog = talk(made(fn), THREE, line=lambda: MemoryTransport(rate=8000, phone=True, lead=0.2))
    assert given == [None, ["turn"], ["turn", "turn"]]
    assert dialog.told == []


def test_on_the_telephone_no_inputs_are_waited_for() -> None:
    given: list[Any] = []

    def fn(audio: Any, *rest: Any) -> Any:
        given.append(rest)
        return beep()

    talk(made(fn, needs_args=True), ONE, line=lambda: MemoryTransport(phone=True))
    assert given == [()]


def test_stereo_and_rates_are_looked_at_as_in_every_handler() -> None:
    with pytest.raises(Exception, match="multiple of 50"):
        ReplyOnPause(function, input_sample_rate=44101)
