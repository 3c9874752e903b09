"""Any form of handler is known for what it is, and what is none is refused with words."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from functools import partial, wraps
from typing import Any

import numpy as np
import pytest

from rtstream import (
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    ReplyOnPause,
    Stream,
    StreamHandler,
    VideoStreamHandler,
)
from rtstream.errors import HandlerUnfit, OptionError
from rtstream.handlers.base import StreamHandlerBase
from rtstream.handlers.callables import (
    defaults_beyond,
    is_async,
    is_async_generator,
    is_generator,
    name_of,
    places_beyond,
    takes_nothing,
)
from rtstream.handlers.functions import FunctionHandler, GeneratorHandler
from rtstream.inputs import Input


class Sound(StreamHandler):
    def __init__(self, voice: str = "low") -> None:
        super().__init__()
        self.voice = voice

    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> Any:
        pass


class Both(AudioVideoStreamHandler):
    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> Any:
        pass

    def video_receive(self, frame: Any) -> None:
        pass

    def video_emit(self) -> Any:
        pass


class Needy(Sound):
    def __init__(self, voice: str) -> None:
        super().__init__(voice)


class Half(AsyncStreamHandler):
    """Lacks its methods."""


def function(frame: Any) -> Any:
    return frame


async def coroutine(frame: Any) -> Any:
    return frame


def generator() -> Iterator[Any]:
    yield None


async def async_generator() -> AsyncIterator[Any]:
    yield None


class Callable:
    def method(self, frame: Any) -> Any:
        return frame

    async def async_method(self, frame: Any) -> Any:
        return frame

    def generator(self) -> Iterator[Any]:
        yield None

    async def async_generator(self) -> AsyncIterator[Any]:
        yield None


class AsyncCallable:
    """Has an attribute of the name that partials have."""

    def __init__(self) -> None:
        self.func = function

    async def __call__(self, frame: Any) -> Any:
        return frame


class GeneratorCallable:
    def __call__(self) -> Iterator[Any]:
        yield None


def logged(fn: Any) -> Any:
    """A decorator as users have them: for logs, times, retries."""

    @wraps(fn)
    def wrapper(*args: Any, **named: Any) -> Any:
        return fn(*args, **named)

    return wrapper


def made(handler: Any, **options: Any) -> StreamHandlerBase:
    return Stream(handler, **{"modality": "audio", **options})._make_handler()


@pytest.mark.parametrize(
    ("handler", "options", "kind"),
    [
        (Sound(), {}, Sound),
        (Sound, {}, Sound),
        (lambda: Sound(), {}, Sound),
        (partial(Sound, "high"), {}, Sound),
        (partial(Sound, voice="high"), {}, Sound),
        (Both, {"modality": "audio-video"}, Both),
        (function, {}, FunctionHandler),
        (coroutine, {}, FunctionHandler),
        (Callable().method, {}, FunctionHandler),
        (AsyncCallable(), {}, FunctionHandler),
        (partial(function), {}, FunctionHandler),
        (np.flip, {"modality": "video"}, FunctionHandler),
        (generator, {"mode": "receive"}, GeneratorHandler),
        (async_generator, {"mode": "receive"}, GeneratorHandler),
        (Callable().generator, {"mode": "receive"}, GeneratorHandler),
        (GeneratorCallable(), {"mode": "receive"}, GeneratorHandler),
        (logged(generator), {"mode": "receive"}, GeneratorHandler),
        (logged(async_generator), {"mode": "receive"}, GeneratorHandler),
        (logged(function), {}, FunctionHandler),
        (VideoStreamHandler(function), {"modality": "video"}, FunctionHandler),
        (VideoStreamHandler(generator), {"modality": "video", "mode": "receive"}, GeneratorHandler),
    ],
)
def test_every_form_becomes_a_handler(handler: Any, options: Any, kind: type[Any]) -> None:
    assert type(made(handler, **options)) is kind


def test_a_generator_that_answers_sound_takes_turns() -> None:
    def answer(audio: Any) -> Iterator[Any]:
        yield audio

    assert isinstance(made(answer), ReplyOnPause)


def typed_factory(voice: str = "high") -> Sound:
    return Sound(voice)


def test_a_factory_with_parameters_is_known_by_its_annotation() -> None:
    handler = made(typed_factory)
    assert isinstance(handler, Sound) and handler.voice == "high"


def test_each_connection_has_a_handler_of_its_own_made_alike() -> None:
    stream = Stream(Sound("high"), modality="audio")
    one, two = stream._make_handler(), stream._make_handler()
    assert one is not two is not stream.event_handler
    assert isinstance(one, Sound) and isinstance(two, Sound)
    assert one.voice == two.voice == "high"


@pytest.mark.parametrize(
    ("handler", "options", "words"),
    [
        (7, {}, "cannot be called"),
        ("handler.py", {}, "cannot be called"),
        (None, {}, "cannot be called"),
        (Needy, {}, "cannot be made"),
        (Half, {}, "cannot be made"),
        (Sound, {"modality": "video"}, "handles sound only"),
        (Sound(), {"modality": "audio-video"}, "handles sound only"),
        (function, {"mode": "receive"}, "returns once"),
        (coroutine, {"mode": "receive"}, "returns once"),
        (VideoStreamHandler(function), {"modality": "video", "mode": "receive"}, "returns once"),
        (VideoStreamHandler(7), {"modality": "video"}, "cannot be called"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_handler_is_refused_when_the_stream_is_made(
    handler: Any, options: Any, words: str
) -> None:
    with pytest.raises(HandlerUnfit, match=words) as caught:
        Stream(handler, **{"modality": "audio", **options})
    assert isinstance(caught.value, ValueError)
    assert caught.value.fix


@pytest.mark.parametrize("by_class", [True, False])
def test_a_way_of_fastrtc_to_find_turns_is_refused_and_not_left_out_in_silence(by_class: bool) -> None:
    class Walkie(ReplyOnPause):
        def __init__(self) -> None:
            super().__init__(lambda audio: audio)

        def determine_pause(self, audio: Any, sampling_rate: int, state: Any) -> bool:
            return False

    with pytest.raises(HandlerUnfit, match=r"`Walkie\.determine_pause` would never be called"):
        Stream(Walkie if by_class else Walkie(), modality="audio")


def yields(self: Any, *frame: Any) -> Iterator[Any]:
    yield frame


async def yields_later(self: Any, *frame: Any) -> AsyncIterator[Any]:
    yield frame


@pytest.mark.parametrize("method", [yields, yields_later])
@pytest.mark.parametrize("name", ["start_up", "receive", "emit", "video_receive", "video_emit", "shutdown"])
def test_a_method_that_yields_is_refused_and_not_passed_over_in_silence(name: str, method: Any) -> None:
    handler = type("Yielding", (Both,), {name: method})
    with pytest.raises(HandlerUnfit, match=rf"`Yielding\.{name}` yields") as caught:
        Stream(handler(), modality="audio-video")
    assert caught.value.why and caught.value.fix


@pytest.mark.parametrize(
    ("name", "method", "fix"),
    [
        ("receive", lambda self: None, "`def receive(self, frame)`"),
        ("receive", lambda self, rate, samples: None, "`def receive(self, frame)`"),
        ("emit", lambda self, frame: None, "`def emit(self)`"),
        ("start_up", lambda self, name: None, "`def start_up(self)`"),
    ],
)
def test_a_method_that_does_not_take_what_it_is_called_with_is_refused(
    name: str, method: Any, fix: str
) -> None:
    with pytest.raises(HandlerUnfit, match="cannot be called") as caught:
        Stream(type("Odd", (Sound,), {name: method})("high"), modality="audio")
    assert fix in (caught.value.fix or "")


def test_a_method_may_take_more_and_tell_nothing_of_itself() -> None:
    class Roomy(Sound):
        def receive(self, frame: Any, *more: Any, loud: bool = False) -> None: ...

        emit = dict

    assert isinstance(made(Roomy("high")), Roomy)


def two_places(frame: Any, level: float) -> Any: ...


def no_place(frame: Any) -> Any: ...


def yields_for_two(frame: Any, level: float) -> Iterator[Any]:
    yield frame


def source_of_one(level: float) -> Iterator[Any]:
    yield level


@pytest.mark.parametrize(
    ("handler", "inputs", "options", "words"),
    [
        (two_places, 2, {}, r"`two_places\(frame: .*` cannot be called with 2 inputs: too many"),
        (two_places, 0, {}, "with 0 inputs: missing a required argument: 'level'"),
        (yields_for_two, 2, {}, "with 2 inputs"),
        (yields_for_two, 2, {"modality": "video"}, "with 2 inputs"),
        (ReplyOnPause(two_places), 2, {}, "with 2 inputs"),
        (source_of_one, 2, {"mode": "receive"}, "with 2 inputs"),
        (VideoStreamHandler(two_places), 3, {"modality": "video"}, "with 3 inputs"),
        (lambda frame, one, two: frame, 1, {}, "with one input: missing a required argument: 'two'"),
    ],
)
def test_inputs_that_the_handler_has_no_place_for_are_told_of_when_the_stream_is_made(
    handler: Any, inputs: int, options: dict[str, Any], words: str
) -> None:
    declared = [Input(f"input {place}", 0.0) for place in range(inputs)]
    with pytest.raises(HandlerUnfit, match=words) as caught:
        Stream(handler, additional_inputs=declared, **{"modality": "audio", **options})
    assert "additional_inputs" in caught.value.why


@pytest.mark.parametrize(
    ("handler", "options"),
    [
        (two_places, {}),
        (lambda *everything: None, {}),
        (ReplyOnPause(two_places), {}),
        (no_place, {}),  # which is given nothing beyond the sound
        (ReplyOnPause(no_place), {}),
        (source_of_one, {"mode": "receive"}),
        (max, {}),  # tells nothing of itself
    ],
)
def test_a_handler_with_a_place_for_each_input_is_taken(handler: Any, options: dict[str, Any]) -> None:
    declared = [Input("level", 0.0)]
    assert isinstance(made(handler, additional_inputs=declared, **options), StreamHandlerBase)


def iter_nothing() -> Iterator[Any]:
    yield from ()


@pytest.mark.parametrize("name", ["fn", "startup_fn"])
def test_a_reply_that_was_called_instead_of_passed_is_refused_when_it_is_made(name: str) -> None:
    given: dict[str, Any] = {"fn": lambda audio: audio, name: iter_nothing()}
    with pytest.raises(HandlerUnfit, match=f"`{name}` is <generator object") as caught:
        ReplyOnPause(**given)
    assert "without calling it" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("factory", "options", "words"),
    [
        (lambda: None, {}, "gave None, not a handler"),
        (lambda: 7, {}, "gave 7, not a handler"),
        (lambda: Needy(), {}, "cannot be made"),  # type: ignore[call-arg]
        (lambda: Sound(), {"modality": "audio-video"}, "handles sound only"),
    ],
)
def test_a_factory_that_makes_no_fitting_handler_is_refused_at_the_connection(
    factory: Any, options: Any, words: str
) -> None:
    with pytest.raises(HandlerUnfit, match=words):
        made(factory, **options)


def test_a_function_that_forgot_its_parameter_is_told_what_it_was_taken_for() -> None:
    def louder() -> None: ...

    with pytest.raises(HandlerUnfit, match=r"louder\(\) gave None") as caught:
        made(louder)
    assert "takes no arguments" in caught.value.why
    assert "`def louder(audio): …`" in caught.value.fix


@pytest.mark.parametrize("fps", [0, -1, math.nan, math.inf])
def test_a_rate_of_pictures_that_cannot_be_is_refused(fps: float) -> None:
    with pytest.raises(OptionError, match="fps"):
        Stream(VideoStreamHandler(generator, fps=fps), modality="video", mode="receive")
    with pytest.raises(OptionError, match="fps"):
        StreamHandlerBase(fps=fps)


@pytest.mark.parametrize(
    ("fn", "coroutine_", "generator_", "async_generator_"),
    [
        (function, False, False, False),
        (coroutine, True, False, False),
        (generator, False, True, False),
        (async_generator, False, True, True),
        (Callable().method, False, False, False),
        (Callable().async_method, True, False, False),
        (Callable().generator, False, True, False),
        (Callable().async_generator, False, True, True),
        (AsyncCallable(), True, False, False),
        (GeneratorCallable(), False, True, False),
        (partial(partial(coroutine)), True, False, False),
        (partial(AsyncCallable()), True, False, False),
        (partial(generator), False, True, False),
        (logged(generator), False, True, False),
        (partial(logged(async_generator)), False, True, True),
        (logged(coroutine), False, False, False),  # a thread gets it, and what it gives is awaited
        (np.flip, False, False, False),
        (max, False, False, False),
        (Sound, False, False, False),
    ],
)
def test_what_a_callable_gives_is_told_from_outside(
    fn: Any, coroutine_: bool, generator_: bool, async_generator_: bool
) -> None:
    assert (is_async(fn), is_generator(fn), is_async_generator(fn)) == (
        coroutine_,
        generator_,
        async_generator_,
    )


def many(frame: Any, a: int, b: int = 2, *rest: Any, c: int = 3, **more: Any) -> None: ...


def test_parameters_beyond_the_media_are_the_inputs() -> None:
    assert defaults_beyond(function, 1) == []
    assert defaults_beyond(many, 1) is None
    assert defaults_beyond(partial(many, a=1), 1) == []
    assert defaults_beyond(lambda frame, a=1, b="x": None, 1) == [1, "x"]
    assert defaults_beyond(np.flip, 1) == [None]
    assert len(places_beyond(many, 1)) == 2
    assert places_beyond(max, 0) == []  # builtins tell nothing of themselves
    assert takes_nothing(lambda: None) and not takes_nothing(function) and not takes_nothing(max)


def test_a_callable_has_the_name_that_its_author_gave_it() -> None:
    assert name_of(function) == "function"
    assert name_of(Callable().method) == "method"
    assert name_of(partial(function)) == "function"
    assert name_of(GeneratorCallable()) == "GeneratorCallable"
