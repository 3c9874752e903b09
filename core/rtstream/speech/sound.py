"""Sound in any form into what recognisers hear: mono at 16 kHz."""

from __future__ import annotations

import numpy as np

from ..media.audio import to_frame
from ..media.resample import Resampler
from .protocols import HEARING_RATE, Audio, Hearing


class Ear:
    """Brings one speaker's sound, piece by piece, to mono int16 at 16 kHz, without clicks at the seams."""

    def __init__(self) -> None:
        self._resampler = Resampler(HEARING_RATE)

    def push(self, audio: Audio) -> Hearing:
        """The next piece; it may be empty.

        Raises:
            HandlerReturnedNonsense: it is no sound.
        """
        frame = self._resampler.push(to_frame(*audio))
        return frame.samples[0] if frame is not None else np.empty(0, np.int16)

    def flush(self) -> Hearing:
        """What is still held, at the end."""
        frame = self._resampler.flush()
        return frame.samples[0] if frame is not None else np.empty(0, np.int16)


def hearing(audio: Audio) -> Hearing:
    """A whole recording as mono int16 at 16 kHz.

    Raises:
        HandlerReturnedNonsense: it is no sound.
    """
    ear = Ear()
    return np.concatenate([ear.push(audio), ear.flush()])


def as_float(samples: Hearing) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The same samples as float32 at ±1."""
    return samples.astype(np.float32) / 32768.0
