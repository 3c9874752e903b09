"""What is read from a handler: modality and mode, and what is said when they cannot be known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rtstream
from rtstream.errors import HandlerAmbiguous, HandlerUnfit
from rtstream_cli import builtins, infer

Sound = tuple[int, np.ndarray]
TypedSound = tuple[int, NDArray[np.int16]]


class Voice(rtstream.AsyncStreamHandler):
    async def receive(self, frame: Any) -> None: ...
    async def emit(self) -> Any: ...


class Face(rtstream.AsyncAudioVideoStreamHandler):
    async def receive(self, frame: Any) -> None: ...
    async def emit(self) -> Any: ...
    async def video_receive(self, frame: Any) -> None: ...
    async def video_emit(self) -> Any: ...


class Caller:
    def __call__(self, sound: Sound) -> Sound:
        return sound

    def method(self, picture: np.ndarray) -> np.ndarray:
        return picture


def by_annotation(x: Sound) -> Sound:
    return x


def by_typed_annotation(x: TypedSound, gain: float = 1.0) -> TypedSound:
    return x


def by_array(x: np.ndarray) -> np.ndarray:
    return x


def by_typed_array(x: NDArray[np.uint8]) -> Any:
    return x


def by_optional(x: Sound | None) -> Any:
    return x


def by_name(audio):  # type: ignore[no-untyped-def]
    return audio


def by_picture_name(image):  # type: ignore[no-untyped-def]
    return image


def by_return(x: object) -> Sound:
    return 8000, np.zeros((1, 160), np.int16)


async def listener(audio: Sound) -> None: ...


def sounds() -> Iterator[Sound]:
    yield 8000, np.zeros((1, 160), np.int16)


async def pictures(speed: float = 1.0) -> AsyncIterator[np.ndarray]:
    yield np.zeros((2, 2, 3), np.uint8)


def factory() -> Voice:
    made = Voice()
    assert isinstance(made, Voice)
    return made


def each(image: np.ndarray) -> Iterator[np.ndarray]:
    yield image


TOLD: list[tuple[Any, str, str]] = [
    (Voice, "audio", "send-receive"),
    (Voice(), "audio", "send-receive"),
    (Face(), "audio-video", "send-receive"),
    (rtstream.VideoStreamHandler(by_array), "video", "send-receive"),
    (rtstream.VideoStreamHandler(pictures), "video", "receive"),
    (by_annotation, "audio", "send-receive"),
    (by_typed_annotation, "audio", "send-receive"),
    (partial(by_typed_annotation, gain=2.0), "audio", "send-receive"),
    (by_array, "video", "send-receive"),
    (by_typed_array, "video", "send-receive"),
    (by_optional, "audio", "send-receive"),
    (by_name, "audio", "send-receive"),
    (by_picture_name, "video", "send-receive"),
    (by_return, "audio", "send-receive"),
    (Caller(), "audio", "send-receive"),
    (Caller().method, "video", "send-receive"),
    (factory, "audio", "send-receive"),
    (listener, "audio", "send"),
    (sounds, "audio", "receive"),
    (pictures, "video", "receive"),
    (each, "video", "send-receive"),
    (builtins.echo, "audio", "send-receive"),
    (builtins.parrot, "audio", "send-receive"),
    (builtins.mirror, "video", "send-receive"),
    (builtins.tone, "audio", "receive"),
    (builtins.clock, "video", "receive"),
]


@pytest.mark.parametrize(("handler", "modality", "mode"), TOLD)
def test_a_handler_tells_what_flows_and_which_way(handler: Any, modality: str, mode: str) -> None:
    reading = infer.read(handler, "handler.py:x")
    assert (reading.modality, reading.mode) == (modality, mode)
    assert reading.because


def test_what_is_given_wins_over_what_the_handler_tells() -> None:
    reading = infer.read(builtins.echo, "@echo", "video", "send")
    assert (reading.modality, reading.mode) == ("video", "send")


def unclear(x):  # type: ignore[no-untyped-def]
    return x


def unclear_frame(frame: Any) -> Any:
    return frame


def unclear_source():  # type: ignore[no-untyped-def]
    yield 1


@pytest.mark.parametrize("handler", [unclear, unclear_frame, unclear_source, lambda x: x])
def test_when_both_are_possible_both_readings_and_the_flag_are_shown(handler: Callable[..., Any]) -> None:
    with pytest.raises(HandlerAmbiguous) as caught:
        infer.read(handler, "handler.py:x")
    assert "(rate, samples)" in caught.value.why
    assert "pixels" in caught.value.why
    assert "--modality audio" in caught.value.fix
    assert infer.read(handler, "handler.py:x", "audio").modality == "audio"


def test_what_cannot_be_called_is_no_handler() -> None:
    with pytest.raises(HandlerUnfit):
        infer.read(8000, "handler.py:RATE")


def test_an_annotation_that_only_a_type_checker_knows_does_no_harm() -> None:
    def strange(audio: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821, UP037

    assert infer.read(strange, "handler.py:strange").modality == "audio"


def test_the_clock_shows_signs_and_the_tone_sounds() -> None:
    first, second = (next(it) for it in (builtins.clock(), builtins.clock()))
    assert first.shape == (240, 320, 3)
    assert 0.005 < np.mean(first == 255) < 0.2
    assert np.array_equal(first, second)
    running = builtins.tone()
    sound = np.concatenate([next(running)[1] for _ in range(50)], axis=1)[0] / 32768
    spectrum = np.abs(np.fft.rfft(sound))
    assert int(spectrum.argmax()) == 440
