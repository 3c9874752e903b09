"""The tones of a telephone's keys (ITU-T Q.23): made, and found in sound."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import OptionError
from .frames import AudioFrame
from .resample import Resampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEYS = ("123A", "456B", "789C", "*0#D")
LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)
WAITS = {"w": 0.5, "W": 1.0}  # seconds, as in the dial strings of carriers

TONE_SECONDS = 0.1  # each tone, and the silence after it; Q.24 asks for 40 ms of either
AMPLITUDE = 0.2  # of full scale, each of the two: -14 dBFS

RATE = 8000
WINDOW = 160  # samples: 20 ms part tones that are 73 Hz from each other
HOP = 80
ENOUGH = 3  # windows in a row: 40 ms, the shortest key that Q.24 has a receiver take
RELEASED = 4  # windows without it after which the same key is pressed anew: Q.24's 40 ms, not its 10
PURE = 0.7  # of a window's power lies in the two tones: speech has overtones, and noise is everywhere
FAINTEST = 1e-5  # of full scale's power, in each tone
TWIST = 10.0  # how much more power one of the two may have: Q.24 allows 4 to 8 dB
ALONE = 6.0  # how much more power each has than the next in its group


class Key(NamedTuple):
    """A key, None for a wait, and for how long nothing follows it."""

    digit: str | None
    seconds: float


def dialled(digits: str) -> list[Key]:
    """The keys of a dial string such as "1w2#": `0` to `9`, `*`, `#`, `A` to `D`; `w` and `W` wait.

    Raises:
        OptionError: it holds something else.
    """
    keys: list[Key] = []
    for character in digits:
        if character in WAITS:
            keys.append(Key(None, WAITS[character]))
        elif any(character.upper() in row for row in KEYS):
            keys.append(Key(character.upper(), 2 * TONE_SECONDS))
        else:
            raise OptionError(
                f"{character!r} is no key of a telephone",
                why="the keys are 0 to 9, *, # and A to D; w waits half a second, W a whole one",
                fix="Pass digits such as '1w2#'",
            )
    return keys


def tones(digits: str, rate: int = RATE) -> AudioFrame:
    """The sound of keys pressed one after another, int16 of shape `(1, n)`; waits are silence.

    Raises:
        OptionError: a character is no key.
    """
    parts = [np.zeros(0)]
    for digit, seconds in dialled(digits):
        sound = np.zeros(round(seconds * rate))
        if digit is not None:
            at = np.arange(round(TONE_SECONDS * rate)) * (2 * np.pi / rate)
            sound[: at.size] = AMPLITUDE * sum(np.sin(at * frequency) for frequency in _tones_of(digit))
        parts.append(sound)
    samples = np.rint(np.concatenate(parts) * 32767).astype(np.int16)
    return AudioFrame(samples[None, :], rate)


class Detector:
    """Finds keys in one stream of sound of any rate.

    Every 10 ms the last 20 ms are compared with the eight tones. A key counts once, when its two tones have
    stood alone for 40 ms.
    """

    def __init__(self) -> None:
        self._resampler = Resampler(RATE, 1)
        self._kept = np.zeros(0, np.int16)
        self._candidate: str | None = None
        self._seen = 0
        self._down: str | None = None
        self._missed = 0

    def push(self, frame: AudioFrame) -> str:
        """Take sound; returns the keys that were found, in their order: "" for none."""
        sound = self._resampler.push(frame)
        if sound is None:
            return ""
        self._kept = np.concatenate([self._kept, sound.samples[0]])
        count = (self._kept.size - WINDOW) // HOP + 1
        if count <= 0:
            return ""
        windows = np.lib.stride_tricks.sliding_window_view(self._kept, WINDOW)[::HOP][:count]
        self._kept = self._kept[count * HOP :].copy()
        return "".join(key for digit in _digits(windows) if (key := self._follow(digit)))

    def _follow(self, digit: str | None) -> str | None:
        """Take what one window holds; the key that it completes, if any."""
        self._missed = 0 if digit == self._down else self._missed + 1
        if self._missed >= RELEASED:
            self._down = None
        if digit != self._candidate:
            self._candidate, self._seen = digit, 0
        self._seen += 1
        if digit is None or self._seen != ENOUGH or digit == self._down:
            return None
        self._down, self._missed = digit, 0
        return digit


def _digits(windows: NDArray[np.int16]) -> list[str | None]:
    """The key in each of several windows, as far as there is one."""
    samples = windows.astype(np.float32) / 32768
    whole = np.mean(samples**2, axis=1)
    parts = samples @ _basis()
    power = (parts[:, :8] ** 2 + parts[:, 8:] ** 2) * (2 / WINDOW**2)
    low, high = power[:, :4], power[:, 4:]
    at_low, at_high = low.argmax(axis=1), high.argmax(axis=1)
    low, high = np.sort(low, axis=1), np.sort(high, axis=1)
    a, b = low[:, 3], high[:, 3]
    found = (
        (np.minimum(a, b) > FAINTEST)
        & (a + b > PURE * whole)
        & (a < TWIST * b)
        & (b < TWIST * a)
        & (a > ALONE * low[:, 2])
        & (b > ALONE * high[:, 2])
    )
    return [
        KEYS[row][column] if there else None
        for row, column, there in zip(at_low, at_high, found, strict=True)
    ]


@cache
def _basis() -> NDArray[np.float32]:
    """Cosines and sines of the eight tones, one window long, side by side."""
    angles = np.outer(np.arange(WINDOW), np.array([*LOW, *HIGH])) * (2 * np.pi / RATE)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _tones_of(digit: str) -> tuple[int, int]:
    row = next(index for index, keys in enumerate(KEYS) if digit in keys)
    return LOW[row], HIGH[KEYS[row].index(digit)]
