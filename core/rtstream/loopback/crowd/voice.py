"""What the callers of a crowd say: a recording and the silence behind it, again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import count

import numpy as np
from numpy.typing import NDArray

from rtstream.loopback.compare import SILENCE
from rtstream.loopback.taken import ONSET
from rtstream.media import libopus
from rtstream.media.files import Clip
from rtstream.media.frames import FRAME_SECONDS, AudioFrame
from rtstream.media.opus import OpusOptions
from rtstream.options import Mode
from rtstream.transports.file import Script

OPUS_RATE = 48000  # RFC 7587 §4.1
RATE = 16000  # at which is looked when it becomes loud, in what is said and in what comes back
HOP = 0.0025  # seconds between two looks
QUIET = 0.3  # seconds of quiet in what is said, after which it begins anew
LULL = 0.15  # the same in what comes back: more would miss a beginning after which a codec left a trace
STEPS = round(FRAME_SECONDS / HOP)  # looks in what is sent at once

Levels = NDArray[np.float64]


class Voice:
    """A recording that is said once in a period.

    Args:
        clip: the recording.
        period: seconds from one beginning to the next; not shorter than the recording.
    """

    def __init__(self, clip: Clip, period: float) -> None:
        self.clip = clip
        self.count = max(int(np.ceil(max(period, clip.duration) / FRAME_SECONDS)), 1)
        self._frames: dict[tuple[int, int], list[AudioFrame]] = {}

    @property
    def period(self) -> float:
        """Seconds from one beginning to the next: a whole number of frames."""
        return self.count * FRAME_SECONDS

    def frames(self, rate: int, channels: int = 1) -> list[AudioFrame]:
        """The period, 20 ms a piece."""
        if (rate, channels) not in self._frames:
            said = list(self.clip.audio_frames(rate, FRAME_SECONDS, channels))[: self.count]
            silence = AudioFrame(np.zeros((channels, round(rate * FRAME_SECONDS)), np.int16), rate)
            self._frames[rate, channels] = said + [silence] * (self.count - len(said))
        return self._frames[rate, channels]

    @cached_property
    def packets(self) -> list[bytes]:
        """The period as a browser codes it: mono Opus, 20 ms a packet."""
        options = OpusOptions()
        encoder = libopus.Encoder(OPUS_RATE, 1, bit_rate=options.bitrate, complexity=options.complexity)
        return [encoder.encode(frame.samples) for frame in self.frames(OPUS_RATE)]

    @cached_property
    def levels(self) -> list[float]:
        """The RMS of each piece, 0 to 1."""
        return [float(np.sqrt((hops(frame) ** 2).mean())) for frame in self.frames(RATE)]

    @cached_property
    def begins(self) -> list[tuple[int, float]]:
        """Where in the period it becomes loud: in which piece, and how many seconds into it."""
        loud = np.concatenate([hops(frame) for frame in self.frames(RATE)])
        found = onsets(
            np.concatenate([loud, loud]), QUIET
        )  # twice: what is before the first is the end of the last
        own = [at - len(loud) for at in found if at >= len(loud)]
        return [(at // STEPS, at % STEPS * HOP) for at in own]


class Again(Script):
    """A voice as a script: said until it is over, which others decide.

    Args:
        voice: what is said.
        mode: as of the stream; in "receive" nothing is said.
        ended: whether it is over.
        begun: called when the call stands, and it begins.
    """

    def __init__(
        self, voice: Voice, mode: Mode, ended: Callable[[], bool], begun: Callable[[], None]
    ) -> None:
        super().__init__(voice.clip, ("audio",), mode)
        self.voice, self.begun = voice, begun
        self._ended = ended

    def ticks(self, rate: int | None = None, channels: int = 1) -> Iterator[tuple[float, AudioFrame | None]]:
        """Every 20 ms `(seconds, sound)`; None if sound is not said."""
        self.begun()
        said = self.voice.frames(rate or self.clip.rate, channels) if self.says_sound else [None]
        for number in count():
            yield number * FRAME_SECONDS, said[number % len(said)]

    def over(self, elapsed: float, last: float) -> bool:
        """Whether it is time to hang up."""
        return self._ended()


def hops(frame: AudioFrame) -> Levels:
    """The RMS of each 2.5 ms, 0 to 1; what is shorter is left out."""
    size = max(round(frame.rate * HOP), 1)
    mono = frame.samples[0][: frame.samples.shape[1] // size * size].astype(np.float64) / 32768
    levels: Levels = np.sqrt((mono.reshape(-1, size) ** 2).mean(axis=1))
    return levels


def onsets(levels: Levels, quiet: float) -> list[int]:
    """Where it becomes loud, within 14 dB of the loudest, after so many seconds of quiet."""
    loudest = float(levels.max(initial=0.0))
    if loudest < SILENCE:
        return []
    loud = np.flatnonzero(levels >= max(loudest * ONSET, SILENCE))
    before = round(quiet / HOP)
    return [int(at) for at in loud[np.diff(loud, prepend=-before) >= before]]
