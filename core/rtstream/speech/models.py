"""The engines by their names: `get_stt_model` and `get_tts_model`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..errors import UsageError
from .protocols import STTModel, TTSModel


@lru_cache
def get_stt_model(model: str = "moonshine/base", **options: Any) -> STTModel:
    """A speech-to-text engine, loaded once for the whole program.

    | model | needs |
    |---|---|
    | "moonshine/base" (default), "moonshine/tiny" | the extra `moonshine` and a downloaded model |
    | "pocketsphinx" | the extra `offline`; no download; American English |
    | "faster-whisper/tiny.en", "faster-whisper/PATH" | the extra `whisper` and a downloaded model |

    Args:
        model: its name.
        options: of the engine's class: `models_dir` for moonshine, `language` for faster-whisper.

    Raises:
        MissingExtra: the package or the model is not on this machine; the error says how to get it.
        UsageError: there is no engine of that name, or the model is none.
    """
    engine, _, which = model.partition("/")
    match engine:
        case "moonshine":
            from .moonshine import MoonshineSTT, warm_up

            moonshine = MoonshineSTT(model, **options)
            warm_up(moonshine)
            return moonshine
        case "pocketsphinx":
            from .sphinx import PocketsphinxSTT

            return PocketsphinxSTT(**options)
        case "faster-whisper" if which:
            from .whisper import FasterWhisperSTT

            return FasterWhisperSTT(which, **options)
    raise _unknown("speech-to-text", model, "moonshine/base, pocketsphinx and faster-whisper/tiny.en")


@lru_cache
def get_tts_model(model: str = "kokoro", **options: Any) -> TTSModel:
    """A text-to-speech engine, loaded once for the whole program.

    | model | needs |
    |---|---|
    | "kokoro" (default) | the extra `kokoro` and a downloaded model |
    | "espeak" | the extra `offline`; no download; a hundred languages |
    | "piper:PATH.onnx" | the extra `piper` and a downloaded voice |
    | "cartesia" | a key |

    Args:
        model: its name.
        options: of the engine's class: `model_path` and `voices_path` for kokoro, `cartesia_api_key` for
            cartesia.

    Raises:
        MissingExtra: the package or the model is not on this machine; the error says how to get it.
        UsageError: there is no engine of that name, or the model is none.
    """
    engine, _, path = model.partition(":")
    match engine:
        case "kokoro":
            from .kokoro import KokoroTTS

            kokoro = KokoroTTS(**options)
            kokoro.tts("Hello, world!")  # the first turn need not pay for what is loaded on first use
            return kokoro
        case "espeak":
            from .espeak import EspeakTTS

            return EspeakTTS(**options)
        case "piper" if path:
            from .piper import PiperTTS

            return PiperTTS(path, **options)
        case "cartesia":
            from .cartesia import CartesiaTTS

            return CartesiaTTS(**options)
    raise _unknown("text-to-speech", model, "kokoro, espeak, piper:PATH.onnx and cartesia")


def _unknown(what: str, model: str, known: str) -> UsageError:
    return UsageError(f"there is no {what} engine `{model}`", fix=f"There are {known}")
