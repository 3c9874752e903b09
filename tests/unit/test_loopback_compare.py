"""How alike two recordings are: about 1 through any codec, low for anything else."""

from __future__ import annotations

import io
from itertools import combinations
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from rtstream.loopback.compare import audio_likeness, is_silent, level, video_likeness
from rtstream.media.files import Clip, ClipWriter
from rtstream.media.frames import AudioFrame, VideoFrame, joined
from rtstream.media.g711 import ulaw_decode, ulaw_encode
from rtstream.media.pyav import audio_from_av, audio_to_av
from rtstream.media.resample import Resampler
from tests.conftest import SAMPLE
from tests.unit.signals import sound

OTHERS = ("0870", "0890", "0920", "0930")  # more sentences of the same voice in Debian's package


@pytest.fixture(scope="session")
def voice(speech: Path) -> AudioFrame:
    return Clip.open(speech).audio()


def at_rate(heard: AudioFrame, rate: int) -> AudioFrame:
    resampler = Resampler(rate)
    return cast(AudioFrame, joined([part for part in (resampler.push(heard), resampler.flush()) if part]))


def through_ulaw(heard: AudioFrame) -> AudioFrame:
    return AudioFrame(ulaw_decode(ulaw_encode(heard.samples[0]))[None], heard.rate)


def through_opus(heard: AudioFrame, bits: int) -> AudioFrame:
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as written:
        stream = written.add_stream("libopus", rate=48000)
        stream.layout, stream.bit_rate = "mono", bits
        written.mux(stream.encode(audio_to_av(at_rate(heard, 48000))))
        written.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as read:
        return cast(AudioFrame, joined([audio_from_av(frame) for frame in read.decode(audio=0)]))


def tone(hertz: float) -> AudioFrame:
    return sound(hertz, 2.0, 16000)


def noise(like: AudioFrame) -> AudioFrame:
    samples = np.random.default_rng(1).normal(0, 3000, like.samples.shape)
    return AudioFrame(samples.astype(np.int16), like.rate)


def padded(heard: AudioFrame, before: float, after: float) -> AudioFrame:
    edges = (round(before * heard.rate), round(after * heard.rate))
    return AudioFrame(np.pad(heard.samples, ((0, 0), edges)), heard.rate)


def test_the_same_samples_are_exactly_alike(voice: AudioFrame) -> None:
    assert audio_likeness(voice, AudioFrame(voice.samples.copy(), voice.rate)) == 1.0


def test_one_sample_that_differs_is_not_exact_any_more(voice: AudioFrame) -> None:
    samples = voice.samples.copy()
    samples[0, 1000] += 1
    assert 0.99 < audio_likeness(voice, AudioFrame(samples, voice.rate)) < 1.0


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_speech_through_mu_law_at_any_rate_stays_the_same_speech(voice: AudioFrame, rate: int) -> None:
    assert audio_likeness(voice, through_ulaw(at_rate(voice, rate))) > 0.95


@pytest.mark.parametrize("bits", [16000, 48000])
def test_speech_through_opus_stays_the_same_speech(voice: AudioFrame, bits: int) -> None:
    assert audio_likeness(voice, through_opus(voice, bits)) > 0.95


def test_a_delay_the_silence_around_it_and_the_loudness_do_not_count(voice: AudioFrame) -> None:
    softer = AudioFrame((voice.samples // 8).astype(np.int16), voice.rate)
    assert audio_likeness(voice, padded(softer, 2.0, 1.0)) > 0.9
    assert audio_likeness(padded(softer, 2.0, 1.0), voice) > 0.9


def test_two_channels_count_as_their_average(voice: AudioFrame) -> None:
    both = AudioFrame(np.repeat(voice.samples, 2, axis=0), voice.rate)
    assert audio_likeness(voice, both) > 0.99


@pytest.mark.parametrize("one, other", list(combinations(OTHERS, 2)))
def test_another_sentence_of_the_same_voice_is_unlike(speech: Path, one: str, other: str) -> None:
    files = [speech.with_name(speech.name.replace("0880", number)) for number in (one, other)]
    if not all(file.exists() for file in files) or files[0] == files[1]:
        pytest.skip("needs Debian's pocketsphinx-testdata")
    assert audio_likeness(*(Clip.open(file).audio() for file in files)) < 0.5


def test_noise_a_tone_and_silence_are_unlike_speech(voice: AudioFrame) -> None:
    silence = AudioFrame(np.zeros_like(voice.samples), voice.rate)
    assert audio_likeness(voice, noise(voice)) < 0.5
    assert audio_likeness(voice, tone(300)) < 0.5
    assert audio_likeness(voice, silence) == 0.0
    assert audio_likeness(voice, AudioFrame(np.zeros((1, 0), np.int16), 8000)) == 0.0


def test_half_a_recording_is_unlike_the_whole(voice: AudioFrame) -> None:
    half = AudioFrame(voice.samples[:, : voice.samples.shape[1] // 2], voice.rate)
    assert audio_likeness(voice, half) < 0.7


def test_every_other_half_second_lost_is_unlike_the_whole(speech: Path, voice: AudioFrame) -> None:
    if speech == SAMPLE:
        pytest.skip("needs Debian's pocketsphinx-testdata: the short sample is half of pauses")
    there = np.arange(voice.samples.shape[1]) // (voice.rate // 2) % 2
    assert audio_likeness(voice, AudioFrame((voice.samples * there).astype(np.int16), voice.rate)) < 0.7


def test_a_tone_is_like_itself_and_unlike_another() -> None:
    assert audio_likeness(tone(440), through_ulaw(at_rate(tone(440), 8000))) > 0.9
    assert audio_likeness(tone(440), padded(tone(440), 0.5, 0.5)) > 0.9
    assert audio_likeness(tone(440), tone(880)) < 0.5


def test_full_scale_has_level_one_and_nothing_has_none() -> None:
    square = np.tile(np.array([32767, -32768], np.int16), 500)
    assert level(AudioFrame(square[None], 8000)) == pytest.approx(1.0, abs=1e-4)
    assert level(AudioFrame(np.zeros((1, 0), np.int16), 8000)) == 0.0


@pytest.mark.parametrize("decibels, silent", [(-61, True), (-59, False)])
def test_silence_ends_at_60_decibels_below_full_scale(decibels: float, silent: bool) -> None:
    wave = np.full((1, 800), round(32768 * 10 ** (decibels / 20)), np.int16)
    assert is_silent(AudioFrame(wave, 8000)) is silent


@pytest.mark.parametrize("at", [0.0, 30.0, 59.99])
def test_one_word_in_a_minute_of_nothing_is_no_silence(at: float) -> None:
    samples = np.zeros((2, 60 * 8000), np.int16)
    samples[0, round(at * 8000) : round(at * 8000) + 160] = 1000
    assert not is_silent(AudioFrame(samples, 8000))


def pictures(hue: int, count: int = 50) -> list[tuple[float, VideoFrame]]:
    def picture(number: int) -> VideoFrame:
        pixels = np.zeros((96, 128, 3), np.uint8)
        pixels[..., hue] = np.linspace(0, 255, 128)
        pixels[20:60, number : number + 40] = 255 - 100 * hue
        return VideoFrame(pixels)

    return [(number / 25, picture(number)) for number in range(count)]


def through_file(video: list[tuple[float, VideoFrame]], path: Path) -> list[tuple[float, VideoFrame]]:
    with ClipWriter(path, fps=25, audio=False) as writer:
        for at, picture in video:
            writer.video(picture, at)
    return list(Clip.open(path).video_frames())


def test_the_same_pictures_are_exactly_alike() -> None:
    assert video_likeness(pictures(0), pictures(0)) == 1.0


@pytest.mark.parametrize("suffix", [".webm", ".mp4"])
def test_pictures_through_a_codec_stay_the_same_pictures(tmp_path: Path, suffix: str) -> None:
    assert 0.9 < video_likeness(pictures(0), through_file(pictures(0), tmp_path / f"clip{suffix}")) < 1.0


def test_pictures_that_come_late_thinned_and_smaller_are_still_alike() -> None:
    thin = [(at + 0.8, VideoFrame(frame.pixels[::2, ::2].copy())) for at, frame in pictures(0)[::2]]
    assert video_likeness(pictures(0), thin) > 0.7


def test_other_pictures_are_unlike_and_none_are_like_nothing() -> None:
    turned = [(at, VideoFrame(frame.pixels[:, ::-1])) for at, frame in pictures(0)]
    assert video_likeness(pictures(0), pictures(2)) < 0.5
    assert video_likeness(pictures(0), turned) < 0.5
    assert video_likeness(pictures(0), []) == 0.0


def test_pictures_smaller_than_the_mosaic_can_be_compared() -> None:
    dots: NDArray[np.uint8] = np.full((4, 5, 3), 200, np.uint8)
    assert video_likeness([(0.0, VideoFrame(dots))], [(0.0, VideoFrame(dots // 2))]) < 0.5
