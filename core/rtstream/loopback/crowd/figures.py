"""How late the answers to one caller of a crowd were, and how many, out of what the caller brought home."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from rtstream.loopback.crowd.voice import HOP, LULL, STEPS, Voice, hops, onsets
from rtstream.loopback.result import Result
from rtstream.loopback.taken import Taken, waits
from rtstream.loopback.turns import turns_of
from rtstream.media.frames import FRAME_SECONDS
from rtstream.options import Mode

Manner = Literal["at once", "turns", "by itself", "nothing"]

PAUSE = 0.5  # seconds that callers are silent at least, before they say it again
BREATH = 1.0  # seconds of silence after a reply, before they do
LONGEST = 20.0  # seconds of a period that is waited for a reply to end
PATIENCE = 1.0  # seconds that an answer may take longer than that of the first call
EARLY = 0.005  # seconds by which an answer may be seen before what is answered: half the resolution of both


@dataclass(frozen=True)
class Trial:
    """What one call told of a handler, before there are many.

    Attributes:
        manner: "at once": what is said is answered while it is said; "turns": when the caller has fallen
            silent; "by itself": the handler speaks without being spoken to; "nothing": nothing goes back.
        period: seconds from one beginning of what is said to the next, so that a reply can end between.
        answer: seconds after which the answer came; 0 where there is none.
        ends: of the caller's turns that were answered, in seconds since the recording began.
    """

    manner: Manner
    period: float
    answer: float = 0.0
    ends: tuple[float, ...] = ()

    @property
    def seconds(self) -> float:
        """How many seconds must count at least, so that each caller is owed an answer in them."""
        return self.period + self.answer + PATIENCE


@dataclass
class Figures:
    """What calls had of a handler in the seconds that count.

    Attributes:
        delays: seconds after which answers came: "at once" after what they answer, "turns" after the end of
            speech; "by itself": by how long each piece kept one waiting for it.
        asked: how many answers were to come. `missed`: how many of them did not.
        sound: seconds of sound that came back.
        calls: how many there were to be. `refused`: of them, those that did not come about.
        gone: how many ended before their time.
        errors: what went wrong, as `RtstreamError.as_dict` tells it, each once.
        reasons: why the server ended calls, in its words.
    """

    delays: list[float] = field(default_factory=list)
    asked: int = 0
    missed: int = 0
    sound: float = 0.0
    calls: int = 0
    refused: int = 0
    gone: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Count those of other calls in."""
        self.delays += other.delays
        self.asked += other.asked
        self.missed += other.missed
        self.sound += other.sound
        self.calls += other.calls
        self.refused += other.refused
        self.gone += other.gone
        self.errors += [error for error in other.errors if error not in self.errors]
        self.reasons += [reason for reason in other.reasons if reason not in self.reasons]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return asdict(self)


def trial_of(result: Result, mode: Mode, seconds: float) -> Trial:
    """What one call, made as `test-file` makes it, tells of a handler.

    Args:
        result: what came of it.
        mode: of the stream.
        seconds: how long the recording lasts.
    """
    period = seconds + PAUSE
    if mode == "send":
        return Trial("nothing", period)
    replied = [turn for turn in result.turns if turn.latency_ms is not None]
    if replied:
        last = max(turn.reply_ended or 0.0 for turn in replied)
        slowest = max(turn.latency_ms or 0.0 for turn in replied) / 1000
        period = max(period, min(last + BREATH, LONGEST))
        return Trial("turns", period, slowest, tuple(turn.ended for turn in replied))
    if mode == "receive" or result.first_audio_ms is None or result.said_nothing:
        return Trial("by itself", period)
    return Trial("at once", period, result.first_audio_ms / 1000)


def figures_of(taken: Taken, trial: Trial, voice: Voice, since: float, until: float) -> Figures:
    """The figures of one call, of what was said and heard in the seconds that count.

    What was said so late that its answer may still be on the way is not asked for.
    """
    found = Figures(calls=1, errors=[error.as_dict() for error in taken.errors])
    found.reasons = [
        str(message.get("reason")) for _, message in taken.told if message.get("type") == "end_stream"
    ]
    pieces = [piece for piece in taken.audio if since <= piece.at < until]
    found.sound = sum(piece.frame.duration for piece in pieces)
    last = until - trial.answer - PATIENCE
    match trial.manner:
        case "at once":
            delays = [delay for at, delay in _answers(taken, voice) if since <= at < last]
            found.asked = len(delays)
            found.delays = [delay for delay in delays if delay is not None]
        case "turns":
            found.asked = sum(since <= end < last for end in _turn_ends(taken, trial, voice))
            turns = turns_of(taken, by_ear=True)
            found.delays = [
                turn.latency_ms / 1000
                for turn in turns
                if turn.latency_ms is not None and since <= taken.started + turn.ended < last
            ]
        case "by itself":
            found.delays = waits(pieces)
        case "nothing":
            pass
    found.missed = max(found.asked - len(found.delays), 0) if found.asked else 0
    return found


def _answers(taken: Taken, voice: Voice) -> list[tuple[float, float | None]]:
    """When it became loud in what was said, and how long after that it did in what came; None: it did not."""
    begins = [
        taken.said[number + place][0] + within
        for number in range(0, len(taken.said), voice.count)
        for place, within in voice.begins
        if number + place < len(taken.said)
    ]
    levels = [hops(piece.frame) for piece in taken.audio]
    moments = [piece.at + HOP * np.arange(len(each)) for piece, each in zip(taken.audio, levels, strict=True)]
    found = onsets(np.concatenate(levels), LULL) if levels else []
    heard = np.concatenate(moments)[found] if found else np.empty(0)
    nexts = [*begins[1:], float("inf")][: len(begins)]
    answers: list[tuple[float, float | None]] = []
    for begin, following in zip(begins, nexts, strict=True):
        at = int(np.searchsorted(heard, begin - EARLY))
        came = at < len(heard) and heard[at] < following - EARLY
        answers.append((begin, max(float(heard[at]) - begin, 0.0) if came else None))
    return answers


def _turn_ends(taken: Taken, trial: Trial, voice: Voice) -> list[float]:
    """When the caller's turns ended, as far as they were said."""
    rounds = len(taken.said) * FRAME_SECONDS / voice.period
    begins = [taken.started + number * voice.period for number in range(int(rounds) + 1)]
    until = taken.said[-1][0] if taken.said else taken.started
    return [begin + end for begin in begins for end in trial.ends if begin + end <= until]


assert STEPS * HOP == FRAME_SECONDS
