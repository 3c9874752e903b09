"""FastRTC's package of this name: the same names from their homes here."""

from __future__ import annotations

from ..turns.options import ModelOptions
from ..turns.vad import PauseDetectionModel
from .silero import SileroVADModel, SileroVadOptions, get_silero_model

__all__ = ["ModelOptions", "PauseDetectionModel", "SileroVADModel", "SileroVadOptions", "get_silero_model"]
