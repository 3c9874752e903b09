"""What callers of a crowd say, and how late answers are found to be, out of sound that was made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtstream.loopback.crowd.figures import PATIENCE, Figures, Trial, figures_of, trial_of
from rtstream.loopback.crowd.voice import RATE, Again, Voice
from rtstream.loopback.result import Result
from rtstream.loopback.taken import Taken
from rtstream.loopback.turns import Turn
from rtstream.media.files import Clip, ClipWriter
from rtstream.media.frames import FRAME_SECONDS, AudioFrame
from rtstream.options import Mode

PERIOD = 2.0
AT_ONCE = Trial("at once", PERIOD, 0.05)
SILENCE = AudioFrame(np.zeros((1, 320), np.int16), RATE)


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    """Half a second of silence, then half a second of a tone, in a period of two."""
    path = tmp_path / "said.wav"
    tone = (12000 * np.sin(np.arange(RATE // 2) * 0.3)).astype(np.int16)
    with ClipWriter(path) as file:
        file.audio(AudioFrame(np.concatenate([np.zeros(RATE // 2, np.int16), tone])[None], RATE))
    return Voice(Clip.open(path), PERIOD)


def call(voice: Voice, delay: float, seconds: float, lost: frozenset[int] = frozenset()) -> Taken:
    """What a caller brings home of an echo that comes so much later; `lost` are rounds that do not."""
    taken = Taken("webrtc", started=100.0)
    frames = voice.frames(RATE)
    for number in range(round(seconds / FRAME_SECONDS)):
        at, place = 100.0 + number * FRAME_SECONDS, number % voice.count
        taken.said.append((at, voice.levels[place]))
        taken.hear(SILENCE if number // voice.count in lost else frames[place], at + delay)
    return taken


def test_a_recording_is_said_once_in_a_period_with_silence_behind_it(voice: Voice) -> None:
    frames = voice.frames(RATE)
    assert len(frames) == voice.count == 100 and voice.period == PERIOD
    assert [bool(frame.samples.any()) for frame in frames] == [False] * 25 + [True] * 25 + [False] * 50
    assert len(voice.packets) == 100


def test_a_period_is_never_shorter_than_the_recording(voice: Voice) -> None:
    assert Voice(voice.clip, 0.1).period == pytest.approx(1.0)


def test_a_beginning_is_found_to_within_its_frame(voice: Voice) -> None:
    assert voice.begins == [(25, 0.0)]


def test_it_is_said_again_and_again_until_others_say_it_is_over(voice: Voice) -> None:
    over, begun = [False], list[bool]()
    script = Again(voice, "send-receive", lambda: over[0], lambda: begun.append(True))
    ticks = script.ticks(8000)
    said = [next(ticks) for _ in range(150)]
    assert begun == [True]
    assert said[130][0] == pytest.approx(2.6)
    assert said[130][1] is said[30][1] is not None
    assert not script.over(1000.0, 0.0)
    over[0] = True
    assert script.over(0.0, 0.0)


def test_who_only_listens_says_nothing(voice: Voice) -> None:
    ticks = Again(voice, "receive", lambda: False, lambda: None).ticks()
    assert [next(ticks)[1] for _ in range(3)] == [None] * 3


def test_an_echo_is_as_late_as_it_is(voice: Voice) -> None:
    found = figures_of(call(voice, 0.0875, 10.0), AT_ONCE, voice, 102.0, 108.0)
    assert found.asked == 3 and found.missed == 0
    assert found.delays == pytest.approx([0.0875] * 3, abs=0.003)
    assert found.sound == pytest.approx(6.0, abs=0.021)


def test_an_answer_that_does_not_come_is_missed_and_not_taken_for_the_next_one(voice: Voice) -> None:
    found = figures_of(call(voice, 0.05, 10.0, lost=frozenset({2})), AT_ONCE, voice, 102.0, 108.0)
    assert (found.asked, found.missed) == (3, 1)
    assert found.delays == pytest.approx([0.05] * 2, abs=0.003)


def test_what_was_said_so_late_that_its_answer_may_be_on_its_way_is_not_asked_for(voice: Voice) -> None:
    begin = 104.5
    for spare, asked in ((0.1, 1), (-0.1, 0)):
        until = begin + AT_ONCE.answer + PATIENCE + spare
        assert figures_of(call(voice, 0.05, 10.0), AT_ONCE, voice, 104.0, until).asked == asked


def test_where_nothing_was_heard_all_is_missed(voice: Voice) -> None:
    taken = call(voice, 0.05, 10.0)
    taken.audio.clear()
    found = figures_of(taken, AT_ONCE, voice, 102.0, 108.0)
    assert (found.asked, found.missed, found.delays, found.sound) == (3, 3, [], 0)


def test_who_has_said_nothing_is_owed_nothing(voice: Voice) -> None:
    assert figures_of(Taken("phone"), AT_ONCE, voice, 0.0, 10.0).asked == 0


def test_a_reply_is_as_late_as_it_comes_after_the_end_of_speech(voice: Voice) -> None:
    trial = Trial("turns", PERIOD, 0.3, ends=(1.0,))
    frames = voice.frames(RATE)
    taken = Taken("phone", started=100.0)
    for number in range(500):
        at, place = 100.0 + number * FRAME_SECONDS, number % voice.count
        taken.said.append((at, voice.levels[place]))
        if 65 <= place < 85 and number // voice.count != 2:  # 0.3 s after the end, but for one turn
            taken.hear(frames[30], at)
    found = figures_of(taken, trial, voice, 100.0, 110.0)
    assert (found.asked, found.missed) == (4, 1)  # the fifth reply may still be on its way
    assert found.delays == pytest.approx([0.3] * 3, abs=0.021)


def test_sound_that_comes_by_itself_is_as_late_as_it_keeps_one_waiting(voice: Voice) -> None:
    taken = Taken("webrtc", started=100.0)
    for number in range(100):
        taken.hear(SILENCE, 100.0 + number * FRAME_SECONDS + (0.1 if number == 50 else 0.0))
    found = figures_of(taken, Trial("by itself", PERIOD), voice, 100.0, 102.0)
    assert max(found.delays) == pytest.approx(0.1)
    assert sorted(found.delays)[-2] == pytest.approx(0.0, abs=1e-6)
    assert found.asked == 0


def test_why_the_server_ended_a_call_is_told_in_its_words(voice: Voice) -> None:
    taken = call(voice, 0.05, 3.0)
    taken.read('{"type": "end_stream", "data": "bye", "reason": "time_limit"}', 103.0)
    taken.read('{"type": "error", "code": "RT3005", "message": "no good"}', 103.0)
    found = figures_of(taken, AT_ONCE, voice, 100.0, 103.0)
    assert found.reasons == ["time_limit"]
    assert [error["code"] for error in found.errors] == ["RT3005"]


def test_figures_add_up_and_each_error_is_told_once() -> None:
    total = Figures(delays=[0.1], asked=2, missed=1, calls=1, errors=[{"code": "a"}], reasons=["r"])
    total.add(
        Figures(delays=[0.2], asked=1, sound=3.0, calls=1, gone=1, errors=[{"code": "a"}], reasons=["r"])
    )
    assert total.as_dict() == {
        "delays": [0.1, 0.2],
        "asked": 3,
        "missed": 1,
        "sound": 3.0,
        "calls": 2,
        "refused": 0,
        "gone": 1,
        "errors": [{"code": "a"}],
        "reasons": ["r"],
    }


REPLY = Turn(0.5, 1.0, reply=1.4, reply_ended=2.4, latency_ms=400.0)


@pytest.mark.parametrize(
    ("result", "mode", "trial"),
    [
        (Result("webrtc", first_audio_ms=30.0), "send-receive", Trial("at once", 1.5, 0.03)),
        (Result("webrtc", turns=[REPLY]), "send-receive", Trial("turns", 3.4, 0.4, (1.0,))),
        (
            Result("webrtc", turns=[REPLY, Turn(2.0, 3.0)], first_audio_ms=1.0),
            "send-receive",
            Trial("turns", 3.4, 0.4, (1.0,)),
        ),
        (Result("webrtc"), "send-receive", Trial("by itself", 1.5)),
        (Result("webrtc", first_audio_ms=30.0), "receive", Trial("by itself", 1.5)),
        (Result("webrtc"), "send", Trial("nothing", 1.5)),
    ],
)
def test_one_call_tells_how_a_handler_answers(result: Result, mode: Mode, trial: Trial) -> None:
    assert trial_of(result, mode, seconds=1.0) == trial
