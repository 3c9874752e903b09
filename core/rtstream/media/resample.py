"""Streaming change of rate and number of channels, without clicks at the seams and without drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rtstream.media.frames import AudioFrame, joined

if TYPE_CHECKING:
    from rtstream.media.rate_filter import RateFilter


class Resampler:
    """Brings a stream of sound to one rate and one number of channels.

    One filter of libswresample lives as long as the stream, so that no seam is heard between frames:
    it holds back 16 samples at the slower of the two rates (2 ms at 8 kHz), and everything that was
    pushed has come out after `flush`, to the sample (unless all of it was shorter than the filter: 32
    such samples). Sound that already fits goes through as the same object. One channel becomes several
    by repetition, several become another number by their average.

    Args:
        rate: of what comes out, in samples a second.
        channels: of what comes out.
    """

    def __init__(self, rate: int, channels: int = 1) -> None:
        self.rate = rate
        self.channels = channels
        self._filter: RateFilter | None = None

    @property
    def filters(self) -> bool:
        """Whether there is a filter, which may hold something back."""
        return self._filter is not None

    def push(self, frame: AudioFrame) -> AudioFrame | None:
        """The next piece; None when the filter still holds everything back.

        A frame of another rate (or, when it goes through unmixed, another number of channels) than the
        one before starts a new filter; what the old one held comes out in front.
        """
        channels, count = frame.samples.shape
        if not count:
            return None
        if channels == self.channels:  # the usual ways, before all the others
            if self._filter is None and frame.rate == self.rate:
                return frame
            if self._filter is not None and (frame.rate, channels) == self._filter.takes:
                return self._filter.push(frame)
        frame = with_channels(frame, self.channels if frame.channels == self.channels else 1)
        if self._filter is not None and (frame.rate, frame.channels) != self._filter.takes:
            held = self.flush()
            return joined([part for part in (held, self.push(frame)) if part is not None])
        if frame.rate != self.rate:
            if self._filter is None:
                from rtstream.media.rate_filter import RateFilter

                self._filter = RateFilter(frame.rate, self.rate, frame.channels)
            return self._widened(self._filter.push(frame))
        return with_channels(frame, self.channels)

    def flush(self) -> AudioFrame | None:
        """What the filter holds, at the end of the stream; the next `push` starts a new one."""
        ended, self._filter = self._filter, None
        return self._widened(ended.end()) if ended else None

    def drain(self) -> AudioFrame | None:
        """What the filter holds, when nothing follows for a while; it goes on with the sound that does.

        A new filter costs a millisecond: of many calls, those that it delays would be drained too.
        """
        return self._widened(self._filter.drain()) if self._filter is not None else None

    def reset(self) -> None:
        """Forget what is held, as when the speaker was interrupted."""
        self._filter = None

    def _widened(self, frame: AudioFrame | None) -> AudioFrame | None:
        return None if frame is None else with_channels(frame, self.channels)


class Chunker:
    """Cuts a stream of sound into pieces of one exact length.

    A piece has `round(rate * seconds)` samples, at least one.

    Args:
        rate: of the sound, in samples a second.
        channels: of the sound.
        seconds: the length of a piece.
    """

    def __init__(self, rate: int, channels: int = 1, seconds: float = 0.02) -> None:
        self.rate = rate
        self.size = max(1, round(rate * seconds))
        self._piece = np.empty((channels, self.size), np.int16)
        self._filled = 0

    @property
    def held(self) -> float:
        """How much waits for the rest of its piece, in seconds."""
        return self._filled / self.rate

    def push(self, frame: AudioFrame) -> list[AudioFrame]:
        """The pieces that are whole now, none or many."""
        samples, length, taken = frame.samples, frame.samples.shape[1], 0
        if not self._filled and length == self.size:
            return [frame]
        pieces: list[AudioFrame] = []
        while taken < length:
            step = min(self.size - self._filled, length - taken)
            self._piece[:, self._filled : self._filled + step] = samples[:, taken : taken + step]
            self._filled += step
            taken += step
            if self._filled == self.size:
                pieces.append(self._take())
        return pieces

    def flush(self) -> AudioFrame | None:
        """What is held, filled up with silence to a whole piece; None when nothing is."""
        if not self._filled:
            return None
        self._piece[:, self._filled :] = 0
        return self._take()

    def reset(self) -> None:
        """Forget what is held."""
        self._filled = 0

    def _take(self) -> AudioFrame:
        piece = AudioFrame(self._piece, self.rate)
        self._piece = np.empty_like(self._piece)
        self._filled = 0
        return piece


def with_channels(frame: AudioFrame, channels: int) -> AudioFrame:
    """The same sound in so many channels: by repetition of one, or of the average of several."""
    if frame.channels == channels:
        return frame
    if frame.channels == 1:
        return AudioFrame(np.repeat(frame.samples, channels, axis=0), frame.rate)
    total = frame.samples.sum(axis=0, dtype=np.int32, keepdims=True)
    average = AudioFrame((total // frame.channels).astype(np.int16), frame.rate)
    return with_channels(average, channels)
