"""Semantic end of turn: models that hear whether somebody has said all that they want to say."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra, UsageError

RATE = 16000
SECONDS = 8.0
FFT, HOP, BANDS = 400, 160, 80  # samples, samples, mel bands: those of Whisper, whose encoder smart-turn uses
FLOOR = 1e-10

Sound = NDArray[np.float32]


class TurnModel(Protocol):
    """Tells from sound whether a turn is complete. Asked in a thread, only when the speaker pauses.

    Attributes:
        sample_rate: samples a second of what it is called with.
        window_s: how many seconds, at most, it is called with: the last ones of the turn.
    """

    sample_rate: int
    window_s: float

    def __call__(self, sound: Sound) -> float:
        """The probability, from 0 to 1, that the turn in `sound` (float32 at ±1, `(n,)`) is complete."""
        ...


class SmartTurn:
    """smart-turn v3 of Daily (BSD-2-Clause): 8 MB, some 0.1 s of one core for each pause. Real voices only.

    Needs the extra `turn`. It takes synthetic voices for people who have not finished.

    Args:
        path: the model's file, `smart-turn-v3*.onnx`; by default the one in the package pipecat-ai, if that
            is installed (`pip install --no-deps pipecat-ai` is enough; none of its code is run).

    Raises:
        MissingExtra: onnxruntime is not installed, or no model is found.
        UsageError: the file is not there, or is no such model.
    """

    sample_rate = RATE
    window_s = SECONDS

    def __init__(self, path: str | Path | None = None) -> None:
        self._session = _session(_file(path))

    def __call__(self, sound: Sound) -> float:
        features = log_mel(np.concatenate([np.zeros(round(RATE * SECONDS), np.float32), sound]))
        (probability,) = self._session.run(None, {"input_features": features[None]})
        return float(np.asarray(probability).reshape(-1)[0])


def log_mel(sound: Sound) -> NDArray[np.float32]:
    """Whisper's features of the last 8 s, float32 of shape (80, 800).

    The sound is brought to mean 0 and variance 1; the logarithm of the energy in each band and 10 ms is
    held within 8 decades of the highest (Radford et al. 2022, §2.2).
    """
    sound = sound[-round(RATE * SECONDS) :].astype(np.float32)
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    framed = np.lib.stride_tricks.sliding_window_view(np.pad(sound, FFT // 2, mode="reflect"), FFT)[::HOP]
    hann = np.hanning(FFT + 1)[:-1]
    power = np.abs(np.fft.rfft(framed[:-1] * hann)) ** 2
    logs = np.log10(np.maximum(power @ mel_bands(), FLOOR)).T
    scaled: NDArray[np.float32] = ((np.maximum(logs, logs.max() - 8) + 4) / 4).astype(np.float32)
    return scaled


@lru_cache(maxsize=1)
def mel_bands() -> NDArray[np.float64]:
    """Triangles of equal area on Slaney's mel scale: linear below 1 kHz, logarithmic above; (201, 80)."""
    break_hz, break_mel, step = 1000.0, 15.0, np.log(6.4) / 27
    top = break_mel + np.log(RATE / 2 / break_hz) / step
    mels = np.linspace(0, top, BANDS + 2)
    edges = np.where(
        mels < break_mel, mels * break_hz / break_mel, break_hz * np.exp(step * (mels - break_mel))
    )
    bins = np.linspace(0, RATE / 2, FFT // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    bands: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return bands


def _file(path: str | Path | None) -> Path:
    if path is not None:
        found = Path(path).expanduser()
        if not found.is_file():
            raise UsageError(
                f"there is no turn model at `{path}`", fix="Give the path of smart-turn's `.onnx` file"
            )
        return found
    pipecat = importlib.util.find_spec("pipecat")  # looked for, not imported
    for folder in (pipecat.submodule_search_locations or []) if pipecat is not None else []:
        if files := sorted(Path(folder).glob("audio/turn/smart_turn/data/smart-turn-v3*.onnx")):
            return files[-1]
    raise MissingExtra(
        "no turn model is found",
        why="smart-turn comes in the package pipecat-ai, or as a file of its own",
        fix="pip install --no-deps pipecat-ai, or pass the path: SmartTurn('smart-turn-v3.2-cpu.onnx')",
    )


def _session(file: Path) -> Any:
    if importlib.util.find_spec("onnxruntime") is None:
        raise MissingExtra(
            "`onnxruntime` is not installed",
            why="smart-turn runs on it, and it is an optional part of rtstream",
            fix='pip install "rtstream[turn]"',
        )
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a turn may not take a call's core
    states = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    try:
        session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except (states.Fail, states.InvalidGraph, states.InvalidProtobuf, states.NotImplemented) as error:
        raise _no_model(file, "onnxruntime cannot read it") from error
    takes = {given.name: given.shape[1:] for given in session.get_inputs()}
    if takes != {"input_features": [BANDS, round(SECONDS * RATE / HOP)]}:
        raise _no_model(file, f"it takes {takes}, not the features of smart-turn v3")
    return session


def _no_model(file: Path, why: str) -> UsageError:
    return UsageError(
        f"`{file}` is no smart-turn v3", why=why, fix="Give the path of `smart-turn-v3.2-cpu.onnx`"
    )
