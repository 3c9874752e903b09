"""Frames of any length into windows of 32 ms: as the speaker's sound, and as the voice detector hears it."""

from __future__ import annotations

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
    """32 ms of mono sound: `said` at the handler's rate, `heard` float32 at 16 kHz.

    `number` counts the speaker's windows from 0.
    """

    said: Samples
    heard: np.ndarray[Any, np.dtype[np.float32]]
    number: int = 0


class Windows:
    """Cuts one speaker's sound.

    Where 32 ms are no whole number of samples (1411.2 at 44.1 kHz), what was `said` is of the one or the
    other length by turns, so that it stays in step with what is `heard` however long the call.

    Args:
        rate: of the frames that are pushed, in samples a second.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._resampler = Resampler(VAD_RATE)
        self._heard = Chunker(VAD_RATE, 1, WINDOW_SECONDS)
        self._said: Samples = np.zeros(0, np.int16)
        self._taken = 0  # samples of what was said, in all windows so far
        self._count = 0

    def push(self, frame: AudioFrame) -> list[Window]:
        """The windows that the mono frame completes."""
        self._said = np.concatenate([self._said, frame.samples[0]])
        sound = self._resampler.push(frame)
        pieces = self._heard.push(sound) if sound is not None else []
        return [self._next(piece.samples[0]) for piece in pieces]

    def _next(self, heard: Samples) -> Window:
        number = self._count
        return Window(self._next_said(), heard.astype(np.float32) / 32768.0, number)

    def _next_said(self) -> Samples:
        self._count += 1
        size = self._count * VAD_SAMPLES * self.rate // VAD_RATE - self._taken
        said, self._said = self._said[:size], self._said[size:]
        self._taken += len(said)
        return said
