"""What a caller says, when it has said it, and when it hangs up."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from rtstream.loopback.plan import Plan
from rtstream.media.files import Clip, ClipWriter
from rtstream.media.frames import Kind, VideoFrame
from rtstream.options import Mode
from rtstream.transports.file import Script
from tests.unit.signals import sound

SOUND: tuple[Kind, ...] = ("audio",)
PICTURES: tuple[Kind, ...] = ("video",)
BOTH: tuple[Kind, ...] = ("audio", "video")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Half a second of a tone and five pictures."""
    path = tmp_path_factory.mktemp("script") / "film.mp4"
    with ClipWriter(path, fps=10) as writer:
        writer.audio(sound(440, 0.5, 48000))
        for number in range(5):
            writer.video(VideoFrame(np.full((32, 32, 3), 50 * number, np.uint8)), number / 10)
    return Clip.open(path)


@pytest.fixture(scope="module")
def word(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Half a second of a tone."""
    path = tmp_path_factory.mktemp("script") / "word.wav"
    with ClipWriter(path) as writer:
        writer.audio(sound(440, 0.5, 16000))
    return Clip.open(path)


def said(clip: Clip, kinds: tuple[Kind, ...], mode: Mode = "send-receive") -> Script:
    """A script of which all has been said."""
    script = Script(clip, kinds, mode)
    list(islice(script.ticks(), 60))
    list(script.pictures())
    return script


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 48000])
def test_the_recording_is_said_every_20_ms_and_silence_after_it(word: Clip, rate: int) -> None:
    ticks = list(islice(Script(word, SOUND).ticks(rate), 50))
    assert [at for at, _ in ticks] == pytest.approx([0.02 * number for number in range(50)], abs=0.005)
    loud = [frame is not None and bool(frame.samples.any()) for _, frame in ticks]
    assert all(loud[:25]) and not any(loud[27:])
    assert all(frame is not None and frame.rate == rate for _, frame in ticks)


def test_where_no_sound_is_said_the_ticks_are_empty(film: Clip) -> None:
    for script in (Script(film, PICTURES), Script(film, BOTH, "receive")):
        assert [frame for _, frame in islice(script.ticks(), 5)] == [None] * 5
    assert list(Script(film, SOUND).pictures()) == []
    assert len(list(Script(film, BOTH).pictures())) == 5


def test_nobody_hangs_up_before_all_is_said(film: Clip) -> None:
    script = Script(film, BOTH)
    list(islice(script.ticks(), 60))
    assert not script.over(100.0, 0.0)
    list(script.pictures())
    assert script.over(100.0, 0.0)


def test_one_who_was_answered_hangs_up_a_second_after_the_last_word(word: Clip) -> None:
    script = said(word, SOUND)
    assert not script.over(1.49, 0.4)
    assert script.over(1.5, 0.4)
    assert not script.over(3.9, 3.0)
    assert script.over(4.0, 3.0)


def test_one_who_never_was_answered_is_more_patient(word: Clip) -> None:
    assert not said(word, SOUND).over(6.4, 0.0)
    assert said(word, SOUND).over(6.5, 0.0)


def test_one_who_is_answered_without_end_leaves_after_half_a_minute(word: Clip) -> None:
    assert not said(word, SOUND).over(30.4, 30.4)
    assert said(word, SOUND).over(30.5, 30.5)


def test_one_who_expects_no_answer_leaves_a_second_after_the_end(word: Clip) -> None:
    assert not said(word, SOUND, "send").over(1.4, 0.0)
    assert said(word, SOUND, "send").over(1.5, 0.0)


def test_one_who_only_listens_does_so_for_as_long_as_the_recording(word: Clip) -> None:
    script = Script(word, SOUND, "receive")
    assert not script.over(0.49, 0.4)
    assert script.over(0.5, 0.4)


def test_a_recording_lasts_as_long_as_it_does_whatever_its_header_says(word: Clip) -> None:
    assert said(replace(word, duration=9.0), SOUND).seconds == pytest.approx(0.5, abs=0.03)
    assert said(replace(word, duration=0.1), SOUND).seconds == pytest.approx(0.5, abs=0.03)
    assert said(word, SOUND).seconds == 0.5


def test_only_the_sound_goes_where_only_sound_can(film: Clip) -> None:
    plan = Plan("http://127.0.0.1", film, "send-receive", BOTH)
    assert [plan.script(way).says_pictures for way in ("direct", "websocket", "phone", "webrtc")] == [
        True,
        False,
        False,
        True,
    ]
