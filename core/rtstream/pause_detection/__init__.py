"""FastRTC's package of this name: the same names from their homes here."""

from __future__ import annotations

from .protocol import ModelOptions, PauseDetectionModel
from .silero import SileroVADModel, SileroVadOptions, get_silero_model

__all__ = ["ModelOptions", "PauseDetectionModel", "SileroVADModel", "SileroVadOptions", "get_silero_model"]
