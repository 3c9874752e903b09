"""Every form of handler works in every cell of mode and modality that it makes sense in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from rtstream import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    Stream,
    StreamHandler,
    VideoStreamHandler,
)
from rtstream.errors import HandlerUnfit
from rtstream.options import KINDS, Modality, Mode
from tests.helpers.handlers import (
    AsyncAudioVideoEcho,
    AsyncEcho,
    AudioVideoEcho,
    Echo,
    Log,
    tone,
)
from tests.helpers.media import Picture, Sound, frames_of, values
from tests.helpers.memory import calling, stepped

Maker = Callable[[Log], Any]


def function(log: Log) -> Any:
    def answer(frame: Any) -> Any:
        log.frames.append(frame)
        return frame

    return answer


def coroutine(log: Log) -> Any:
    async def answer(frame: Any) -> Any:
        log.frames.append(frame)
        return frame

    return answer


class Answerer:
    """A callable object, and the owner of methods."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def method(self, frame: Any) -> Any:
        self.log.frames.append(frame)
        return frame

    async def async_method(self, frame: Any) -> Any:
        return self.method(frame)

    def __call__(self, frame: Any) -> Any:
        return self.method(frame)


class AsyncAnswerer(Answerer):
    async def __call__(self, frame: Any) -> Any:
        return self.method(frame)


def keep(log: Log, frame: Any) -> Any:
    log.frames.append(frame)
    return frame


async def keep_async(log: Log, frame: Any) -> Any:
    return keep(log, frame)


FUNCTIONS: dict[str, Maker] = {
    "function": function,
    "coroutine": coroutine,
    "bound method": lambda log: Answerer(log).method,
    "async bound method": lambda log: Answerer(log).async_method,
    "callable object": Answerer,
    "async callable object": AsyncAnswerer,
    "partial": lambda log: partial(keep, log),
    "async partial": lambda log: partial(keep_async, log),
}


class Keeping(Echo):
    """An echo in threads that keeps what it hears."""

    def receive(self, frame: Sound) -> None:
        self.log.frames.append(frame)
        super().receive(frame)


class AsyncKeeping(AsyncEcho):
    """An echo in the loop that keeps what it hears."""

    async def receive(self, frame: Sound) -> None:
        self.log.frames.append(frame)
        await super().receive(frame)


def class_of(base: type[Any]) -> Maker:
    """A class that is made without arguments and writes into the log."""

    def make(log: Log) -> Any:
        return type("Made", (base,), {"__init__": lambda self: base.__init__(self, log)})

    return make


def factory_of(base: type[Any]) -> Maker:
    def make(log: Log) -> Any:
        def factory() -> StreamHandler:
            made: StreamHandler = base(log)
            return made

        return factory

    return make


def forms_of(sync: type[Any], coroutines: type[Any]) -> dict[str, Maker]:
    forms: dict[str, Maker] = {}
    for name, base in (("handler", sync), ("async handler", coroutines)):
        forms[f"{name} instance"] = base
        forms[f"{name} class"] = class_of(base)
        forms[f"{name} factory"] = factory_of(base)
    return forms


SOUND_HANDLERS = forms_of(Keeping, AsyncKeeping)
BOTH_HANDLERS = forms_of(AudioVideoEcho, AsyncAudioVideoEcho)


def every_yield(log: Log) -> Any:
    def answer(frame: Picture) -> Iterator[Picture]:
        log.frames.append(frame)
        yield frame

    return answer


def every_async_yield(log: Log) -> Any:
    async def answer(frame: Picture) -> AsyncIterator[Picture]:
        log.frames.append(frame)
        yield frame

    return answer


PICTURE_FUNCTIONS: dict[str, Maker] = {
    **FUNCTIONS,
    "VideoStreamHandler": lambda log: VideoStreamHandler(function(log), skip_frames=False),
    "generator of pictures": every_yield,
    "async generator of pictures": every_async_yield,
}

TALKERS: dict[tuple[Modality, Mode], dict[str, Maker]] = {
    ("audio", "send-receive"): {**FUNCTIONS, **SOUND_HANDLERS},
    ("audio", "send"): {**FUNCTIONS, **SOUND_HANDLERS},
    ("video", "send-receive"): {**PICTURE_FUNCTIONS, **BOTH_HANDLERS},
    ("video", "send"): {**PICTURE_FUNCTIONS, **BOTH_HANDLERS},
    ("audio-video", "send-receive"): {**FUNCTIONS, **BOTH_HANDLERS},
    ("audio-video", "send"): {**FUNCTIONS, **BOTH_HANDLERS},
}
TALKING = [
    pytest.param(modality, mode, make, id=f"{modality} {mode}: {name}")
    for (modality, mode), forms in TALKERS.items()
    for name, make in forms.items()
]


@pytest.mark.parametrize(("modality", "mode", "make"), TALKING)
def test_a_handler_is_given_what_is_said_and_what_it_answers_goes_back(
    modality: Modality, mode: Mode, make: Maker
) -> None:
    kinds = KINDS[modality]

    async def main() -> None:
        log = Log()
        async with calling(Stream(make(log), modality=modality, mode=mode)) as call:
            await call.talk(*frames_of(kinds, 5))
            if mode == "send-receive":
                for kind in kinds:
                    assert values(await call.until_heard(5, kind)) == values(frames_of([kind], 5))
            session = await call.hung_up()
        assert len(log.frames) == 5 * len(kinds)
        assert session.stats.errors == 0, session.errors
        assert {frame.kind for frame in call.heard()} == (set(kinds) if mode == "send-receive" else set())

    stepped(main())


def sounds_only() -> Iterator[Sound]:
    while True:
        yield tone(7)


async def sounds_only_async() -> AsyncIterator[Sound]:
    while True:
        yield tone(7)


def pictures_only() -> Iterator[Picture]:
    while True:
        yield np.full((4, 4, 3), 7, np.uint8)


async def pictures_only_async() -> AsyncIterator[Picture]:
    while True:
        yield np.full((4, 4, 3), 7, np.uint8)


def sounds_and_pictures() -> Iterator[Any]:
    while True:
        yield tone(7)
        yield np.full((4, 4, 3), 7, np.uint8)


async def sounds_and_pictures_async() -> AsyncIterator[Any]:
    for thing in sounds_and_pictures():
        yield thing


class Station:
    """Sources as methods and as callable objects."""

    def method(self) -> Iterator[Sound]:
        yield from sounds_only()

    def __call__(self) -> Iterator[Sound]:
        yield from sounds_only()


def numbered(value: int, seconds: float) -> Iterator[Sound]:
    while True:
        yield tone(value, seconds=seconds)


class Speaker(StreamHandler):
    def receive(self, frame: Sound) -> None:
        raise AssertionError("nothing is heard in this mode")

    def emit(self) -> Any:
        return tone(7)


class AsyncSpeaker(AsyncStreamHandler):
    async def receive(self, frame: Sound) -> None:
        raise AssertionError("nothing is heard in this mode")

    async def emit(self) -> Any:
        return tone(7)


class Show(AudioVideoStreamHandler):
    def receive(self, frame: Sound) -> None:
        raise AssertionError("nothing is heard in this mode")

    def video_receive(self, frame: Picture) -> None:
        raise AssertionError("nothing is seen in this mode")

    def emit(self) -> Any:
        return tone(7)

    def video_emit(self) -> Any:
        return np.full((4, 4, 3), 7, np.uint8)


class AsyncShow(AsyncAudioVideoStreamHandler):
    async def receive(self, frame: Sound) -> None:
        raise AssertionError("nothing is heard in this mode")

    async def video_receive(self, frame: Picture) -> None:
        raise AssertionError("nothing is seen in this mode")

    async def emit(self) -> Any:
        return tone(7)

    async def video_emit(self) -> Any:
        return np.full((4, 4, 3), 7, np.uint8)


SOURCES: dict[Modality, dict[str, Any]] = {
    "audio": {
        "generator": sounds_only,
        "async generator": sounds_only_async,
        "method": Station().method,
        "callable object": Station(),
        "partial": partial(numbered, 7, seconds=0.02),
        "handler instance": Speaker(),
        "handler class": Speaker,
        "handler factory": lambda: Speaker(),
        "async handler instance": AsyncSpeaker(),
        "async handler class": AsyncSpeaker,
    },
    "video": {
        "generator": pictures_only,
        "async generator": pictures_only_async,
        "VideoStreamHandler": VideoStreamHandler(pictures_only, fps=10),
        "async VideoStreamHandler": VideoStreamHandler(pictures_only_async, fps=10),
    },
    "audio-video": {
        "generator": sounds_and_pictures,
        "async generator": sounds_and_pictures_async,
        "handler instance": Show(),
        "handler class": Show,
        "async handler instance": AsyncShow(),
    },
}
SENDING = [
    pytest.param(modality, source, id=f"{modality}: {name}")
    for modality, sources in SOURCES.items()
    for name, source in sources.items()
]


@pytest.mark.parametrize(("modality", "source"), SENDING)
def test_a_source_is_heard_and_seen_without_a_word_from_the_client(modality: Modality, source: Any) -> None:
    async def main() -> None:
        async with calling(Stream(source, modality=modality, mode="receive")) as call:
            for kind in KINDS[modality]:
                assert set(values(await call.until_heard(10, kind))) == {7}
            session = await call.hung_up()
        assert session.stats.errors == 0, session.errors
        assert {frame.kind for frame in call.heard()} == set(KINDS[modality])

    stepped(main())


@pytest.mark.parametrize("modality", ["audio", "video", "audio-video"])
def test_what_comes_in_where_nothing_should_is_not_given_to_the_handler(modality: Modality) -> None:
    async def main() -> None:
        async with calling(Stream(AsyncShow(), modality=modality, mode="receive")) as call:
            call.say(*frames_of(["audio", "video"], 5))
            await call.until_heard(5)
            session = await call.hung_up()
        assert session.stats.errors == 0, session.errors

    stepped(main())


@pytest.mark.parametrize("modality", ["audio", "video", "audio-video"])
def test_a_function_that_returns_once_is_no_source(modality: Modality) -> None:
    with pytest.raises(HandlerUnfit, match="returns once") as caught:
        Stream(function(Log()), modality=modality, mode="receive")
    assert isinstance(caught.value, ValueError)
