"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from .handlers.base import StreamHandler
from .ui.component import WebRTC

__all__ = ["StreamHandler", "WebRTC"]
