"""Media files: `Clip` reads one, `ClipWriter` writes one."""

from __future__ import annotations

from rtstream.media.reading import Clip
from rtstream.media.writing import SUFFIXES_AUDIO, SUFFIXES_VIDEO, ClipWriter

__all__ = ["SUFFIXES_AUDIO", "SUFFIXES_VIDEO", "Clip", "ClipWriter"]
