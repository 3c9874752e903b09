"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from .handlers.base import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    StreamHandler,
    StreamHandlerBase,
)
from .handlers.data import WebRTCData
from .handlers.functions import VideoStreamHandler
from .handlers.types import AudioEmitType, VideoEmitType

EmitType: TypeAlias = AudioEmitType
StreamHandlerImpl: TypeAlias = StreamHandler | AsyncStreamHandler
HandlerType: TypeAlias = StreamHandlerBase | VideoStreamHandler | Callable[..., Any]

__all__ = [
    "AsyncAudioVideoStreamHandler",
    "AsyncStreamHandler",
    "AudioEmitType",
    "AudioVideoStreamHandler",
    "EmitType",
    "HandlerType",
    "StreamHandler",
    "StreamHandlerBase",
    "StreamHandlerImpl",
    "VideoEmitType",
    "VideoStreamHandler",
    "WebRTCData",
]
