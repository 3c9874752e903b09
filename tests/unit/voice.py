"""A voice for the tests of the audio path: something that is no tone, and how alike two sounds are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtstream.media.frames import AudioFrame

RATE = 48_000


def voice(seconds: float, rate: int = RATE) -> NDArray[np.int16]:
    """Vowels on a moving pitch, with a breath between the syllables: int16 `(n,)`."""
    moments = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 1.3 * moments)) / rate
    wave = sum(np.sin(k * phase) / k for k in range(1, 12))
    loud = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * moments)
    return np.asarray(5000 * loud * wave, np.float64).astype(np.int16)


def frames(samples: NDArray[np.int16], rate: int = RATE, channels: int = 1) -> list[AudioFrame]:
    """The sound in pieces of 20 ms."""
    step = rate // 50
    rows = np.repeat(samples[None], channels, axis=0)
    return [AudioFrame(rows[:, at : at + step], rate) for at in range(0, samples.size - step + 1, step)]


def likeness(heard: NDArray[np.int16], said: NDArray[np.int16], delay: int) -> float:
    """How alike two sounds are, the first so many samples late: 1 for the same, 0 for strangers."""
    a, b = heard[delay : said.size].astype(float), said[: said.size - delay].astype(float)
    size = min(a.size, b.size)
    a, b = a[:size], b[:size]
    return float(a @ b / np.sqrt((a @ a) * (b @ b) + 1e-9))


def lateness(heard: NDArray[np.int16], said: NDArray[np.int16], most: int = 700) -> int:
    """By how many samples the one is later than the other, from their first third of a second."""
    size = 1 << 15
    product = np.fft.rfft(heard[: size // 2], size) * np.conj(np.fft.rfft(said[: size // 2], size))
    return int(np.argmax(np.fft.irfft(product, size)[:most]))


def unlikeness(heard: NDArray[np.int16], said: NDArray[np.int16], delay: int) -> float:
    """How far apart two sounds are to an ear: the mean difference of their band levels in dB.

    A guess over a gap has the right sound but not the right phase, which `likeness` takes for a fault.
    """
    one, other = _levels(heard[delay:]), _levels(said)
    size = min(len(one), len(other))
    return float(np.abs(one[:size] - other[:size]).mean())


def _levels(sound: NDArray[np.int16]) -> NDArray[np.float64]:
    pieces = sound[: sound.size // 960 * 960].reshape(-1, 960).astype(float) * np.hanning(960)
    power = np.abs(np.fft.rfft(pieces))[:, 1:161] ** 2
    bands = power.reshape(len(pieces), 20, 8).sum(axis=2)
    return np.asarray(10 * np.log10(bands + 1e6))
