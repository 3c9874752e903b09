"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from ..turns.options import ModelOptions
from ..turns.vad import PauseDetectionModel

__all__ = ["ModelOptions", "PauseDetectionModel"]
