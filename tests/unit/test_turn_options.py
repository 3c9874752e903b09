"""The options of turn-taking: FastRTC's names, ours beside them, and what cannot be."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rtstream import AlgoOptions, ReplyOnPause, SileroVadOptions
from rtstream.errors import OptionError


def test_fastrtcs_four_names_have_fastrtcs_defaults() -> None:
    options = AlgoOptions(0.6, 0.2, 0.1, math.inf)
    assert options == AlgoOptions()
    assert options.audio_chunk_duration == 0.6
    assert options.started_talking_threshold == 0.2
    assert options.speech_threshold == 0.1
    assert options.max_continuous_speech_s == math.inf


def test_ours_have_their_defaults() -> None:
    options = AlgoOptions()
    assert options.end_silence == 0.4
    assert options.min_speech == options.interrupt_after == 0.1
    assert options.pre_roll == 0.3
    assert options.speculative_after is None
    assert (options.incomplete_silence, options.judged_within) == (1.2, 0.1)


def test_a_telephone_has_a_window_more_patience_unless_it_was_tuned() -> None:
    assert AlgoOptions().phone_silence == pytest.approx(0.432)
    assert AlgoOptions(end_silence=0.3).phone_silence == 0.3
    assert AlgoOptions(end_silence=0.3, phone_silence=0.6).phone_silence == 0.6


def test_who_tuned_fastrtcs_options_gets_as_much_more_patience() -> None:
    assert AlgoOptions(audio_chunk_duration=1.2).end_silence == pytest.approx(0.8)
    assert AlgoOptions(audio_chunk_duration=1.2, end_silence=0.5).end_silence == 0.5
    assert AlgoOptions(started_talking_threshold=0.5).min_speech == 0.25
    assert AlgoOptions(started_talking_threshold=0.5, min_speech=0.1).min_speech == 0.1
    assert AlgoOptions(min_speech=0.3).interrupt_after == 0.3
    assert AlgoOptions(min_speech=0.3, interrupt_after=0.6).interrupt_after == 0.6


@pytest.mark.parametrize("value", [-0.1, math.nan, "0.4", True, math.inf, [1]])
@pytest.mark.parametrize(
    "name", ["audio_chunk_duration", "end_silence", "min_speech", "pre_roll", "judged_within"]
)
def test_what_is_no_time_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(OptionError) as error:
        AlgoOptions(**{name: value})
    assert name in error.value.what and repr(value) in error.value.what
    assert "seconds" in error.value.fix


def test_only_the_longest_turn_may_be_endless() -> None:
    assert AlgoOptions(max_continuous_speech_s=math.inf).max_continuous_speech_s == math.inf
    assert AlgoOptions(max_continuous_speech_s=8).max_continuous_speech_s == 8


@pytest.mark.parametrize("after", [0.4, 0.5])
def test_a_speculative_start_lies_before_the_end_of_the_turn(after: float) -> None:
    with pytest.raises(OptionError, match="not below end_silence"):
        AlgoOptions(speculative_after=after)
    assert AlgoOptions(speculative_after=after, end_silence=0.6).speculative_after == after


def test_the_detectors_options_are_fastrtcs() -> None:
    assert SileroVadOptions(0.5, 250, math.inf, 2000, 1024, 400) == SileroVadOptions()


@pytest.mark.parametrize("given", [{"end_silence": 0.6}, SileroVadOptions(), 0.6])
def test_what_is_no_options_is_refused_when_the_reply_is_made(given: Any) -> None:
    with pytest.raises(OptionError, match="`algo_options` is") as caught:
        ReplyOnPause(lambda audio: audio, algo_options=given)
    assert "AlgoOptions(" in (caught.value.fix or "")
