"""The turns of a recording that is sent straight through a stream: on stepped time, in recorded speech."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtstream import AdditionalOutputs, ReplyOnPause, ReplyOnStopWords, Stream
from rtstream.loopback.expected import Expected
from rtstream.loopback.interrupting import Interruption
from rtstream.loopback.report import Report
from rtstream.loopback.run import run_file
from rtstream.loopback.turns import Turn
from rtstream.media.files import Clip, ClipWriter
from rtstream.media.frames import AudioFrame
from tests.conftest import SAMPLE
from tests.helpers.dialogs import Samples, beep, silence, spoken_in
from tests.helpers.media import Sound
from tests.helpers.recordings import RATE, cards, go_forward, librivox

pytestmark = pytest.mark.timeout(60)

LATENCY = 450.0  # ms, the target P11
BARGE_IN = 250.0  # ms, the target P12


def replying(seconds: float = 1.0) -> Any:
    def fn(audio: Sound) -> Iterator[Sound]:
        for _ in range(round(seconds * 10)):
            yield beep()

    return fn


def recorded(path: Path, *parts: Samples) -> Clip:
    with ClipWriter(path) as writer:
        writer.audio(AudioFrame(np.concatenate(parts)[None], RATE))
    return Clip.open(path)


def sent(handler: Any, clip: Clip | Path, *, mode: str = "send-receive", **more: Any) -> Report:
    stream = Stream(handler, modality="audio", mode=mode, verbose=False)  # type: ignore[arg-type]
    return run_file(stream, clip, ["direct"], **more)


def turns(handler: Any, clip: Clip | Path, **more: Any) -> list[Turn]:
    (row,) = sent(handler, clip, **more).rows
    assert row.errors == []
    return row.turns


def test_each_recording_is_a_turn_and_it_is_told_when_it_was_spoken_and_answered(tmp_path: Path) -> None:
    recordings = [one.samples for one in [go_forward(), *cards(), *librivox()]]
    parts, places, at = [silence(1.5)], [], 1.5
    for samples in recordings:
        begun, ended = spoken_in(samples)
        places.append((at + begun / RATE, at + ended / RATE))
        parts += [samples, silence(2.5)]
        at += len(samples) / RATE + 2.5
    found = turns(ReplyOnPause(replying(0.3)), recorded(tmp_path / "all.wav", *parts))
    assert len(found) == len(places)
    for turn, place in zip(found, places, strict=True):
        # A breath before the first word, and what fades behind the last, count or do not.
        assert [turn.began, turn.ended] == pytest.approx(place, abs=0.25)
        assert turn.reply is not None and turn.latency_ms == pytest.approx(1000 * (turn.reply - turn.ended))
        assert not turn.interrupted and turn.heard == pytest.approx(0.3, abs=0.03)
    assert np.median([turn.latency_ms or 0.0 for turn in found]) <= LATENCY


def test_a_reply_that_thinks_is_waited_for(tmp_path: Path) -> None:
    quick, slow = (turns(ReplyOnPause(fn), SAMPLE)[0].latency_ms for fn in (replying(), thoughtful))
    assert quick is not None and slow is not None
    assert slow - quick == pytest.approx(300, abs=40)


async def thoughtful(audio: Sound) -> Any:
    from rtstream.clock import Clock

    await Clock().sleep(0.3)
    yield beep()


def test_an_echo_takes_no_turns() -> None:
    async def echo(audio: Sound) -> Sound:
        return audio

    assert turns(echo, SAMPLE) == []


def test_a_listener_has_turns_without_replies() -> None:
    def listen(audio: Sound) -> AdditionalOutputs:
        return AdditionalOutputs(audio[1].shape[1])

    (row,) = sent(ReplyOnPause(listen), SAMPLE, mode="send", expected=Expected(turns=1)).rows
    assert row.verdict == "pass"
    assert [(turn.reply, turn.latency_ms) for turn in row.turns] == [(None, None)]
    assert row.outputs == [[pytest.approx(2.4 * 48000, abs=0.2 * 48000)]]


def test_what_is_said_after_a_stop_word_is_the_turn() -> None:
    pytest.importorskip("pocketsphinx")
    (turn,) = turns(ReplyOnStopWords(replying(0.3), ["go forward"]), SAMPLE)
    assert turn.began > 1.0  # "ten meters"
    assert turn.ended == pytest.approx(2.28, abs=0.1)


# Speaking over the reply.


@pytest.mark.parametrize("after", [0.2, 1.0])
def test_a_reply_that_is_spoken_over_falls_silent_in_time(after: float) -> None:
    first, second = turns(
        ReplyOnPause(replying(4.0)), SAMPLE, interruption=Interruption(after, Clip.open(SAMPLE))
    )
    assert first.reply is not None and first.interrupted and first.silence_ms is not None
    assert 0 < first.silence_ms <= BARGE_IN
    assert second.began == pytest.approx(
        first.reply + after + 0.5, abs=0.05
    )  # where the sample's words begin
    assert first.heard == pytest.approx(second.began + first.silence_ms / 1000 - first.reply, abs=0.01)
    assert second.heard == pytest.approx(4.0, abs=0.05)


def test_another_recording_may_be_said_over_it(tmp_path: Path) -> None:
    stop = recorded(tmp_path / "stop.wav", go_forward().samples[round(0.79 * RATE) : round(1.39 * RATE)])
    _, second = turns(ReplyOnPause(replying(4.0)), SAMPLE, interruption=Interruption(1.0, stop))
    assert second.ended - second.began == pytest.approx(0.6, abs=0.1)


def test_a_reply_that_cannot_be_interrupted_is_no_pass_and_the_words_are_answered_after_it() -> None:
    handler = ReplyOnPause(replying(4.0), can_interrupt=False)
    interruption = Interruption(1.0, Clip.open(SAMPLE))
    (row,) = sent(handler, SAMPLE, interruption=interruption, expected=Expected(interrupted_after=1.0)).rows
    assert row.verdict == "fail" and row.why.endswith("and was not interrupted")
    first, second = row.turns
    assert (first.interrupted, second.interrupted) == (False, False)
    assert first.heard == pytest.approx(4.0, abs=0.05)
    assert second.reply is not None and first.reply_ended is not None and second.reply >= first.reply_ended


def test_a_greeting_is_no_turn(tmp_path: Path) -> None:
    def greet() -> Iterator[Sound]:
        yield beep(0.3)

    clip = recorded(tmp_path / "late.wav", silence(1.0), go_forward().samples)
    (turn,) = turns(ReplyOnPause(replying(), startup_fn=greet), clip)
    assert turn.began == pytest.approx(1.5, abs=0.05)


# The verdicts.


def verdict(handler: Any, clip: Clip | Path = SAMPLE, **expected: Any) -> tuple[str, str, int]:
    report = sent(handler, clip, expected=Expected(**expected))
    (row,) = report.rows
    return row.verdict, row.why, report.exit_code


def test_what_was_expected_passes_and_what_was_not_is_exit_1() -> None:
    assert verdict(ReplyOnPause(replying()), turns=1, max_latency_ms=450) == ("pass", "", 0)
    assert verdict(ReplyOnPause(replying()), turns=2) == ("fail", "1 turn was answered, not 2", 1)
    said, why, code = verdict(ReplyOnPause(replying()), max_latency_ms=100)
    assert (said, code) == ("fail", 1) and why.startswith("turn 1 was answered after ")


def test_silence_is_still_silence_and_a_handler_that_raised_is_still_that() -> None:
    def mute(audio: Sound) -> Sound:
        return audio[0], audio[1] * 0

    def fails(audio: Sound) -> Sound:
        raise ValueError("no good")

    assert verdict(ReplyOnPause(mute), turns=1, max_latency_ms=450)[::2] == ("silent", 6)
    assert verdict(ReplyOnPause(fails), turns=1) == ("fail", "no good", 3)
    assert verdict(ReplyOnPause(fails), turns=0) == ("fail", "no good", 3)


def test_where_nobody_is_to_be_answered_silence_is_a_pass(tmp_path: Path) -> None:
    hum = np.asarray(800 * np.random.default_rng(1).standard_normal(2 * RATE), np.int16)
    noise = recorded(tmp_path / "noise.wav", hum)
    assert verdict(ReplyOnPause(replying()), noise)[::2] == ("silent", 6)
    assert verdict(ReplyOnPause(replying()), noise, turns=0) == ("pass", "", 0)
    assert verdict(ReplyOnPause(replying()), turns=0) == ("fail", "1 turn was answered, not 0", 1)
