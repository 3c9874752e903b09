"""A caller who speaks over a reply: what `test-file --interrupt-at` says, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rtstream.loopback.compare import SILENCE, level
from rtstream.loopback.taken import ONSET, PAUSE
from rtstream.media.files import Clip
from rtstream.media.frames import FRAME_SECONDS, AudioFrame, Kind
from rtstream.options import Mode
from rtstream.transports.file import Script, silence

TICK = FRAME_SECONDS


@dataclass(frozen=True)
class Interruption:
    """What is said over a reply (`words`), and how many seconds after the reply began (`after`)."""

    after: float
    words: Clip


class Interrupting(Script):
    """A script whose caller interrupts the reply to the last words of the recording, once.

    The reply is what is heard after these words. So many seconds after its first sound the caller says
    what is to be said over it, instead of the rest of the recording, in which there are no words. A reply
    that is over by then is not interrupted, and one that pauses for half a second counts as over.

    `spoke_over` is when the caller began to, in seconds since the beginning; None: there was no reply, or it
    was over.
    """

    def __init__(
        self,
        clip: Clip,
        kinds: tuple[Kind, ...],
        mode: Mode,
        linger: float,
        interruption: Interruption,
        dtmf: str = "",
        telling: bool = False,
    ) -> None:
        super().__init__(clip, kinds, mode, linger, dtmf, telling)
        self.spoke_over: float | None = None
        self._interruption = interruption
        self._last_word = end_of_words(clip)
        self._replied: float | None = None
        self._had_its_time = self._speaks = False

    def ticks(self, rate: int | None = None, channels: int = 1) -> Iterator[tuple[float, AudioFrame | None]]:
        """As those of a script, with the interruption in its place."""
        rate = rate or self.clip.rate
        at = 0.0
        for at, frame in super().ticks(rate, channels):
            if self._speaks:
                break
            yield at, frame
        self._said("audio", at)
        self.spoke_over, count = at, round(at * rate)
        for frame in self._interruption.words.audio_frames(rate, FRAME_SECONDS, channels):
            yield count / rate, frame
            count += frame.samples.shape[1]
        self.seconds, self._speaks = count / rate, False
        yield from silence(count, rate, channels)

    def over(self, elapsed: float, last: float) -> bool:
        """Whether it is time to hang up; it never is while the caller speaks over the reply."""
        self._listen(elapsed, last)
        return not self._speaks and super().over(elapsed, last)

    def _listen(self, elapsed: float, last: float) -> None:
        if self._replied is None and elapsed > self._last_word and last > elapsed - TICK:
            self._replied = elapsed
        if self._replied is None or self._had_its_time:
            return
        if elapsed >= self._replied + self._interruption.after - TICK:  # what is due is said a tick later
            self._had_its_time = True
            self._speaks = last > elapsed - PAUSE


def end_of_words(clip: Clip) -> float:
    """When the last words of a recording are over: what follows is 14 dB softer than its loudest 20 ms."""
    levels = [level(frame) for frame in clip.audio_frames(clip.rate, FRAME_SECONDS, 1)]
    line = max(max(levels, default=0.0) * ONSET, SILENCE)
    words = [index for index, loud in enumerate(levels) if loud >= line]
    return (words[-1] + 1) * FRAME_SECONDS if words else clip.duration
