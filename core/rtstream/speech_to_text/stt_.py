"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from ..speech.models import get_stt_model
from ..speech.moonshine import MoonshineSTT
from ..speech.protocols import STTModel

__all__ = ["MoonshineSTT", "STTModel", "get_stt_model"]
