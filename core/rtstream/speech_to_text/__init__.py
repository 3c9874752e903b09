"""FastRTC's package of this name: the same names from their homes here."""

from __future__ import annotations

from .stt_ import MoonshineSTT, get_stt_model

__all__ = ["MoonshineSTT", "get_stt_model"]
