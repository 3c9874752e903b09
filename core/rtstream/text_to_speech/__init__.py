"""FastRTC's package of this name: the same names from their homes here."""

from __future__ import annotations

from .tts import CartesiaTTSOptions, KokoroTTSOptions, get_tts_model

__all__ = ["CartesiaTTSOptions", "KokoroTTSOptions", "get_tts_model"]
