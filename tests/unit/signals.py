"""Sounds to test with, and how to measure what became of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtstream.media.frames import AudioFrame


def tone(hertz: float, seconds: float, rate: int, peak: float = 0.5) -> NDArray[np.int16]:
    """A sine, int16 `(n,)`."""
    moments = np.arange(round(seconds * rate)) / rate
    return np.rint(np.sin(2 * np.pi * hertz * moments) * peak * 32767).astype(np.int16)


def sound(hertz: float, seconds: float, rate: int, channels: int = 1) -> AudioFrame:
    """A sine as a frame, the same in every channel."""
    return AudioFrame(np.tile(tone(hertz, seconds, rate), (channels, 1)), rate)


def speechlike(seconds: float, rate: int) -> NDArray[np.int16]:
    """Glottal pulses of a wandering pitch, in syllables of changing loudness: int16 `(n,)`."""
    moments = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.7 * moments)) / rate
    voice = sum(np.sin(phase * harmonic) / harmonic for harmonic in range(1, 25))
    syllables = np.sin(np.pi * 3 * moments) ** 2
    return np.asarray(np.rint(voice * syllables * 9000), np.int16)


def pieces(frame: AudioFrame, seconds: float = 0.02) -> list[AudioFrame]:
    """A long frame as a stream of short ones; the last one may be shorter."""
    size = round(frame.rate * seconds)
    ends = range(0, frame.samples.shape[1], size)
    return [AudioFrame(frame.samples[:, start : start + size], frame.rate) for start in ends]


def joined(frames: list[AudioFrame | None]) -> NDArray[np.int16]:
    """All that came, one after the other: int16 `(channels, n)`."""
    return np.concatenate([frame.samples for frame in frames if frame is not None], axis=1)


def signal_to_noise(samples: NDArray[np.int16], hertz: float, rate: int) -> float:
    """How far everything that is not the best-fitting sine of that pitch lies below it, in dB."""
    moments = 2 * np.pi * hertz * np.arange(samples.size) / rate
    waves = np.stack([np.sin(moments), np.cos(moments)], axis=1)
    heard = samples.astype(np.float64)
    fit = waves @ np.linalg.lstsq(waves, heard, rcond=None)[0]
    return float(10 * np.log10(np.sum(fit**2) / np.sum((heard - fit) ** 2)))


def pitch(samples: NDArray[np.int16], rate: int) -> float:
    """The strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum)) * rate / samples.size
