"""A recording as the far end of a line: it is said, and what comes back is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..clock import Clock
from ..media.dtmf import dialled, tones
from ..media.files import Clip
from ..media.frames import FRAME_SECONDS, AudioFrame, Frame, Heard, Kind, VideoFrame
from ..options import Mode

LONGEST = 30.0  # seconds that a handler which never falls silent is listened to after the recording's end
PATIENCE = 6.0  # seconds that the first answer may take: a hanging handler has been reported by then
HEADER = 0.05  # seconds by which a file may last longer or shorter than its header says


class Press(NamedTuple):
    """A key, and at which second of the call it is pressed."""

    at: float
    digit: str


class Script:
    """What a caller says, and how long it listens after that.

    Args:
        clip: the recording that is said.
        kinds: what of it is said.
        mode: as of the stream. In "receive" nothing is said, and the caller listens as long as the
            recording lasts.
        linger: for how many seconds the handler must have been quiet at the end (default 1). One that
            has not been heard at all is waited for at least 6 s.
        dtmf: keys that are pressed from the beginning on, as in "1w2#"; `w` waits half a second.
        telling: whether the caller tells of the keys; else they are heard in the sound.

    `keys` are those that the caller is to tell of. `seconds` is how long the recording lasts: exactly, once
    all of it was said.
    """

    def __init__(
        self,
        clip: Clip,
        kinds: tuple[Kind, ...],
        mode: Mode = "send-receive",
        linger: float = 1.0,
        dtmf: str = "",
        telling: bool = False,
    ) -> None:
        self.clip = clip
        self.mode = mode
        self.linger = linger
        self.seconds = clip.duration
        self.says_sound = "audio" in kinds and clip.has_audio and mode != "receive"
        self.says_pictures = "video" in kinds and clip.has_video and mode != "receive"
        says = {"audio": self.says_sound, "video": self.says_pictures}
        self._unsaid = {kind for kind, is_said in says.items() if is_said}
        self._dtmf = "" if telling else dtmf
        self._dialled = tones(dtmf).duration
        self.keys = _presses(dtmf) if telling else []

    def ticks(self, rate: int | None = None, channels: int = 1) -> Iterator[tuple[float, AudioFrame | None]]:
        """Every 20 ms for ever `(seconds, sound)`: the recording's, then silence; None if sound is not said.

        Args:
            rate: samples a second; None for the recording's own.
            channels: of the sound.
        """
        count = 0
        if self.says_sound:
            rate = rate or self.clip.rate
            keys = tones(self._dtmf, rate).samples
            for frame in self.clip.audio_frames(rate, FRAME_SECONDS, channels):
                yield count / rate, _with_key(frame, keys[:, count:])
                count += frame.samples.shape[1]
            self._said("audio", count / rate)
            for at, frame in silence(count, rate, channels):
                yield at, _with_key(frame, keys[:, round(at * rate) :])
        while True:
            yield count * FRAME_SECONDS, None
            count += 1

    def pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """`(seconds, picture)`, to the recording's end."""
        if self.says_pictures:
            at = 0.0
            for at, picture in self.clip.video_frames():
                yield at, picture
            self._said("video", at)

    def over(self, elapsed: float, last: float) -> bool:
        """Whether it is time to hang up.

        Args:
            elapsed: seconds since the caller began.
            last: when the far end was last heard or seen, in seconds since then; 0 for never.
        """
        if elapsed < self._dialled + (self.linger if self._dialled else 0.0):
            return False
        if self.mode == "receive":
            return elapsed >= self.seconds
        if self._unsaid:
            return False
        if self.mode == "send":
            return elapsed >= self.seconds + self.linger
        linger = self.linger if last else max(self.linger, PATIENCE)
        return elapsed >= min(max(self.seconds, last) + linger, self.seconds + LONGEST)

    def _said(self, kind: str, end: float) -> None:
        """Note that one kind of media has been said to its end."""
        self._unsaid.discard(kind)
        if abs(end - self.seconds) > HEADER and not self._unsaid:
            self.seconds = end


def silence(count: int, rate: int, channels: int) -> Iterator[tuple[float, AudioFrame]]:
    """Every 20 ms for ever `(seconds, silence)`, from that sample on."""
    frame = AudioFrame(np.zeros((channels, round(rate * FRAME_SECONDS)), np.int16), rate)
    while True:
        yield count / rate, frame
        count += frame.samples.shape[1]


def _presses(dtmf: str) -> list[Press]:
    at, presses = 0.0, []
    for digit, seconds in dialled(dtmf):
        if digit is not None:
            presses.append(Press(at, digit))
        at += seconds
    return presses


def _with_key(frame: AudioFrame, tones: np.ndarray[Any, np.dtype[np.int16]]) -> AudioFrame:
    """The sound of a key, if one is down: then a telephone lets nothing else through."""
    heard = tones[:, : frame.samples.shape[1]]
    if not heard.any():
        return frame
    samples = np.zeros_like(frame.samples)
    samples[:, : heard.shape[1]] = heard
    return AudioFrame(samples, frame.rate)


class Recorder(Protocol):
    """Who keeps what comes back. Times are the clock's; `started` is set when the first frame is said."""

    started: float

    def say(self, frame: AudioFrame | VideoFrame, at: float) -> None:
        """Note that a frame was said."""

    def hear(self, frame: AudioFrame | VideoFrame, at: float) -> None:
        """Keep a frame that came back."""

    def read(self, text: str, at: float) -> None:
        """Keep a message that came beside the media."""

    def clear(self, now: float) -> None:
        """Forget what came and was not yet played."""

    @property
    def last(self) -> float:
        """When the far end was last heard or seen; 0 for never."""
        ...


class FileTransport:
    """The far end of a line that says a script and hands what comes back to a recorder.

    On the step clock it is as fast as the handler allows, and a deterministic handler gives the same
    samples each time; on an ordinary loop it takes as long as the recording lasts.
    """

    rate: int | None = None
    lead = 0.0
    phone = False
    channels = 2
    piece = FRAME_SECONDS
    websocket: Any = None
    behind = 0.0
    drift = 0.0

    def __init__(self, script: Script, recorder: Recorder) -> None:
        self._script = script
        self._recorder = recorder
        self._clock = Clock()
        self._closed = False

    async def run(self, hear: Callable[[Heard], None]) -> None:
        begun = self._recorder.started = self._clock.now()
        showing = asyncio.create_task(self._show(begun, hear))
        try:
            await self._speak(begun, hear)
        finally:
            showing.cancel()
            await asyncio.wait([showing])
        if not showing.cancelled():
            showing.result()  # a file that cannot be read any more is an error, not an end

    def send(self, frame: Frame) -> None:
        self._recorder.hear(frame, self._clock.now())

    async def send_message(self, text: str) -> None:
        self._recorder.read(text, self._clock.now())

    async def clear(self) -> None:
        self._recorder.clear(self._clock.now())

    async def close(self) -> None:
        self._closed = True

    async def _speak(self, begun: float, hear: Callable[[Heard], None]) -> None:
        for at, frame in self._script.ticks(channels=min(self._script.clip.channels, self.channels)):
            await self._clock.sleep_until(begun + at)
            if self._closed or self._script.over(at, max(self._recorder.last - begun, 0.0)):
                return
            if frame is not None:
                self._recorder.say(frame, self._clock.now())
                hear(frame)

    async def _show(self, begun: float, hear: Callable[[Heard], None]) -> None:
        for at, picture in self._script.pictures():
            await self._clock.sleep_until(begun + at)
            self._recorder.say(picture, self._clock.now())
            hear(picture)
