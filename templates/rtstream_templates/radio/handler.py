"""Radio: everybody who tunes in hears the recording, round and round."""

import wave
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np

RECORDING = Path(__file__).parent / "sample.wav"


def radio(volume: float = 1.0) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the programme a fifth of a second at a time; it is paced by whoever listens.

    Each piece is the rate in samples a second, and int16 samples of shape (1, n). `volume` is an
    additional input from 0 to 1: a client may change it while it listens.
    """
    rate, programme = read(RECORDING)
    for piece in cycle(np.array_split(programme, len(programme) * 5 // rate)):
        yield rate, (piece * volume).astype(np.int16)[None]


def read(path: Path) -> tuple[int, np.ndarray]:
    """The rate and the samples of a mono WAV file of 16 bits."""
    with wave.open(str(path)) as file:
        return file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)
