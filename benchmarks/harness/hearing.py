"""When a caller hears which of the server's tones: servers/reply.py answers low and high by turns."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtstream.media.g711 import ulaw_decode

from .lines import Line

TONES = np.array([800.0, 1600.0])
SLOT = 0.01  # seconds that are looked at in one piece; both tones go into it a whole number of times
LOUD = 1000.0  # RMS: 18 dB below the tones, and far above what a codec makes of silence
APART = 0.25  # seconds of silence between two replies; less is a stumble in one of them

Samples = NDArray[np.int16]
Pieces = Iterable[tuple[float, Samples]]  # when each is heard, and what it is


@dataclass
class Reply:
    """One reply as the caller heard it: from when to when, and in which tone."""

    begin: float
    end: float
    tone: int


def replies(pieces: Pieces, rate: int) -> list[Reply]:
    """The replies in what was heard."""
    found: list[Reply] = []
    for at, tone in _loud(pieces, rate):
        last = found[-1] if found else None
        if last is None or last.tone != tone or at - last.end > APART:
            found.append(Reply(at, at + SLOT, tone))
        else:
            last.end = max(last.end, at + SLOT)
    return found


def _loud(pieces: Pieces, rate: int) -> Iterator[tuple[float, int]]:
    size = round(rate * SLOT)
    waves = np.exp(-2j * np.pi * TONES[:, None] * np.arange(size) / rate)
    for at, samples in pieces:
        for begin in range(0, samples.size - size + 1, size):
            slot = samples[begin : begin + size].astype(np.float64)
            if np.sqrt(np.mean(slot**2)) > LOUD:
                yield at + begin / rate, int(np.argmax(np.abs(waves @ slot)))


def played(line: Line) -> list[tuple[float, Samples]]:
    """What came over a WebSocket as it is heard: a piece after the other, the rest forgotten when told so.

    That is how Twilio plays ("media" and "clear" messages), and how a program must that is sent sound ahead
    of its time.
    """
    heard: list[tuple[float, Samples]] = []
    head = 0.0
    for at, text in line.messages():
        message = json.loads(text)
        if message.get("event") == "media":
            samples = ulaw_decode(base64.b64decode(message["media"]["payload"]))
            begin = max(at, head)
            heard.append((begin, samples))
            head = begin + samples.size / line.rate_back
        elif message.get("event") == "clear":
            heard = [_until(at, piece, line.rate_back) for piece in heard if piece[0] < at]
            head = min(head, at)
    return heard


def _until(end: float, piece: tuple[float, Samples], rate: int) -> tuple[float, Samples]:
    begin, samples = piece
    return begin, samples[: round((end - begin) * rate)]
