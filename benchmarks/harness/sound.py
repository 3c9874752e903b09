"""The test sound: a murmur with one burst of noise a second, no two alike, found again by correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 8000
SECONDS = 16  # after so many the sound begins anew, so a delay is certain up to that
BURST_AT, BURST_SECONDS = 0.3, 0.1  # where in its second a burst begins, and how long it is
LIKENESS = 0.5  # the least correlation that counts as heard

Samples = NDArray[np.int16]


@lru_cache
def burst(second: int) -> NDArray[np.float64]:
    """The noise in one of the seconds, kept below 3.4 kHz so that no resampler may take it."""
    count = int(RATE * BURST_SECONDS)
    spectrum = np.fft.rfft(np.random.default_rng(second).standard_normal(count))
    spectrum[np.fft.rfftfreq(count, 1 / RATE) > 3400] = 0
    noise: NDArray[np.float64] = np.fft.irfft(spectrum, count) * np.hanning(count)
    return noise / float(np.abs(noise).max())


@lru_cache
def scene() -> Samples:
    """All of it at 8 kHz."""
    t = np.arange(SECONDS * RATE) / RATE
    murmur = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 8)) * (1 + np.sin(7 * np.pi * t))
    sound = 0.02 * np.asarray(murmur)
    for second in range(SECONDS):
        at = round((second + BURST_AT) * RATE)
        noise = burst(second)
        sound[at : at + noise.size] = 0.6 * noise
    return np.round(sound * 32767).astype(np.int16)


@dataclass
class Found:
    """Delays of the bursts that came back, in seconds, and how many did not."""

    delays: list[float]
    missed: int


def find(
    heard: Samples, arrived: NDArray[np.float64], said: Sequence[tuple[int, float]], most: float
) -> Found:
    """Look for each burst in what came back.

    Args:
        heard: what came back, at 8 kHz.
        arrived: when each of its samples did.
        said: `(second of the scene, when the burst's first sample was sent)`.
        most: seconds after which a burst is given up.
    """
    delays: list[float] = []
    for second, at in said:
        begin, end = np.searchsorted(arrived, [at, at + most])
        window = heard[begin : end + burst(second).size].astype(np.float64)
        found = place(window, burst(second))
        if found is not None:
            delays.append(float(arrived[begin + found] - at))
    return Found(delays, len(said) - len(delays))


def place(window: NDArray[np.float64], pattern: NDArray[np.float64]) -> int | None:
    """Where the pattern is likest; None when nowhere like enough."""
    if window.size < pattern.size:
        return None
    size = 1 << (window.size + pattern.size).bit_length()
    product = np.fft.rfft(window, size) * np.conj(np.fft.rfft(pattern, size))
    score = np.fft.irfft(product, size)[: window.size - pattern.size + 1]
    energy = np.concatenate([[0.0], np.cumsum(window**2)])
    held = energy[pattern.size :] - energy[: energy.size - pattern.size]
    score = score / np.sqrt(held * (pattern**2).sum() + 1e-9)
    at = int(np.argmax(score))
    return at if score[at] >= LIKENESS else None
