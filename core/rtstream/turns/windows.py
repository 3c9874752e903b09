"""Frames of any length into windows of 32 ms: as the speaker's sound, and as the voice detector hears it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..media.frames import AudioFrame
from ..media.resample import Chunker, Resampler

WINDOW_SECONDS = 0.032
VAD_RATE = 16000
VAD_SAMPLES = 512  # 32 ms at 16 kHz: the window that Silero was made for

Samples = np.ndarray[Any, np.dtype[np.int16]]


@dataclass(frozen=True, slots=True)
class Window:
    """32 ms of mono sound: `said` at the handler's rate, `heard` float32 at 16 kHz."""

    said: Samples
    heard: np.ndarray[Any, np.dtype[np.float32]]


class Windows:
    """Cuts one speaker's sound.

    Args:
        rate: of the frames that are pushed, in samples a second.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._resampler = Resampler(VAD_RATE)
        self._said = Chunker(rate, 1, WINDOW_SECONDS)
        self._heard = Chunker(VAD_RATE, 1, WINDOW_SECONDS)
        self._pieces: list[Samples] = []

    def push(self, frame: AudioFrame) -> Iterator[Window]:
        """The windows that the frame completes."""
        self._pieces += [piece.samples[0] for piece in self._said.push(frame)]
        sound = self._resampler.push(frame)
        for window in self._heard.push(sound) if sound is not None else ():
            yield Window(self._pieces.pop(0), window.samples[0].astype(np.float32) / 32768.0)
