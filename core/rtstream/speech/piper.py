"""Piper: text to speech with a voice that the user has downloaded."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .engines import OFFLINE_TTS, Loading, Working, model_file, package
from .speaking import TTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PiperTTSOptions:
    """How Piper speaks.

    Args:
        speed: from 0.5 to 2 (default 1).
        speaker: the number of a speaker, for voices that have several.
    """

    speed: float = 1.0
    speaker: int | None = None


class PiperTTS(TTS):
    """Text to speech, by the package `piper-tts` (GPL-3): int16 at the voice's own rate.

    Args:
        voice: the path of a voice, `….onnx`, with its description `….onnx.json` beside it.

    Raises:
        MissingExtra: the package is not installed.
        UsageError: there is no voice at that path.
        HandlerRaised: by its methods, when the engine fails.
    """

    def __init__(self, voice: str | Path) -> None:
        piper = package("piper", "piper", "piper", OFFLINE_TTS)
        path = model_file(voice, "piper")
        model_file(f"{path}.json", "piper")
        with Loading("piper", path):
            self.model: Any = piper.PiperVoice.load(path)
        self._how: Any = piper.SynthesisConfig

    def stream_tts_sync(
        self, text: str, options: PiperTTSOptions | None = None
    ) -> Generator[tuple[int, NDArray[np.int16]], None, None]:
        """The text sentence by sentence."""
        options = options or PiperTTSOptions()
        with Working("piper"):
            how = self._how(speaker_id=options.speaker, length_scale=1 / options.speed)
            for piece in self.model.synthesize(text, how):
                yield piece.sample_rate, piece.audio_int16_array
