"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from ..turns.options import SileroVadOptions
from ..turns.vad import SileroModel as SileroVADModel
from ..turns.vad import get_silero_model

__all__ = ["SileroVADModel", "SileroVadOptions", "get_silero_model"]
