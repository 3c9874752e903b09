"""What a caller brings home from one call, and how it would have sounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from rtstream.errors import ConnectionRefused, RemoteError, RtstreamError, ServerUnreachable
from rtstream.loopback.compare import SILENCE, is_silent, level
from rtstream.media.frames import AudioFrame, VideoFrame, joined
from rtstream.media.resample import Resampler

F = TypeVar("F", AudioFrame, VideoFrame)

ALLOWANCE = 0.06  # seconds that a piece may come after its play-out time: a usual jitter buffer hides as much
PAUSE = 0.5  # seconds without anything after which the far end is taken to have paused, not stumbled
ONSET = 0.2  # of the loudest RMS: above the noise and the clicks around a voice, which some codecs take away
TAIL = 0.02  # seconds that are kept after the last sound, so that it does not end in a click


class Piece(NamedTuple, Generic[F]):
    """A frame that came, and when (seconds on the caller's clock)."""

    at: float
    frame: F


class Sound(NamedTuple):
    """A piece of sound on the caller's clock: from when to when it is heard, and how loud it is (RMS)."""

    begun: float
    ended: float
    level: float

    @property
    def is_heard(self) -> bool:
        """Whether it is no silence."""
        return self.level >= SILENCE


@dataclass
class Taken:
    """What a caller brings home from one call.

    `started` is when the first frame was sent, or when listening began, in seconds on the caller's
    clock. `said` is when each piece of sound was sent and how loud it was (RMS); `shown` is when the
    first picture was sent. `texts` are the messages beside the media, as they came; `told` are those that
    are JSON objects, and when they came. `errors` are those that the far end told. `cleared` is when it
    made us forget sound. `breaches` are sentences on what it did against the protocol. `lost` counts
    packets that never came, where the wire counts packets. `keys` are those that the far end has pressed by
    messages. `gone` is true when the far end has hung up.
    `last_sound` is when the last sound has been played; None when there was nothing but silence.
    """

    via: str
    started: float = 0.0
    said: list[tuple[float, float]] = field(default_factory=list)
    shown: float | None = None
    audio: list[Piece[AudioFrame]] = field(default_factory=list)
    video: list[Piece[VideoFrame]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    told: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    cleared: list[float] = field(default_factory=list)
    errors: list[RtstreamError] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    lost: int = 0
    keys: str = ""
    gone: bool = False
    last_sound: float | None = None
    _levels: list[float] = field(default_factory=list)  # of each piece in `audio`
    _ends: list[float] = field(default_factory=list)  # when each has been played

    def say(self, frame: AudioFrame | VideoFrame, at: float) -> None:
        """Note that a frame was sent."""
        if isinstance(frame, AudioFrame):
            self.said.append((at, level(frame)))
        elif self.shown is None:
            self.shown = at

    def hear(self, frame: AudioFrame | VideoFrame, at: float) -> None:
        """Keep a frame that came; sound is played after the sound before it."""
        if isinstance(frame, VideoFrame):
            self.video.append(Piece(at, frame))
            return
        self._ends.append(max(at, self.played_until) + frame.duration)
        self._levels.append(level(frame))
        self.audio.append(Piece(at, frame))
        if self._levels[-1] >= SILENCE:
            self.last_sound = self.played_until

    @property
    def sounds(self) -> list[Sound]:
        """What came, each piece as it is played."""
        found = zip(self.audio, self._ends, self._levels, strict=True)
        return [Sound(end - piece.frame.duration, end, loud) for piece, end, loud in found]

    @property
    def spoke(self) -> float | None:
        """When the first sound was sent; None when there was nothing but silence."""
        return _onset(self.said)

    @property
    def first_sound(self) -> float | None:
        """When the first sound came; None when there was nothing but silence."""
        return _onset([(piece.at, loud) for piece, loud in zip(self.audio, self._levels, strict=True)])

    @property
    def played_until(self) -> float:
        """When all sound that came has been played."""
        return self._ends[-1] if self._ends else 0.0

    @property
    def last(self) -> float:
        """When the far end was last heard or seen; 0 for never."""
        return max(self.last_sound or 0.0, self.video[-1].at if self.video else 0.0)

    def clear(self, now: float) -> None:
        """Forget the sound that came and was not yet played, as the far end asked."""
        self.cleared.append(now)
        while self.played_until > now:
            piece, end, loud = self.audio.pop(), self._ends.pop(), self._levels.pop()
            rate = piece.frame.rate
            played = round((piece.frame.duration - (end - now)) * rate)
            if played > 0:
                self.audio.append(Piece(piece.at, AudioFrame(piece.frame.samples[:, :played], rate)))
                self._ends.append(now)
                self._levels.append(loud)
        if self.last_sound is not None:
            self.last_sound = min(self.last_sound, now)

    def breach(self, sentence: str) -> None:
        """Note what the far end did against the protocol, each kind once."""
        if sentence not in self.breaches:
            self.breaches.append(sentence)

    def read(self, text: str, at: float) -> None:
        """Keep a message that came `at` that moment, and understand it if it tells an error."""
        self.texts.append(text)
        try:
            message = json.loads(text)
        except ValueError:
            return
        if isinstance(message, dict):
            self.told.append((at, message))
        match message:
            case {"type": "error"}:
                self.errors.append(as_error(message, RemoteError))
            case {"status": "failed", "meta": {"error": _} as meta}:
                self.errors.append(as_error(meta, ConnectionRefused))
            case _:
                pass


def _onset(levels: list[tuple[float, float]]) -> float | None:
    """When it first became loud: within 14 dB of the loudest, so that the noise of a room is none."""
    loud = max((level for _, level in levels), default=0.0)
    if loud < SILENCE:
        return None
    return next(at for at, level in levels if level >= max(loud * ONSET, SILENCE))


def unreachable(address: str, failure: Exception) -> ServerUnreachable:
    """The error for an address at which nobody answers."""
    return ServerUnreachable(
        f"{address} cannot be reached",
        why=str(failure) or type(failure).__name__,
        fix="Check that the server runs and that the address is right",
    )


def as_error(told: dict[str, Any], otherwise: type[RtstreamError]) -> RtstreamError:
    """The error that a server told in JSON, as the class that its code or slug names, or else `otherwise`."""
    known = list(_below(RtstreamError))
    kinds = {kind.code: kind for kind in known} | {kind.slug: kind for kind in known}
    what = told.get("what") or told.get("message") or told.get("error") or "the server reported an error"
    why, fix = (str(told.get(key) or "") for key in ("why", "fix"))
    kind = kinds.get(str(told.get("code"))) or kinds.get(str(told.get("error"))) or otherwise
    return kind(str(what), why=why, fix=fix)


def _below(kind: type[RtstreamError]) -> Iterator[type[RtstreamError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _below(narrower)


@dataclass
class Played:
    """A call as a listener would have heard it.

    `sound` begins with the call and holds silence where nothing was there to play; None when no piece
    came. `unbroken` is the same without the silence before pieces that were late: what was said,
    however it stumbled. `late` counts the pieces that came more than 60 ms after they should have been
    played. `gaps` are the seconds by which each piece kept one waiting longer than the one before lasted.
    """

    sound: AudioFrame | None
    unbroken: AudioFrame | None
    late: int
    gaps: list[float]


def play(pieces: list[Piece[AudioFrame]], started: float) -> Played:
    """Lay pieces of sound on the time line of the call.

    Each is played when it came or right after the one before, whichever is later; one that came within
    the allowance after the end of the one before still joins it without a seam, as behind a jitter buffer.
    After half a second without anything, the next piece begins a new turn and is not late.
    """
    if not pieces:
        return Played(None, None, 0, [])
    first = pieces[0].frame
    resampler = Resampler(first.rate, first.channels)
    sound: list[AudioFrame] = []
    unbroken: list[AudioFrame] = []
    head, late = started, 0
    for at, frame in pieces:
        behind = at - head
        if behind > ALLOWANCE or not sound:
            silence = AudioFrame(
                np.zeros((first.channels, max(round(behind * first.rate), 0)), np.int16), first.rate
            )
            sound.append(silence)
            if behind > PAUSE or len(sound) == 1:
                unbroken.append(silence)
            else:
                late += 1
            head = at
        if (fitting := resampler.push(frame)) is not None:
            sound.append(fitting)
            unbroken.append(fitting)
        head += frame.duration
    return Played(joined(sound), joined(unbroken), late, waits(pieces))


def waits(
    pieces: list[Piece[AudioFrame]] | list[Piece[VideoFrame]], each: float | None = None
) -> list[float]:
    """By how many seconds each piece kept one waiting longer than the one before it lasted.

    `each` is how long a piece lasts where it does not say so itself (pictures). What was sent ahead of
    time is played meanwhile and shortens the wait; pauses of half a second and more are the far end's own.
    """
    gaps: list[float] = []
    due = float("-inf")
    for at, frame in pieces:
        if at - due < PAUSE:
            gaps.append(max(at - due, 0.0))
        due = max(at, due) + (frame.duration if each is None else each)
    return gaps


def trimmed(sound: AudioFrame, seconds: float) -> AudioFrame:
    """Sound without the silence at its end, which may fill up the length of what was sent, `seconds`."""
    step = max(sound.rate // 100, 1)
    count = sound.samples.shape[1]
    end = count
    while end > 0 and is_silent(AudioFrame(sound.samples[:, max(end - step, 0) : end], sound.rate)):
        end -= step
    last = max(end, 0) + round(TAIL * sound.rate) if end > 0 else 0
    keep = min(max(last, round(seconds * sound.rate)), count)
    return AudioFrame(sound.samples[:, :keep], sound.rate)
