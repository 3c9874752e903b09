"""Frames of any length become windows of 32 ms, heard and said in step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtstream.media.frames import AudioFrame
from rtstream.turns.windows import VAD_SAMPLES, WINDOW_SECONDS, Window, Windows

RATES = [8000, 16000, 22050, 24000, 44100, 48000]


def cut(sound: np.ndarray, rate: int, sizes: list[int]) -> list[Window]:
    """The windows of a sound that comes in pieces of those sizes, again and again."""
    windows, made, at = Windows(rate), [], 0
    for turn in range(len(sound)):
        if at >= len(sound):
            break
        size = sizes[turn % len(sizes)]
        made += windows.push(AudioFrame(sound[None, at : at + size], rate))
        at += size
    return made


def ramp(rate: int, seconds: float) -> np.ndarray:
    """Samples that are their own numbers, modulo 2^15."""
    return (np.arange(round(rate * seconds)) % 32768).astype(np.int16)


@pytest.mark.parametrize("rate", RATES)
@given(sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=5))
@settings(max_examples=15)
def test_what_was_said_comes_out_sample_by_sample_whatever_the_frames(rate: int, sizes: list[int]) -> None:
    sound = ramp(rate, 1.0)
    windows = cut(sound, rate, [max(size, rate // 1000) for size in sizes])
    said = np.concatenate([window.said for window in windows])
    assert np.array_equal(said, sound[: len(said)])
    assert len(sound) - len(said) <= 2 * WINDOW_SECONDS * rate
    assert {len(window.heard) for window in windows} == {VAD_SAMPLES}
    assert all(window.heard.dtype == np.float32 for window in windows)


@pytest.mark.parametrize("rate", RATES)
def test_heard_and_said_stay_in_step_for_five_minutes(rate: int) -> None:
    """A click every 5 s is in the same window, and at the same place of it, in both."""
    sound = np.zeros(rate * 300, np.int16)
    clicks = np.arange(5, 300, 5) * rate
    for click in clicks:
        sound[click : click + rate // 1000] = 20000
    windows = cut(sound, rate, [rate // 50])
    lags = []
    for number, window in enumerate(windows):
        said = np.flatnonzero(window.said > 10000)
        if said.size and 0.1 < said[0] / len(window.said) < 0.8:
            heard = np.flatnonzero(window.heard > 0.2)
            assert heard.size, f"the click of window {number} is not in what was heard"
            lags.append(heard[0] / VAD_SAMPLES - said[0] / len(window.said))
    assert len(lags) > 20
    assert max(np.abs(lags)) * WINDOW_SECONDS < 0.002


@pytest.mark.parametrize("rate", RATES)
def test_windows_last_32_ms_on_average(rate: int) -> None:
    windows = cut(ramp(rate, 20.0), rate, [rate // 50])
    assert abs(sum(len(window.said) for window in windows) / rate - len(windows) * WINDOW_SECONDS) < 1 / rate


def test_what_is_heard_is_between_minus_one_and_one() -> None:
    loud = np.where(np.arange(16000) % 64 < 32, 32767, -32768).astype(np.int16)
    heard = np.concatenate([window.heard for window in cut(loud, 16000, [320])])
    assert heard.min() == -1.0 and 0.999 < heard.max() <= 1.0


def test_an_empty_frame_completes_nothing() -> None:
    assert Windows(16000).push(AudioFrame(np.zeros((1, 0), np.int16), 16000)) == []
