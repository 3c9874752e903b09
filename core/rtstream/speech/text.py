"""Text in pieces that are spoken one after the other."""

from __future__ import annotations

import re

SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s+|\n+")
LONGEST = 400  # characters, half a minute of speech: a longer sentence is cut between words


def sentences(text: str, longest: int = LONGEST) -> list[str]:
    """The sentences of a text, none empty and none longer than `longest` (unless a word is)."""
    pieces: list[str] = []
    for sentence in SENTENCE_END.split(text):
        pieces += _cut(sentence.strip(), longest)
    return pieces


def paragraphs(text: str, longest: int = LONGEST) -> list[str]:
    """As much text as fits into each piece, whole sentences if they fit."""
    pieces: list[str] = []
    for sentence in sentences(text, longest):
        if pieces and len(pieces[-1]) + len(sentence) < longest:
            pieces[-1] += f" {sentence}"
        else:
            pieces.append(sentence)
    return pieces


def _cut(sentence: str, longest: int) -> list[str]:
    pieces: list[str] = []
    while len(sentence) > longest:
        at = sentence.rfind(" ", 0, longest)
        at = at if at > 0 else longest
        pieces.append(sentence[:at])
        sentence = sentence[at:].strip()
    return [*pieces, sentence] if sentence else pieces
