"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

from .handlers.stopwords import ReplyOnStopWords

__all__ = ["ReplyOnStopWords"]
