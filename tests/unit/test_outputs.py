"""What a handler may give back, told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rtstream import AdditionalOutputs, CloseStream, WebRTCError
from rtstream.errors import HandlerReturnedNonsense
from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.outputs import parse

SAMPLES = np.arange(4, dtype=np.int16)
SOUND = (24000, SAMPLES)
PICTURE = np.zeros((2, 3, 3), np.uint8)
BESIDE = AdditionalOutputs("a")
END = CloseStream("bye")


def kinds(value: Any) -> list[str]:
    return [type(item).__name__ for item in parse(value)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        (BESIDE, ["AdditionalOutputs"]),
        (END, ["CloseStream"]),
        (SOUND, ["AudioFrame"]),
        ((24000, SAMPLES, "mono"), ["AudioFrame"]),
        ((24000, SAMPLES, "stereo"), ["AudioFrame"]),
        ((24000, SAMPLES, None), ["AudioFrame"]),
        (PICTURE, ["VideoFrame"]),
        (AudioFrame(SAMPLES[None], 24000), ["AudioFrame"]),
        (VideoFrame(PICTURE), ["VideoFrame"]),
        ((SOUND, BESIDE), ["AudioFrame", "AdditionalOutputs"]),
        ((SOUND, END), ["AudioFrame", "CloseStream"]),
        ((PICTURE, BESIDE), ["VideoFrame", "AdditionalOutputs"]),
        ((PICTURE, END), ["VideoFrame", "CloseStream"]),
        ((None, BESIDE), ["AdditionalOutputs"]),
        ([SOUND, PICTURE, None, BESIDE], ["AudioFrame", "VideoFrame", "AdditionalOutputs"]),
        ([], []),
    ],
)
def test_every_form_is_known(value: Any, expected: list[str]) -> None:
    assert kinds(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "text",
        7,
        b"x",
        {},
        object(),
        (),
        (1,),
        (1, 2),
        (24000, [1, 2]),
        (SAMPLES, SAMPLES),
        (24000, SAMPLES, 7),
    ],
)
def test_all_else_is_nonsense_and_says_what_to_return(value: Any) -> None:
    with pytest.raises(HandlerReturnedNonsense) as caught:
        parse(value)
    assert caught.value.why or caught.value.fix


class Pillow:
    """As an image of PIL describes itself to numpy."""

    __array_interface__: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((24000, SAMPLES.tobytes()), "np.frombuffer"),
        ((24000, [0.1, 0.2]), "np.asarray"),
        ((24000, memoryview(SAMPLES.tobytes())), "np.asarray"),
        ((24000.0, SAMPLES), "(24000, samples)"),
        ((SAMPLES, 24000), "the other way round"),
        ((BESIDE, SOUND), "the media first"),
        ("What I heard", "AdditionalOutputs(text)"),
        (WebRTCError("no key"), "Raise it"),
        (Pillow(), "np.asarray(image"),
    ],
)
def test_who_gave_back_something_close_is_told_how_it_is_meant(value: Any, words: str) -> None:
    with pytest.raises(HandlerReturnedNonsense) as caught:
        parse(value)
    assert words in (caught.value.fix or "")


def test_an_array_is_never_written_out_in_an_error() -> None:
    with pytest.raises(HandlerReturnedNonsense) as caught:
        parse((PICTURE, PICTURE))
    assert len(caught.value.what) < 120


@pytest.mark.parametrize("array", [SAMPLES, SAMPLES[None], SAMPLES[None] / 9])
def test_sound_without_its_rate_is_told_to_need_it(array: Any) -> None:
    with pytest.raises(HandlerReturnedNonsense, match="without a rate") as caught:
        parse(array)
    assert "(rate, array)" in caught.value.fix


def test_a_picture_stays_for_its_own_time_or_else_for_the_sources() -> None:
    (own, given) = parse([VideoFrame(PICTURE, 0.5), PICTURE], frame_seconds=0.1)
    assert isinstance(own, VideoFrame) and own.duration == 0.5
    assert isinstance(given, VideoFrame) and given.duration == 0.1


def test_sound_is_kept_apart_from_the_array_it_came_in() -> None:
    samples = np.zeros(480, np.int16)
    (frame,) = parse((24000, samples))
    samples[:] = 7
    assert isinstance(frame, AudioFrame)
    assert not frame.samples.any()


def test_outputs_can_be_looked_at() -> None:
    assert AdditionalOutputs(1, "x").args == (1, "x")
    assert repr(AdditionalOutputs(1, "x")) == "AdditionalOutputs(1, 'x')"
    assert repr(CloseStream("bye")) == "CloseStream('bye')"
    assert CloseStream().msg == "Stream closed"


def test_a_webrtc_error_is_made_without_sending_anything() -> None:
    error = WebRTCError("words")
    assert (error.message, str(error)) == ("words", "words")
