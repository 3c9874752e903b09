"""The program of a pocketsphinx process: takes orders on stdin, answers each with one line of JSON.

pocketsphinx holds Python's lock while it decodes, so it must not share a process with an event loop. An
order is a line of JSON, `{"do": …, "bytes": n}`, and n bytes of sound: int16, mono, 16 kHz. This file
is run by its path and imports nothing of rtstream. The process ends with its stdin.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from importlib import import_module
from typing import Any, BinaryIO

Decoder: Any = import_module("pocketsphinx").Decoder  # it has no types

FRAMES_A_SECOND = 100


class Recogniser:
    """Free speech: quick partial transcripts as it comes, a careful one of the whole at its end.

    The careful one normalises the sound by its own mean, which spares a third of the errors; a tenth of
    the usual hypotheses a frame are followed, which halves the work and costs no word (docs/speech.md).
    """

    def __init__(self) -> None:
        self._decoder = Decoder(loglevel="FATAL", cmn="batch", fwdflat=False, maxhmmpf=3000)
        self._said = bytearray()
        self._live = False

    def begin(self, live: bool) -> dict[str, Any]:
        self._said.clear()
        self._live = live
        self._decoder.reinit_feat()  # whoever spoke before must not matter
        if live:
            self._decoder.start_utt()
        return {}

    def hear(self, sound: bytes) -> dict[str, Any]:
        self._said += sound
        if not self._live:
            return {}
        self._decoder.process_raw(sound)
        return {"text": self._text()}

    def end(self) -> dict[str, Any]:
        if self._live:
            self._decoder.end_utt()
        if not self._said:
            return {"text": "", "words": []}
        self._decoder.reinit_feat()  # after a live utterance it would not take the mean of a whole one
        self._decoder.start_utt()
        self._decoder.process_raw(bytes(self._said), full_utt=True)
        self._decoder.end_utt()
        return {"text": self._text(), "words": self._words()}

    def _words(self) -> list[tuple[str, float, float]]:
        """The words without silences and noises, and when each was said."""
        return [
            (
                part.word.partition("(")[0],  # "the(2)" is another way to say it
                part.start_frame / FRAMES_A_SECOND,
                (part.end_frame + 1) / FRAMES_A_SECOND,
            )
            for part in self._decoder.seg() or ()
            if part.word[0] not in "<["
        ]

    def _text(self) -> str:
        found = self._decoder.hyp()
        return found.hypstr if found else ""


class Phrases:
    """Listening for phrases: much cheaper than free speech, with each phrase's own threshold."""

    def __init__(self) -> None:
        self._decoder = Decoder(loglevel="FATAL", lm=None)
        self._searches: list[dict[str, float]] = []
        self._told = -1  # the frame in which the last phrase that was told ended

    def look_up(self, words: list[str]) -> dict[str, Any]:
        return {"phones": {word: self._decoder.lookup_word(word) for word in words}}

    def begin(self, phrases: dict[str, float], spelled: dict[str, str], mean: str | None) -> dict[str, Any]:
        for word, phones in spelled.items():
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, phones)
        if phrases not in self._searches:
            self._searches.append(phrases)
            self._add(f"phrases{len(self._searches) - 1}", phrases)
        self._decoder.activate_search(f"phrases{self._searches.index(phrases)}")
        self._decoder.reinit_feat()
        if mean is not None:
            self._decoder.set_cmn(mean)
        self._decoder.start_utt()
        self._told = -1
        return {}

    def hear(self, sound: bytes) -> dict[str, Any]:
        self._decoder.process_raw(sound)
        return self._found()

    def end(self) -> dict[str, Any]:
        self._decoder.end_utt()
        return {**self._found(), "mean": self._decoder.get_cmn(True)}

    def _found(self) -> dict[str, Any]:
        """The first phrase that was heard and has not been told yet, and when it ended."""
        heard = sorted((part.end_frame, part.word) for part in self._decoder.seg() or ())
        for end, phrase in heard:
            if end > self._told:
                self._told = end
                return {"phrase": phrase.strip(), "end": (end + 1) / FRAMES_A_SECOND}
        return {}

    def _add(self, name: str, phrases: dict[str, float]) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".phrases", delete=False, encoding="utf-8") as file:
            file.writelines(f"{phrase} /1e-{exponent:.0f}/\n" for phrase, exponent in phrases.items())
        try:
            self._decoder.add_kws(name, file.name)
        finally:
            os.unlink(file.name)


def serve(orders: BinaryIO, answers: BinaryIO, engine: Any) -> None:
    """Carry out orders until there are no more."""
    while line := orders.readline():
        order = json.loads(line)
        do = getattr(engine, order.pop("do"))
        size = order.pop("bytes", None)
        try:
            answer = do(**order) if size is None else do(orders.read(size))
        except (RuntimeError, ValueError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started this one
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(sys.stdin.buffer, answers, {"text": Recogniser, "phrases": Phrases}[sys.argv[1]]())


if __name__ == "__main__":
    main()
