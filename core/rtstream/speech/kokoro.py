"""Kokoro: text to speech with a model that the user has downloaded."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .engines import OFFLINE_TTS, Loading, Working, cached, model_file, package
from .speaking import TTS
from .text import sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPOSITORY = "fastrtc/kokoro-onnx"
FILES = ("kokoro-v1.0.onnx", "voices-v1.0.bin")
BETWEEN = 1 / 7  # seconds of silence between two sentences, as in FastRTC


@dataclass
class KokoroTTSOptions:
    """How Kokoro speaks.

    Args:
        voice: one of the names in its file of voices (default "af_heart").
        speed: from 0.5 to 2 (default 1).
        lang: of the text, such as "en-us" (default) or "en-gb".
    """

    voice: str = "af_heart"
    speed: float = 1.0
    lang: str = "en-us"


class KokoroTTS(TTS):
    """Text to speech, by the package `kokoro-onnx`: float32 at 24,000 Hz.

    Args:
        model_path, voices_path: its two files; by default they are looked for where `hf download` puts
            them. Nothing is downloaded.

    Raises:
        MissingExtra: the package or the model is not on this machine.
        UsageError: a file is not what it should be.
        HandlerRaised: by its methods, when the engine fails: there is no such voice, for example.
    """

    def __init__(self, model_path: str | Path | None = None, voices_path: str | Path | None = None) -> None:
        kokoro = package("kokoro_onnx", "kokoro", "kokoro", OFFLINE_TTS)
        with Loading("kokoro", model_path or "kokoro"):
            model, voices = _files(model_path, voices_path)
            self.model: Any = kokoro.Kokoro(str(model), str(voices))

    def stream_tts_sync(
        self, text: str, options: KokoroTTSOptions | None = None
    ) -> Generator[tuple[int, NDArray[np.float32]], None, None]:
        """The text sentence by sentence."""
        options = options or KokoroTTSOptions()
        for number, sentence in enumerate(sentences(text)):
            with Working("kokoro"):
                samples, rate = self.model.create(
                    sentence, voice=options.voice, speed=options.speed, lang=options.lang
                )
            if number:
                yield rate, np.zeros(round(rate * BETWEEN), np.float32)
            yield rate, samples


def _files(model: str | Path | None, voices: str | Path | None) -> tuple[str | Path, str | Path]:
    if model is not None and voices is not None:
        return model_file(model, "kokoro"), model_file(voices, "kokoro")
    downloaded = cached(REPOSITORY, list(FILES), "kokoro", OFFLINE_TTS)
    return model or downloaded[0], voices or downloaded[1]
