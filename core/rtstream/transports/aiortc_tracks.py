"""Media through aiortc's own tracks, where the paths of our own cannot be."""

from __future__ import annotations

import asyncio
import fractions
from collections import deque
from collections.abc import Callable

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from ..clock import Clock
from ..media.frames import AudioFrame, Frame, Heard, Kind, VideoFrame
from ..media.pyav import audio_from_av, audio_to_av, video_to_av
from ..media.resample import with_channels

RATE = 48000  # RFC 7587 §4.1: Opus on RTP always counts at 48 kHz
VIDEO_CLOCK = 90000  # RFC 7741 §4.1 (VP8) and RFC 6184 §8.2.1 (H.264)
GAP = 0.1  # seconds of silence after which the RTP timestamp follows the clock again


async def read(track: MediaStreamTrack, hear: Callable[[Heard], None]) -> None:
    """Hand on the sound that comes on a track, until the far end stops it; the connection may go on."""
    try:
        while True:
            frame = await track.recv()
            if isinstance(frame, av.AudioFrame):
                hear(audio_from_av(frame))
    except MediaStreamError:
        pass


class Voice(MediaStreamTrack):
    """The track that aiortc's sender pulls; what is said lies here until it does."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self._clock = Clock()
        self._said: deque[Frame] = deque(maxlen=50 if kind == "audio" else 2)
        self._there = asyncio.Event()
        self._begun: float | None = None
        self._position = 0

    def say(self, frame: Frame) -> None:
        """Take a frame for the far end."""
        self._said.append(frame)
        self._there.set()

    def clear(self) -> None:
        """Forget what the sender has not yet pulled."""
        self._said.clear()

    async def recv(self) -> av.AudioFrame | av.VideoFrame:
        while not self._said:
            self._there.clear()
            await self._there.wait()
        return self._timed(self._said.popleft())

    def _timed(self, frame: Frame) -> av.AudioFrame | av.VideoFrame:
        now = self._clock.now()
        if self._begun is None:
            self._begun = now
        if isinstance(frame, VideoFrame):
            picture = video_to_av(frame)
            self._position = max(self._position + 1, round((now - self._begun) * VIDEO_CLOCK))
            picture.pts, picture.time_base = self._position, fractions.Fraction(1, VIDEO_CLOCK)
            return picture
        return self._timed_sound(frame, round((now - self._begun) * RATE))

    def _timed_sound(self, frame: AudioFrame, due: int) -> av.AudioFrame:
        if due - self._position > GAP * RATE:
            self._position = due
        sound = audio_to_av(with_channels(frame, 2))  # FFmpeg's own way to stereo, in aiortc, takes 3 dB
        sound.pts, sound.time_base = self._position, fractions.Fraction(1, RATE)
        self._position += frame.samples.shape[1]
        return sound
