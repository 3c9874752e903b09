"""Listening for stop words by transcription: alone, or to confirm what a spotter has heard."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from ..errors import MissingExtra, UsageError
from ..speech.models import get_stt_model
from ..speech.protocols import (
    HEARING_RATE,
    Hearing,
    Spotted,
    Spotter,
    SpotterStream,
    STTModel,
    TimedSTTModel,
)
from ..speech.sphinx import KeyphraseSpotter, installed
from ..turns.stopwords import Phrases, normal

STEP = HEARING_RATE // 50  # 20 ms: the grain of loudness
NEAR = 8  # grains on either side of where a phrase may end, in which the pause behind it is looked for


def spotter_for(phrases: Phrases, spotter: Spotter | None, stt: STTModel | None) -> SpotterStream:
    """What listens for them, given what the user has passed and what is installed.

    Raises:
        MissingExtra: nothing that can listen is installed.
        UsageError: a phrase cannot be pronounced, and there is no `stt` to transcribe it.
    """
    if spotter is None and not installed():
        return TextStream(phrases, stt if stt is not None else _fastrtcs_default())
    try:
        stream = (spotter or KeyphraseSpotter()).listening_for(phrases.phrases)
    except UsageError:
        if stt is None or spotter is not None:
            raise
        return TextStream(phrases, stt)
    return stream if stt is None else Confirmed(stream, phrases, stt)


class TextSpotter:
    """Transcribes every stretch of speech and looks for the phrases in the text.

    It costs a transcription for whatever is said, and hears a stop word only in the pause after it.

    Args:
        stt: what transcribes. If it knows when each word was said (`TimedSTTModel`), what follows the
            stop word is cut off exactly there; otherwise where its share of the letters ends.
    """

    def __init__(self, stt: STTModel) -> None:
        self._stt = stt

    def listening_for(self, phrases: Sequence[str]) -> SpotterStream:
        """A listener for one speaker."""
        return TextStream(Phrases(phrases), self._stt)


class TextStream:
    """One speaker, transcribed stretch by stretch."""

    def __init__(self, phrases: Phrases, stt: STTModel) -> None:
        self._phrases = phrases
        self._stt = stt
        self._said: list[Hearing] = []

    def listen(self, samples: Hearing, *, last: bool) -> Spotted | None:
        """Take more of the present stretch; it is transcribed when it is over."""
        self._said.append(samples)
        if not last:
            return None
        said, self._said = np.concatenate(self._said), []
        return spotted_in(said, self._phrases, self._stt) if said.size else None

    def close(self) -> None:
        """Forget what was said."""
        self._said.clear()


class Confirmed:
    """A spotter whose finds count only when the phrase is also in the transcript.

    Args:
        stream: the spotter's.
        phrases: what it listens for.
        stt: what transcribes.
    """

    def __init__(self, stream: SpotterStream, phrases: Phrases, stt: STTModel) -> None:
        self._stream = stream
        self._phrases = phrases
        self._stt = stt
        self._said: list[Hearing] = []
        self._doubtful: Spotted | None = None

    def listen(self, samples: Hearing, *, last: bool) -> Spotted | None:
        """Take more of the present stretch; a find that was not confirmed gets another chance at its end."""
        self._said.append(samples)
        found = self._stream.listen(samples, last=last)
        candidate = found or (self._doubtful if last else None)
        confirmed = candidate if candidate is not None and self._is_in_the_text() else None
        self._doubtful = None if last or confirmed else candidate or self._doubtful
        if last:
            self._said.clear()
        return confirmed

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""
        self._said.clear()
        self._stream.close()

    def _is_in_the_text(self) -> bool:
        said = np.concatenate(self._said)
        return self._phrases.find(self._stt.stt((HEARING_RATE, said))) is not None


def spotted_in(said: Hearing, phrases: Phrases, stt: STTModel) -> Spotted | None:
    """The first of the phrases in what is said."""
    if isinstance(stt, TimedSTTModel):
        words = [word for word in stt.words((HEARING_RATE, said)) if normal(word.text)]
        found = phrases.find(" ".join(word.text for word in words))
        if found is None:
            return None
        ends = accumulate(len(normal(word.text)) + 1 for word in words)
        last = next(word for word, end in zip(words, ends, strict=True) if end > found.end)
        return Spotted(found.phrase, last.end)
    text = stt.stt((HEARING_RATE, said))
    found = phrases.find(text)
    return Spotted(found.phrase, guessed_end(said, found.end / len(normal(text)))) if found else None


def guessed_end(said: Hearing, share: float) -> float:
    """When that share of the letters has been said: at the quietest moment thereabouts, in seconds."""
    grains = said[: len(said) // STEP * STEP].reshape(-1, STEP).astype(np.float32)
    loudness = np.sqrt((grains**2).mean(axis=1))
    voiced = np.flatnonzero(loudness > loudness.max(initial=0.0) / 10)
    if not voiced.size:
        return len(said) / HEARING_RATE
    first, last = int(voiced[0]), int(voiced[-1]) + 1
    guess = first + round((last - first) * share)
    if guess >= last:
        return last * STEP / HEARING_RATE
    start = max(first, guess - NEAR)
    quietest = start + int(np.argmin(loudness[start : min(last, guess + NEAR)]))
    return quietest * STEP / HEARING_RATE


def _fastrtcs_default() -> STTModel:
    """FastRTC's way: transcribe everything with moonshine/base.

    Raises:
        MissingExtra: it is not there either.
    """
    try:
        return get_stt_model()
    except MissingExtra as error:
        raise MissingExtra(
            "nothing that could listen for stop words is installed",
            why=f"pocketsphinx is not, and of moonshine: {error.what}",
            fix='pip install "rtstream[offline]", or pass a speech-to-text model as `stt`',
        ) from error
