"""Turn a Python function into a realtime audio or video stream: browser, telephone, socket or file.

The public names load on first use, so that `import rtstream` costs nearly nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    ".context": ("Call", "Context", "get_current_context"),
    ".credentials": (
        "get_cloudflare_turn_credentials",
        "get_cloudflare_turn_credentials_async",
        "get_hf_turn_credentials",
        "get_hf_turn_credentials_async",
        "get_turn_credentials",
        "get_turn_credentials_async",
        "get_twilio_turn_credentials",
    ),
    ".errors": ("RtstreamError",),
    ".handlers.base": (
        "AsyncAudioVideoStreamHandler",
        "AsyncStreamHandler",
        "AudioVideoStreamHandler",
        "StreamHandler",
    ),
    ".handlers.data": ("WebRTCData",),
    ".handlers.functions": ("VideoStreamHandler",),
    ".handlers.reply": ("ReplyOnPause",),
    ".handlers.stopwords": ("ReplyOnStopWords",),
    ".handlers.types": ("AudioEmitType", "VideoEmitType"),
    ".media.audio": (
        "aggregate_bytes_to_16bit",
        "async_aggregate_bytes_to_16bit",
        "audio_to_float32",
        "audio_to_int16",
    ),
    ".media.mp3": ("audio_to_bytes", "audio_to_file"),
    ".options": ("UIArgs",),
    ".outputs": ("AdditionalOutputs", "CloseStream", "Dtmf", "Warning", "WebRTCError"),
    ".speech.cartesia": ("CartesiaTTSOptions",),
    ".speech.kokoro": ("KokoroTTSOptions",),
    ".speech.models": ("get_stt_model", "get_tts_model"),
    ".speech.moonshine": ("MoonshineSTT",),
    ".stream": ("Stream",),
    ".turns.options": ("AlgoOptions", "ModelOptions", "SileroVadOptions"),
    ".turns.semantic": ("SmartTurn", "TurnModel"),
    ".turns.vad": ("PauseDetectionModel", "get_silero_model"),
    ".ui.component": ("WebRTC",),
    ".waiting": ("wait_for_item",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "__version__",
    "AdditionalOutputs",
    "aggregate_bytes_to_16bit",
    "AlgoOptions",
    "async_aggregate_bytes_to_16bit",
    "AsyncAudioVideoStreamHandler",
    "AsyncStreamHandler",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "AudioEmitType",
    "AudioVideoStreamHandler",
    "Call",
    "CartesiaTTSOptions",
    "CloseStream",
    "Context",
    "Dtmf",
    "get_cloudflare_turn_credentials",
    "get_cloudflare_turn_credentials_async",
    "get_current_context",
    "get_hf_turn_credentials",
    "get_hf_turn_credentials_async",
    "get_silero_model",
    "get_stt_model",
    "get_tts_model",
    "get_turn_credentials",
    "get_turn_credentials_async",
    "get_twilio_turn_credentials",
    "KokoroTTSOptions",
    "ModelOptions",
    "MoonshineSTT",
    "PauseDetectionModel",
    "ReplyOnPause",
    "ReplyOnStopWords",
    "RtstreamError",
    "SileroVadOptions",
    "SmartTurn",
    "Stream",
    "StreamHandler",
    "TurnModel",
    "UIArgs",
    "VideoEmitType",
    "VideoStreamHandler",
    "wait_for_item",
    "Warning",
    "WebRTC",
    "WebRTCData",
    "WebRTCError",
]

if TYPE_CHECKING:
    from .context import Call, Context, get_current_context
    from .credentials import (
        get_cloudflare_turn_credentials,
        get_cloudflare_turn_credentials_async,
        get_hf_turn_credentials,
        get_hf_turn_credentials_async,
        get_turn_credentials,
        get_turn_credentials_async,
        get_twilio_turn_credentials,
    )
    from .errors import RtstreamError
    from .handlers.base import (
        AsyncAudioVideoStreamHandler,
        AsyncStreamHandler,
        AudioVideoStreamHandler,
        StreamHandler,
    )
    from .handlers.data import WebRTCData
    from .handlers.functions import VideoStreamHandler
    from .handlers.reply import ReplyOnPause
    from .handlers.stopwords import ReplyOnStopWords
    from .handlers.types import AudioEmitType, VideoEmitType
    from .media.audio import (
        aggregate_bytes_to_16bit,
        async_aggregate_bytes_to_16bit,
        audio_to_float32,
        audio_to_int16,
    )
    from .media.mp3 import audio_to_bytes, audio_to_file
    from .options import UIArgs
    from .outputs import AdditionalOutputs, CloseStream, Dtmf, Warning, WebRTCError
    from .speech.cartesia import CartesiaTTSOptions
    from .speech.kokoro import KokoroTTSOptions
    from .speech.models import get_stt_model, get_tts_model
    from .speech.moonshine import MoonshineSTT
    from .stream import Stream
    from .turns.options import AlgoOptions, ModelOptions, SileroVadOptions
    from .turns.semantic import SmartTurn, TurnModel
    from .turns.vad import PauseDetectionModel, get_silero_model
    from .ui.component import WebRTC
    from .waiting import wait_for_item


def __getattr__(name: str) -> Any:
    if (home := _HOME_OF.get(name)) is not None:
        value = getattr(import_module(home, __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
