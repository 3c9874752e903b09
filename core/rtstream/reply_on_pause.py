"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from .handlers.reply import ReplyOnPause
from .turns.options import AlgoOptions, ModelOptions, SileroVadOptions
from .turns.vad import PauseDetectionModel, get_silero_model

ReplyFnGenerator: TypeAlias = Callable[..., Any]

__all__ = [
    "AlgoOptions",
    "ModelOptions",
    "PauseDetectionModel",
    "ReplyFnGenerator",
    "ReplyOnPause",
    "SileroVadOptions",
    "get_silero_model",
]
