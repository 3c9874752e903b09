"""The turns of a call: what the caller said, when a reply to it was heard, and whether it was interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from rtstream.loopback.compare import SILENCE
from rtstream.loopback.taken import ONSET, PAUSE, Sound, Taken
from rtstream.media.frames import FRAME_SECONDS

NEAR = 0.1  # seconds before the far end noticed speech in which it may have begun softly
RISEN, FADED = 0.05, 0.01  # of the loudest RMS in a turn: where speech begins (26 dB below) and ends (40 dB)
BREATH = 0.4  # seconds of silence that do not end a stretch of speech
EARLY = 0.05  # seconds by which a reply may come before the message that announces it


@dataclass(frozen=True)
class Turn:
    """One turn of the caller, and what came of it. Seconds count from when sending began.

    Attributes:
        began, ended: the caller's speech: what the far end took for the turn, less the silence in it.
        reply: when the first sound of the reply was heard; None: there was none.
        reply_ended: when the last of it was.
        latency_ms: from the end of the speech to the first sound of the reply; None without one.
        heard: how many seconds of the reply were heard, its own pauses included.
        interrupted: whether the caller took the floor from the reply before it was over.
        silence_ms: then, from the beginning of what the caller said to the end of the reply; None where
            that is not known.
    """

    began: float
    ended: float
    reply: float | None = None
    reply_ended: float | None = None
    latency_ms: float | None = None
    heard: float = 0.0
    interrupted: bool = False
    silence_ms: float | None = None


class Span(NamedTuple):
    """From when to when somebody spoke, on the caller's clock."""

    begun: float
    ended: float


@dataclass
class _Open:
    """A turn that the far end has told of, or that was heard; times are of the caller's clock."""

    at: float
    speech: Span
    replied: float | None = None
    interrupted: bool = False


def turns_of(taken: Taken, *, by_ear: bool = False) -> list[Turn]:
    """The turns that the far end told of by the messages of `ReplyOnPause`.

    Args:
        taken: what was said, heard and told.
        by_ear: where it told of none, as servers tell nothing to a telephone carrier, take for a reply
            what is heard when the caller has fallen silent. What begins while they speak, such as an echo,
            is none.
    """
    found = _told(taken) or (_heard(taken) if by_ear else [])
    replies = _replies(found, taken.sounds)
    return [
        _turn(one, reply, following, taken.started)
        for reply, one, following in zip(replies, found, [*found, None][1:], strict=True)
    ]


def _told(taken: Taken) -> list[_Open]:
    found: list[_Open] = []
    for at, message in taken.told:
        match message:
            case {"type": "log", "data": "pause_detected"}:
                since = found[-1].at if found else 0.0
                found.append(_Open(at, _speech(taken, message.get("speech"), since, at)))
            case {"type": "log", "data": "response_starting"} if found and found[-1].replied is None:
                found[-1].replied = at
            case {"type": "log", "data": "interrupted"} if found:
                found[-1].interrupted = True
            case _:
                pass
    return found


def _speech(taken: Taken, told: Any, since: float, until: float) -> Span:
    """The caller's speech in a turn: as the far end tells it (`told`), else all that was said then."""
    match told:
        case [int() | float() as begun, int() | float() as ended]:
            return _spoken(taken.said, taken.started + begun, taken.started + ended)
        case _:
            said = [span for span in _stretches(taken.said) if since <= span.begun < until]
            return Span(said[0].begun, min(said[-1].ended, until)) if said else Span(until, until)


def _spoken(said: list[tuple[float, float]], begun: float, ended: float) -> Span:
    """Where in that time something was said: a detector hears speech a little late, and lets it go late."""
    near = [(at, loud) for at, loud in said if begun - NEAR <= at < ended]
    loudest = max((loud for _, loud in near), default=0.0)
    if loudest < SILENCE:
        return Span(begun, ended)
    risen, faded = (max(loudest * share, SILENCE) for share in (RISEN, FADED))
    first = next(at for at, loud in near if loud >= risen)
    last = next(at for at, loud in reversed(near) if loud >= faded)
    return Span(first, last + FRAME_SECONDS)


def _stretches(said: list[tuple[float, float]]) -> list[Span]:
    """The stretches in which the caller spoke, by loudness alone."""
    line = max(max((loud for _, loud in said), default=0.0) * ONSET, SILENCE)
    return _joined([Span(at, at + FRAME_SECONDS) for at, loud in said if loud >= line], BREATH)


def _heard(taken: Taken) -> list[_Open]:
    """The turns that can be told from loudness alone."""
    said = _stretches(taken.said)
    found: list[_Open] = []
    answered = 0
    sounds = [Span(sound.begun, sound.ended) for sound in taken.sounds if sound.is_heard]
    for reply in _joined(sounds, PAUSE):
        count = sum(span.begun < reply.begun for span in said)
        speech = said[answered:count]
        if not speech or speech[-1].ended > reply.begun:
            continue
        answered = count
        cleared = any(reply.begun <= at <= reply.ended + EARLY for at in taken.cleared)
        found.append(_Open(reply.begun, Span(speech[0].begun, speech[-1].ended), reply.begun, cleared))
    return found


def _joined(spans: list[Span], gap: float) -> list[Span]:
    """Spans with those made one that lie closer together than `gap`."""
    if not spans:
        return []
    seams = [index for index, (one, other) in enumerate(pairwise(spans), 1) if other.begun - one.ended >= gap]
    edges = [0, *seams, len(spans)]
    return [Span(spans[first].begun, spans[last - 1].ended) for first, last in pairwise(edges)]


def _replies(found: Sequence[_Open], sounds: list[Sound]) -> Iterator[list[Sound]]:
    """What was heard of the reply to each turn, from its first sound to its last."""
    begins = [None if one.replied is None else one.replied - EARLY for one in found]
    for index, begun in enumerate(begins):
        ended = next((at for at in begins[index + 1 :] if at is not None), float("inf"))
        reply = [] if begun is None else [sound for sound in sounds if begun <= sound.begun < ended]
        loud = [place for place, sound in enumerate(reply) if sound.is_heard]
        yield reply[loud[0] : loud[-1] + 1] if loud else []


def _turn(one: _Open, reply: list[Sound], following: _Open | None, started: float) -> Turn:
    began, ended = (round(at - started, 3) for at in one.speech)
    if not reply:
        return Turn(began, ended, interrupted=one.interrupted)
    over = following.speech.begun if one.interrupted and following is not None else float("inf")
    return Turn(
        began,
        ended,
        reply=round(reply[0].begun - started, 3),
        reply_ended=round(reply[-1].ended - started, 3),
        latency_ms=_milliseconds(one.speech.ended, reply[0].begun),
        heard=round(sum(sound.ended - sound.begun for sound in reply), 3),
        interrupted=one.interrupted,
        silence_ms=_milliseconds(over, reply[-1].ended) if over <= reply[-1].ended else None,
    )


def _milliseconds(since: float, until: float) -> float:
    return round(1000 * (until - since), 1)
