"""What speech engines look like: speech to text, text to speech, and listening for phrases."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Audio: TypeAlias = tuple[int, NDArray[Any]]
"""`(rate, samples)`: samples a second; int16, or float32 at ±1, of the shape `(n,)` or `(channels, n)`."""

HEARING_RATE = 16000  # samples a second: what speech recognisers are trained on

Hearing: TypeAlias = NDArray[np.int16]
"""Mono samples at `HEARING_RATE`."""


@dataclass(frozen=True)
class Word:
    """A recognised word, and when it was said: seconds from the beginning of the sound."""

    text: str
    start: float
    end: float


class STTModel(Protocol):
    """Speech to text. FastRTC's protocol."""

    def stt(self, audio: Audio) -> str:
        """What is said in the sound; "" for nothing. Blocks: call it in a thread."""
        ...


@runtime_checkable
class TimedSTTModel(Protocol):
    """Speech to text that also knows when each word was said."""

    def words(self, audio: Audio) -> list[Word]:
        """What is said in the sound, word by word. Blocks."""
        ...


class STTStream(Protocol):
    """Live transcription for one speaker, one utterance after the other. Its calls block."""

    @property
    def partial(self) -> str:
        """What has been said so far in this utterance; it may still change."""
        ...

    def feed(self, audio: Audio) -> str:
        """Hand over the next piece of sound; returns `partial`."""
        ...

    def final(self) -> str:
        """End the utterance and return what was said in it; the next `feed` begins another."""
        ...

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""


@runtime_checkable
class StreamingSTTModel(Protocol):
    """Speech to text that gives partial transcripts while somebody speaks."""

    def stream(self) -> STTStream:
        """A transcription for one speaker."""
        ...


class TTSModel(Protocol):
    """Text to speech. FastRTC's protocol; `options` is the engine's own."""

    def tts(self, text: str, options: Any = None) -> Audio:
        """The whole text as sound. Blocks: call it in a thread."""
        ...

    def stream_tts(self, text: str, options: Any = None) -> AsyncGenerator[Audio, None]:
        """The text as pieces of sound, the first as soon as it exists."""
        ...

    def stream_tts_sync(self, text: str, options: Any = None) -> Generator[Audio, None, None]:
        """The same for code that runs in a thread."""
        ...


@dataclass(frozen=True)
class Spotted:
    """A phrase that was heard; `end` is when it was over, in seconds from the beginning of the stretch."""

    phrase: str
    end: float


class SpotterStream(Protocol):
    """Listens to one speaker, one stretch of speech after the other. Its calls block."""

    def listen(self, samples: Hearing, *, last: bool) -> Spotted | None:
        """Take more of the present stretch; `last` ends it. Returns the first phrase that was heard."""
        ...

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""


class Spotter(Protocol):
    """Finds phrases in speech."""

    def listening_for(self, phrases: Sequence[str]) -> SpotterStream:
        """A listener for one speaker.

        Raises:
            UsageError: a phrase is none that it can listen for.
        """
        ...
