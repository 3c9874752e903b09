"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from .handlers.reply import ReplyOnPause
from .turns.options import AlgoOptions, ModelOptions, SileroVadOptions
from .turns.vad import PauseDetectionModel, get_silero_model
from .utils import create_message

ReplyFnGenerator: TypeAlias = Callable[..., Any]


class AppState:
    """What FastRTC hands to `determine_pause`; here none is made, and a Stream says what there is instead."""


__all__ = [
    "AlgoOptions",
    "AppState",
    "ModelOptions",
    "PauseDetectionModel",
    "ReplyFnGenerator",
    "ReplyOnPause",
    "SileroVadOptions",
    "create_message",
    "get_silero_model",
]
