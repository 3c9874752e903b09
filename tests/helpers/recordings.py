"""Real speech, with what is said in it."""

from __future__ import annotations

import re
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtstream.media.frames import AudioFrame

from ..conftest import SAMPLE

RATE = 16000
DATA = Path("/usr/share/pocketsphinx/test/data")  # Debian's pocketsphinx-testdata


@dataclass(frozen=True)
class Recording:
    """16 kHz, mono, int16; and its transcript."""

    name: str
    samples: NDArray[np.int16]
    words: str

    @property
    def audio(self) -> tuple[int, NDArray[np.int16]]:
        return RATE, self.samples

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


def read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def go_forward() -> Recording:
    """The one that our templates carry, so it is always there."""
    return Recording("go forward", read(SAMPLE), "go forward ten meters")


def transcribed(folder: str, transcripts: str) -> list[Recording]:
    """The recordings of a folder of the test data; none if the package is not installed."""
    found: list[Recording] = []
    file = DATA / folder / transcripts
    for line in file.read_text().splitlines() if file.exists() else []:
        if said := re.fullmatch(r"<s>\s*(.*?)\s*</s> \((.*)\)", line.strip()):
            path = file.parent / f"{said[2]}.wav"
            found.append(Recording(path.name, read(path), said[1]))
    return found


def cards() -> list[Recording]:
    """Five phrases about playing cards, one speaker."""
    return transcribed("cards", "cards.transcription")


def librivox() -> list[Recording]:
    """Five sentences of a novel, one reader."""
    return transcribed("librivox", "transcription")


def spoken(*parts: Recording | float) -> list[AudioFrame]:
    """Recordings and seconds of silence, one after the other, in frames of 20 ms."""
    sound = np.concatenate(
        [np.zeros(round(p * RATE), np.int16) if isinstance(p, float) else p.samples for p in parts]
    )
    return [AudioFrame(sound[None, at : at + 320], RATE) for at in range(0, len(sound), 320)]


def wrong_words(said: str, heard: str) -> int:
    """How many words must be put in, left out or changed to make one of the other."""
    row = list(range(len(heard.split()) + 1))
    for count, word in enumerate(said.split(), 1):
        before, row = row, [count]
        for at, other in enumerate(heard.split(), 1):
            row.append(min(before[at] + 1, row[-1] + 1, before[at - 1] + (word != other)))
    return row[-1]
