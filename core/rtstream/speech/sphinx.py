"""pocketsphinx: speech to text and phrase spotting in American English, with no download and no key.

Each decoder has a process of its own (`sphinx_process`), because pocketsphinx holds Python's lock.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingExtra, UsageError
from .engines import need
from .process import ANSWER_SECONDS, Pool, Process
from .pronouncing import pronunciation
from .protocols import HEARING_RATE, Audio, Hearing, Spotted, Word
from .sound import Ear, hearing

SCRIPT = Path(__file__).with_name("sphinx_process.py")
CORES = os.cpu_count() or 1
PIECE = HEARING_RATE // 4  # samples an order: it fits into a pipe, so that a process that hangs is noticed
PATIENCE = 10.0  # seconds for each second of sound that is recognised in one go
SHORT = 6  # phones: a phrase that is shorter is also heard in other words


@lru_cache(maxsize=2)
def pool(kind: str) -> Pool:
    """The processes for "text" (110 MB each) or "phrases" (40 MB each)."""
    return Pool("pocketsphinx", SCRIPT, kind, most=max(2, CORES) if kind == "text" else 4 * CORES, kept=2)


class PocketsphinxSTT:
    """Speech to text in American English.

    Its calls block the thread that makes them, not Python: the work is done in another process.

    Raises:
        MissingExtra: pocketsphinx is not installed.
        HandlerHung, HandlerRaised: by its methods, when the engine hangs or fails; it has been replaced.
    """

    def __init__(self) -> None:
        need("pocketsphinx", "pocketsphinx", "offline")
        self._pool = pool("text")
        with self._pool.taken():
            pass  # now there is a process, which loads its models while nobody waits

    def stt(self, audio: Audio) -> str:
        """What is said in the sound, in lower case and without punctuation; "" for nothing."""
        text: str = self._recognised(audio)["text"]
        return text

    def words(self, audio: Audio) -> list[Word]:
        """What is said in the sound, word by word."""
        return [Word(*word) for word in self._recognised(audio)["words"]]

    def stream(self) -> PocketsphinxStream:
        """A live transcription for one speaker. It holds a process only while an utterance goes on."""
        return PocketsphinxStream(self._pool)

    def _recognised(self, audio: Audio) -> Any:
        samples = hearing(audio)
        with self._pool.taken() as process:
            process.ask("begin", live=False)
            _hear(process, samples)
            return process.ask("end", within=_patience(len(samples)))


class PocketsphinxStream:
    """One speaker's live transcription: quick partial transcripts, and a careful one at the end."""

    def __init__(self, pool: Pool) -> None:
        self.partial = ""
        self._line = _Line(pool)
        self._ear = Ear()
        self._samples = 0

    def feed(self, audio: Audio) -> str:
        """Hand over the next piece of sound; returns `partial`."""
        return self._hear(self._ear.push(audio))

    def final(self) -> str:
        """End the utterance and return what was said in it; the next `feed` begins another."""
        self._hear(self._ear.flush())
        said = self._line.end(within=_patience(self._samples))
        self.partial, self._samples = "", 0
        text: str = said.get("text", "")
        return text

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""
        self._line.close()

    def _hear(self, samples: Hearing) -> str:
        if samples.size:
            self._samples += samples.size
            self.partial = self._line.hear(samples, live=True).get("text", self.partial)
        return self.partial


class KeyphraseSpotter:
    """Listens for phrases in American English; costs 3 % of the time that is listened to.

    Args:
        leniency: each phrase's threshold is ten to minus this times its number of phones (default 1).
            More misses less of what was said and hears more that was not; from 0.5 to 2.5 it matters little.

    Raises:
        MissingExtra: pocketsphinx is not installed.
    """

    def __init__(self, leniency: float = 1.0) -> None:
        need("pocketsphinx", "pocketsphinx", "offline")
        self._leniency = leniency

    def listening_for(self, phrases: Sequence[str]) -> KeyphraseStream:
        """A listener for one speaker.

        Raises:
            UsageError: nobody knows how a word is pronounced.
        """
        phones, spelled = spellings(tuple(phrases))
        limits = {phrase: max(1, round(count * self._leniency)) for phrase, count in phones.items()}
        return KeyphraseStream(pool("phrases"), limits, spelled)


class KeyphraseStream:
    """One speaker, listened to. It holds a process only while a stretch of speech goes on."""

    def __init__(self, pool: Pool, limits: dict[str, int], spelled: dict[str, str]) -> None:
        self._line = _Line(pool)
        self._wanted = {"phrases": limits, "spelled": spelled}
        self._mean: str | None = None  # of this speaker's sound, carried from stretch to stretch

    def listen(self, samples: Hearing, *, last: bool) -> Spotted | None:
        """Take more of the present stretch; `last` ends it. Returns the first phrase that was heard."""
        found = self._line.hear(samples, **self._wanted, mean=self._mean) if samples.size else {}
        if last:
            ended = self._line.end()
            self._mean = ended.get("mean", self._mean)
            found = found if "phrase" in found else ended
        return Spotted(found["phrase"], found["end"]) if "phrase" in found else None

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""
        self._line.close()


class _Line:
    """A process for as long as an utterance lasts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._process: Process | None = None

    def hear(self, samples: Hearing, **beginning: Any) -> Any:
        """Hand over sound; the first of it begins the utterance. Returns the engine's answer."""
        try:
            if self._process is None:
                self._process = self._pool.take()
                self._process.ask("begin", **beginning)
            return _hear(self._process, samples)
        except BaseException:
            self.close()
            raise

    def end(self, within: float = ANSWER_SECONDS) -> Any:
        """End the utterance; {} if there was none."""
        if self._process is None:
            return {}
        try:
            answer = self._process.ask("end", within=within)
        except BaseException:
            self.close()
            raise
        self._pool.give_back(self._process)
        self._process = None
        return answer

    def close(self) -> None:
        """Give the process up, in the middle of the utterance if need be."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self._pool.give_back(process)


@lru_cache(maxsize=64)
def spellings(phrases: tuple[str, ...]) -> tuple[dict[str, int], dict[str, str]]:
    """How many phones each phrase has, and the phones of the words that the dictionary does not know.

    Raises:
        UsageError: nobody knows how a word is pronounced.
    """
    words = sorted({word for phrase in phrases for word in phrase.split()})
    with pool("phrases").taken() as process:
        phones = process.ask("look_up", words=words)["phones"]
    spelled = {word: _spelled(word) for word in words if phones[word] is None}
    phones |= spelled
    return {phrase: sum(len(phones[w].split()) for w in phrase.split()) for phrase in phrases}, spelled


def _spelled(word: str) -> str:
    why = f"pocketsphinx's dictionary does not know `{word}`"
    try:
        phones = pronunciation(word)
    except MissingExtra:
        phones, why = "", f"{why}, and espeak-ng, which knows how to say any word, is not installed"
    if not phones:
        raise UsageError(
            f"`{word}` cannot be listened for",
            why=why,
            fix="Choose other words, or pass a speech-to-text model as `stt`",
        )
    return phones


def installed() -> bool:
    """Whether pocketsphinx is there."""
    return importlib.util.find_spec("pocketsphinx") is not None


def _hear(process: Process, samples: Hearing) -> Any:
    """Hand over sound piece by piece; of the answers, the last, with the first phrase that was heard."""
    answer: dict[str, Any] = {}
    for piece in _pieces(samples):
        answer = {**process.ask("hear", piece), **{k: v for k, v in answer.items() if k in ("phrase", "end")}}
    return answer


def _pieces(samples: Hearing) -> Iterator[bytes]:
    for start in range(0, len(samples), PIECE):
        yield np.ascontiguousarray(samples[start : start + PIECE]).astype("<i2").tobytes()


def _patience(samples: int) -> float:
    return ANSWER_SECONDS + PATIENCE * samples / HEARING_RATE
