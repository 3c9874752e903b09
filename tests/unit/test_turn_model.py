"""smart-turn: its features, where its file is found, and what is said when it cannot be used."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtstream.errors import MissingExtra, OptionError, UsageError
from rtstream.handlers.judging import Judging
from rtstream.media.files import Clip
from rtstream.turns.semantic import RATE, SmartTurn, log_mel, mel_bands

EIGHT_SECONDS = np.arange(8 * RATE) / RATE


# The features.


def test_the_bands_are_eighty_triangles_of_equal_area() -> None:
    bands = mel_bands()
    assert bands.shape == (201, 80) and bands.min() == 0.0
    centres = (bands * np.linspace(0, RATE / 2, 201)[:, None]).sum(axis=0) / bands.sum(axis=0)
    assert (np.diff(centres) > 0).all()
    areas = bands[:, 20:].sum(axis=0) * (RATE / 2 / 200)  # where a triangle is wider than a bin
    assert areas == pytest.approx(np.ones(60), abs=0.1)


@pytest.mark.parametrize(("hertz", "band"), [(200, 5), (1000, 26), (4000, 62)])
def test_a_tone_is_loudest_in_its_own_band(hertz: float, band: int) -> None:
    features = log_mel(np.sin(2 * np.pi * hertz * EIGHT_SECONDS).astype(np.float32))
    assert features.shape == (80, 800) and features.dtype == np.float32
    assert set(np.argmax(features[:, 5:-5], axis=0)) <= {band - 1, band, band + 1}


def test_features_span_eight_decades_and_know_no_volume() -> None:
    noise = np.random.default_rng(1).standard_normal(8 * RATE).astype(np.float32)
    noise[: 4 * RATE] = 0
    features = log_mel(noise)
    assert features.max() - features.min() == pytest.approx(2.0, abs=1e-4)  # 8 decades, in quarters
    assert np.abs(log_mel(noise * 0.01) - features).max() < 1e-3


def test_the_features_of_silence_are_numbers() -> None:
    assert np.isfinite(log_mel(np.zeros(8 * RATE, np.float32))).all()


def test_the_last_eight_seconds_count() -> None:
    noise = np.random.default_rng(1).standard_normal(20 * RATE).astype(np.float32)
    assert np.array_equal(log_mel(noise), log_mel(noise[-8 * RATE :]))


# The model.


class Runtime(types.ModuleType):
    """onnxruntime, for a file that holds the word "smart-turn" and the number of bands that it takes."""

    class Fail(Exception):
        pass

    class InvalidGraph(Exception):
        pass

    class InvalidProtobuf(Exception):
        pass

    class NotImplemented(Exception):
        pass

    class SessionOptions:
        intra_op_num_threads = 0
        inter_op_num_threads = 0

    def InferenceSession(self, file: str, options: Any, providers: list[str]) -> Any:
        assert providers == ["CPUExecutionProvider"]
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
        word, _, bands = Path(file).read_text().partition(" ")
        if word != "smart-turn":
            raise self.InvalidProtobuf("parsing failed")
        return Session(int(bands))


class Session:
    def __init__(self, bands: int) -> None:
        self.bands = bands
        self.seen: list[Any] = []

    def get_inputs(self) -> list[Any]:
        return [types.SimpleNamespace(name="input_features", shape=["n", self.bands, 800])]

    def run(self, outputs: None, inputs: dict[str, Any]) -> list[Any]:
        self.seen.append(inputs["input_features"])
        return [np.array([[0.75]], np.float32)]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Runtime("onnxruntime")
    fake.__spec__ = importlib.util.spec_from_loader("onnxruntime", None)
    for name in ("onnxruntime", "onnxruntime.capi", "onnxruntime.capi.onnxruntime_pybind11_state"):
        monkeypatch.setitem(sys.modules, name, fake)


def model(folder: Path, content: str = "smart-turn 80") -> Path:
    file = folder / "smart-turn-v3.2-cpu.onnx"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


@pytest.mark.usefixtures("runtime")
def test_a_model_is_asked_about_eight_seconds_whose_end_is_what_was_said(
    tmp_path: Path, speech: Path
) -> None:
    smart = SmartTurn(model(tmp_path))
    said = Clip.open(speech).audio(RATE).samples[0].astype(np.float32) / 32768
    assert smart(said) == 0.75
    (features,) = smart._session.seen
    assert features.shape == (1, 80, 800) and features.dtype == np.float32
    silent = 800 - len(said) // 160
    silence, spoken = features[0, :, 5 : silent - 5], features[0, :, silent:]
    assert silence.std(axis=1).max() < 0.01 < spoken.std(axis=1).min()
    assert (smart.sample_rate, smart.window_s) == (16000, 8.0)


@pytest.mark.usefixtures("runtime")
def test_it_is_found_in_an_installed_pipecat_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "pipecat"
    model(package / "audio/turn/smart_turn/data")
    (package / "__init__.py").write_text("raise AssertionError('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert SmartTurn(path=None)(np.zeros(100, np.float32)) == 0.75


def test_without_a_model_the_error_says_where_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pipecat").mkdir()
    (tmp_path / "pipecat/__init__.py").write_text("")
    for installed in (False, True):
        if installed:
            monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(MissingExtra) as error:
            SmartTurn()
        assert "pip install --no-deps pipecat-ai" in error.value.fix


def test_a_path_with_nothing_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing.onnx"):
        SmartTurn(tmp_path / "nothing.onnx")


def test_without_onnxruntime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda n, *a: None if n == "onnxruntime" else find(n, *a))
    with pytest.raises(MissingExtra) as error:
        SmartTurn(model(tmp_path))
    assert error.value.fix == 'pip install "rtstream[turn]"'


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(("content", "why"), [("RIFF wave", "cannot read"), ("smart-turn 128", "128")])
def test_a_file_that_is_no_such_model_is_refused(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(UsageError, match="no smart-turn v3") as error:
        SmartTurn(model(tmp_path, content))
    assert why in error.value.why


@pytest.mark.parametrize("given", ["smart-turn-v3.onnx", lambda sound: 1.0])
def test_what_judges_no_turns_is_refused(given: Any) -> None:
    with pytest.raises(OptionError, match="judges no turns") as error:
        Judging(given, 16000)
    assert "SmartTurn()" in error.value.fix


def test_the_real_model_knows_a_whole_sentence() -> None:
    """Where onnxruntime and pipecat-ai are installed. Of real speech only: voices of machines mislead it."""
    recording = Path("/usr/share/pocketsphinx/test/data/cards/001.wav")
    for module in ("onnxruntime", "pipecat"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    if not recording.exists():
        pytest.skip("pocketsphinx-testdata is not installed")
    said = Clip.open(recording).audio(RATE).samples[0].astype(np.float32) / 32768
    assert SmartTurn()(np.concatenate([said, np.zeros(RATE // 5, np.float32)])) > 0.5
