"""Dialogs with `ReplyOnPause` over memory, on stepped time, in recorded speech."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtstream import ReplyOnPause, Stream
from rtstream.clock import Clock
from rtstream.media.frames import AudioFrame, Frame
from rtstream.session.session import Session
from rtstream.transports.memory import MemoryTransport

from .media import Sound
from .memory import stepped
from .recordings import RATE

Samples = NDArray[np.int16]

LOUD = 1000  # from that sample value on something is to be heard of a reply


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)


def frames(sound: Samples, *, rate: int = RATE, size: int | None = None) -> list[AudioFrame]:
    """Sound in frames of 20 ms, or of so many samples."""
    size = size or rate // 50
    return [AudioFrame(sound[None, at : at + size], rate) for at in range(0, len(sound) - size + 1, size)]


def beep(seconds: float = 0.1, rate: int = 24000, value: int = 9000) -> Sound:
    """A piece of a reply that is told from others by its value."""
    return rate, np.full((1, round(seconds * rate)), value, np.int16)


class Parrot:
    """A reply function that keeps what each turn was called with, and says so many tenths of a second."""

    def __init__(self, pieces: int = 3) -> None:
        self.turns: list[Samples] = []
        self.pieces = pieces

    def __call__(self, audio: Sound) -> Iterator[Sound]:
        rate, samples = audio
        assert rate == RATE and samples.ndim == 2 and samples.shape[0] == 1 and samples.dtype == np.int16
        self.turns.append(samples[0])
        for _ in range(self.pieces):
            yield beep()


@dataclass
class Dialog:
    """What came of it: when something was to be heard, and what was told beside."""

    line: MemoryTransport
    session: Session
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def logs(self) -> list[str]:
        """Words of the turns, in their order."""
        return [message["data"] for message in self.told if message.get("type") == "log"]

    @property
    def spans(self) -> list[tuple[float, float]]:
        """When something was to be heard, in seconds from the beginning."""
        spans: list[tuple[float, float]] = []
        for at, frame in self.line.heard:
            assert isinstance(frame, AudioFrame)
            if np.abs(frame.samples.astype(np.int32)).max(initial=0) < LOUD:
                continue
            if spans and at - spans[-1][1] < 0.05:
                spans[-1] = (spans[-1][0], at + frame.duration)
            else:
                spans.append((at, at + frame.duration))
        return spans

    def span_of(self, value: int) -> tuple[float, float]:
        """When sound of that value was to be heard, from its first to its last frame."""
        at = [at for at, frame in self.line.heard if value_of(frame) == value]
        return at[0], at[-1] + 0.02

    @property
    def values(self) -> list[int]:
        """The values of what was heard, each once, in their order."""
        found: list[int] = []
        for _, frame in self.line.heard:
            value = value_of(frame)
            if abs(value) >= LOUD and (not found or found[-1] != value):
                found.append(value)
        return found


def value_of(frame: Frame) -> int:
    assert isinstance(frame, AudioFrame)
    return int(np.median(frame.samples))


Meanwhile = Callable[[Stream, MemoryTransport], Awaitable[None]]


def made(fn: Any, **options: Any) -> ReplyOnPause:
    """A handler at the rate of the recordings, where what was said comes through sample by sample."""
    return ReplyOnPause(fn, **{"input_sample_rate": RATE, **options})


def talk(
    handler: Any,
    said: Samples | Sequence[AudioFrame],
    *,
    line: Callable[[], MemoryTransport] = MemoryTransport,
    meanwhile: Meanwhile | None = None,
    **options: Any,
) -> Dialog:
    """Say it in time, hang up, and return what came of it. `meanwhile` runs beside, from the beginning."""
    given = frames(said) if isinstance(said, np.ndarray) else said

    async def main() -> Dialog:
        stream = Stream(handler, **{"modality": "audio", "verbose": False, **options})
        transport, clock, at = line(), Clock(), 0.0
        life = asyncio.ensure_future(stream.run(transport, "dialog"))
        beside = asyncio.ensure_future(meanwhile(stream, transport)) if meanwhile else None
        for frame in given:
            at += frame.duration
            await clock.sleep_until(at)
            transport.say(frame)
        await clock.sleep(0.02)
        if beside is not None:
            await beside
        transport.hang_up()
        session = await life
        return Dialog(transport, session, [json.loads(text) for text in transport.messages])

    return stepped(main())


def place_of(part: Samples, whole: Samples) -> int:
    """Where a turn's sound lies in all that was said.

    Raises:
        AssertionError: it is not there, sample by sample.
    """
    at = whole.tobytes().find(part.tobytes())
    assert at >= 0 and at % 2 == 0, "what was answered is not what was said"
    return at // 2


def spoken_in(sound: Samples, within: float = 26.0) -> tuple[int, int]:
    """The first and the last sample within so many decibels of the loudest 10 ms.

    Below the default lies the noise of some recorders.
    """
    hop = RATE // 100
    whole = sound[: len(sound) // hop * hop].reshape(-1, hop).astype(np.float64)
    level = np.sqrt((whole**2).mean(axis=1))
    loud = np.flatnonzero(level > level.max() * 10 ** (-within / 20))
    return int(loud[0]) * hop, int(loud[-1] + 1) * hop
