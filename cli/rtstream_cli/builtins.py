"""Handlers that every command can be tried with, without a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from difflib import get_close_matches
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtstream.errors import HandlerNotFound

Sound = tuple[int, NDArray[np.int16]]
Picture = NDArray[np.uint8]

RATE, FRAME = 48000, 960  # samples a second, samples in 20 ms
WIDTH, HEIGHT, FPS = 320, 240, 30

# The signs of a clock in 3 by 5 dots: a row a number, the leftmost dot its highest bit.
GLYPHS = {
    "0": (7, 5, 5, 5, 7),
    "1": (2, 6, 2, 2, 7),
    "2": (7, 1, 7, 4, 7),
    "3": (7, 1, 7, 1, 7),
    "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7),
    "6": (7, 4, 7, 5, 7),
    "7": (7, 1, 2, 2, 2),
    "8": (7, 5, 7, 5, 7),
    "9": (7, 5, 7, 1, 7),
    ":": (0, 2, 0, 2, 0),
    ".": (0, 0, 0, 0, 2),
}


async def echo(audio: Sound) -> Sound:
    """Send back what is heard; with `--modality video`, what is seen."""
    return audio


async def parrot(audio: Sound) -> AsyncIterator[Sound]:
    """Repeat what was said, each time the speaker pauses."""
    yield audio


async def mirror(image: Picture) -> Picture:
    """Send back what is seen, left and right exchanged."""
    return np.ascontiguousarray(image[:, ::-1])


def tone(frequency: float = 440.0, volume: float = 0.3) -> Iterator[Sound]:
    """Send a steady tone."""
    for start in count(0, FRAME):
        phase = (start + np.arange(FRAME)) * (2 * np.pi * frequency / RATE)
        yield RATE, (np.sin(phase) * volume * 32767).astype(np.int16)[None]


def clock() -> Iterator[Picture]:
    """Send pictures of a clock that counts from 00:00.00."""
    for number in count():
        minutes, hundredths = divmod(number * 100 // FPS, 6000)
        yield _picture(f"{minutes % 100:02}:{hundredths // 100:02}.{hundredths % 100:02}")


def _picture(text: str, dot: int = 9) -> Picture:
    """White signs on dark blue, in the middle of a picture."""
    dots = np.zeros((5, 4 * len(text) - 1), np.uint8)
    for i, sign in enumerate(text):
        for y, row in enumerate(GLYPHS[sign]):
            dots[y, 4 * i : 4 * i + 3] = [row >> 2 & 1, row >> 1 & 1, row & 1]
    sign_pixels = np.kron(dots, np.ones((dot, dot), np.uint8))
    picture = np.full((HEIGHT, WIDTH, 3), (64, 32, 16), np.uint8)
    top, left = (HEIGHT - sign_pixels.shape[0]) // 2, (WIDTH - sign_pixels.shape[1]) // 2
    picture[top : top + sign_pixels.shape[0], left : left + sign_pixels.shape[1]][sign_pixels > 0] = 255
    return picture


BUILTINS: dict[str, Callable[..., Any]] = {
    "@echo": echo,
    "@parrot": parrot,
    "@mirror": mirror,
    "@tone": tone,
    "@clock": clock,
}


def find(name: str) -> Callable[..., Any]:
    """The built-in handler of that name.

    Raises:
        HandlerNotFound: for a name that no built-in has.
    """
    if name not in BUILTINS:
        near = get_close_matches(name, BUILTINS, n=1, cutoff=0.5)
        raise HandlerNotFound(
            f"there is no built-in `{name}`",
            why=f"there are {', '.join(f'`{one}`' for one in BUILTINS)}",
            fix=f"Did you mean `{near[0]}`?" if near else "Name one of these, or a file: `handler.py:fn`",
        )
    return BUILTINS[name]
