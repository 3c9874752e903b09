"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from ..speech.cartesia import CartesiaTTSOptions
from ..speech.kokoro import KokoroTTSOptions
from ..speech.models import get_tts_model
from ..speech.protocols import TTSModel


class TTSOptions:
    """What FastRTC's users derive the options of their own engines from; nothing is asked of it here."""


__all__ = ["CartesiaTTSOptions", "KokoroTTSOptions", "TTSModel", "TTSOptions", "get_tts_model"]
