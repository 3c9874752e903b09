"""The tones of keys: found in noise and at any rate, and not in speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rtstream.media.dtmf import Detector, tones
from rtstream.media.files import Clip
from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode, ulaw_encode
from rtstream.outputs import Dtmf

EVERY = "123A456B789C*0#D"


def found(samples: NDArray[np.int16], rate: int = 8000, piece: int = 160) -> str:
    detector = Detector()
    whole = np.concatenate([samples, np.zeros(rate // 10, np.int16)])
    parts = [AudioFrame(whole[None, at : at + piece], rate) for at in range(0, whole.size, piece)]
    return "".join(detector.push(part) for part in parts)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_every_key_is_found(rate: int) -> None:
    assert found(tones(EVERY, rate).samples[0], rate, rate // 50) == EVERY


@pytest.mark.parametrize("piece", [37, 160, 800, 100_000])
def test_it_does_not_matter_in_which_pieces_the_sound_comes(piece: int) -> None:
    assert found(tones("1w2#").samples[0], piece=piece) == "12#"


def test_the_same_key_pressed_twice_counts_twice_and_held_once() -> None:
    assert found(tones("55").samples[0]) == "55"
    once = tones("5").samples[0][:800]  # end to end its phase jumps each time
    assert found(np.tile(once, 10)) == "5"
    press = np.concatenate([once[:320], np.zeros(320, np.int16)])
    assert found(np.tile(press, 10)) == "5" * 10


@pytest.mark.parametrize("milliseconds", [40, 50, 70])
def test_the_shortest_keys_of_q24_are_found(milliseconds: int) -> None:
    size = milliseconds * 8
    parts = [np.concatenate([tones(key).samples[0][:size], np.zeros(size, np.int16)]) for key in EVERY]
    assert found(np.concatenate(parts)) == EVERY


def test_a_shorter_click_is_no_key() -> None:
    assert found(tones("5").samples[0][:160]) == ""


@pytest.mark.parametrize("decibels", [20, 10])
def test_keys_are_found_in_noise(decibels: int) -> None:
    dice = np.random.default_rng(3)
    sound = tones(EVERY).samples[0].astype(np.float64)
    noise = dice.normal(0, np.sqrt(np.mean(tones("5").samples[0][:800].astype(np.float64) ** 2)), sound.size)
    mixed = sound + noise * 10 ** (-decibels / 20)
    assert found(mixed.clip(-32768, 32767).astype(np.int16)) == EVERY


def test_keys_are_found_after_mu_law_and_at_any_loudness() -> None:
    for gain in (0.05, 1.0):
        quiet = (tones(EVERY).samples[0] * gain).astype(np.int16)
        assert found(ulaw_decode(ulaw_encode(quiet))) == EVERY


def test_speech_holds_no_keys(speech: Path) -> None:
    detector, clip = Detector(), Clip.open(speech)
    assert "".join(detector.push(frame) for frame in clip.audio_frames(8000, 0.02)) == ""


@pytest.mark.parametrize("hertz", [(697,), (1209,), (350, 440), (697, 770), (697, 1209, 1477), (600, 1000)])
def test_other_tones_are_no_keys(hertz: tuple[int, ...]) -> None:
    at = np.arange(4000) * 2 * np.pi / 8000
    sound = sum((np.sin(at * each) for each in hertz), np.zeros(4000)) * 4000
    assert found(sound.astype(np.int16)) == ""


def test_noise_and_silence_are_no_keys() -> None:
    dice = np.random.default_rng(1)
    assert found(dice.integers(-9000, 9000, 80_000).astype(np.int16)) == ""
    assert found(np.zeros(8000, np.int16)) == ""


def test_waits_are_silence() -> None:
    assert tones("w").duration == 0.5 and tones("W").duration == 1.0
    assert tones("1w1").duration == pytest.approx(0.9)
    assert tones("").samples.shape == (1, 0)
    assert repr(Dtmf("1w#")) == "Dtmf('1w#')"
