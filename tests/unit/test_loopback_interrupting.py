"""A caller who speaks over a reply: when, with what, and when they hang up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtstream.errors import MediaFileError, OptionError
from rtstream.loopback.interrupting import Interrupting, Interruption, end_of_words
from rtstream.loopback.plan import Plan
from rtstream.media.files import Clip, ClipWriter
from rtstream.media.frames import AudioFrame, Kind, VideoFrame
from rtstream.options import Mode
from tests.unit.signals import sound

RATE = 16000
SOUND: tuple[Kind, ...] = ("audio",)


def clip(path: Path, *parts: float) -> Clip:
    """So many seconds of a tone and of silence by turns."""
    with ClipWriter(path) as writer:
        for number, seconds in enumerate(parts):
            silence = AudioFrame(np.zeros((1, round(seconds * RATE)), np.int16), RATE)
            writer.audio(silence if number % 2 else sound(440, seconds, RATE))
    return Clip.open(path)


@pytest.fixture
def question(tmp_path: Path) -> Clip:
    """Half a second of something said, and two of silence."""
    return clip(tmp_path / "question.wav", 0.5, 2.0)


@pytest.fixture
def words(tmp_path: Path) -> Clip:
    return clip(tmp_path / "words.wav", 0.3)


def call(script: Interrupting, *reply: tuple[float, float]) -> list[float]:
    """Run a call in which a reply is heard from when to when; when something loud was said."""
    loud: list[float] = []
    for at, frame in script.ticks():
        heard = [min(ended, at + 0.02) for begun, ended in reply if begun <= at]
        if script.over(at, max(heard, default=0.0)):
            return loud
        if frame is not None and np.abs(frame.samples).max() > 1000:
            loud.append(round(at, 3))
    raise AssertionError("nobody hung up")


def made(question: Clip, words: Clip, after: float) -> Interrupting:
    return Interrupting(question, SOUND, "send-receive", 1.0, Interruption(after, words))


def test_the_words_end_where_they_end_not_where_the_file_does(question: Clip) -> None:
    assert end_of_words(question) == pytest.approx(0.5, abs=0.02)


def test_a_recording_without_words_is_over_at_its_end(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "silence.wav") as writer:
        writer.audio(AudioFrame(np.zeros((1, RATE), np.int16), RATE))
    assert end_of_words(Clip.open(tmp_path / "silence.wav")) == pytest.approx(1.0)


@pytest.mark.parametrize("after", [0.0, 0.4, 2.0])
def test_it_is_said_so_long_after_the_reply_began_and_once(question: Clip, words: Clip, after: float) -> None:
    script = made(question, words, after)
    loud = call(script, (1.0, 9.0))
    over = [at for at in loud if at > 0.5]
    assert script.spoke_over == over[0] == pytest.approx(1.0 + after, abs=0.021)
    assert len(over) == 15
    assert script.seconds == pytest.approx(over[0] + 0.3)


def test_a_reply_to_earlier_words_is_not_the_one(tmp_path: Path, words: Clip) -> None:
    two = clip(tmp_path / "two.wav", 0.5, 2.0, 0.5, 0.5)
    script = made(two, words, 0.5)
    call(script, (1.0, 2.0), (3.4, 6.0))
    assert script.spoke_over == pytest.approx(3.9, abs=0.021)


def test_a_reply_that_is_over_by_then_is_not_interrupted(question: Clip, words: Clip) -> None:
    script = made(question, words, 1.5)
    assert [at for at in call(script, (1.0, 1.4)) if at > 0.5] == []
    assert script.spoke_over is None


def test_without_a_reply_there_is_nothing_to_speak_over(question: Clip, words: Clip) -> None:
    script = made(question, words, 0.0)
    call(script)
    assert script.spoke_over is None


def test_nobody_hangs_up_while_they_speak(question: Clip, tmp_path: Path) -> None:
    long = clip(tmp_path / "long.wav", 5.0)
    script = made(question, long, 0.5)
    assert call(script, (1.0, 1.8))[-1] == pytest.approx(1.5 + 5.0, abs=0.05)


@pytest.mark.parametrize("mode, kinds", [("send", SOUND), ("receive", SOUND), ("send-receive", ("video",))])
def test_only_a_stream_that_talks_can_be_interrupted(
    question: Clip, words: Clip, mode: Mode, kinds: tuple[Kind, ...]
) -> None:
    plan = Plan("http://127.0.0.1", question, mode, kinds, interruption=Interruption(1.0, words))
    with pytest.raises(OptionError, match="no reply can be interrupted"):
        plan.check()


def test_a_film_without_sound_cannot_interrupt(question: Clip, tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "film.mp4", fps=10) as writer:
        for number in range(5):
            writer.video(VideoFrame(np.zeros((32, 32, 3), np.uint8)), number / 10)
    silent = Interruption(1.0, Clip.open(tmp_path / "film.mp4"))
    with pytest.raises(MediaFileError, match="has no sound"):
        Plan("http://127.0.0.1", question, "send-receive", SOUND, interruption=silent).check()
