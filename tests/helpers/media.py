"""Small sounds and pictures, and ways to look at what came back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtstream.media.frames import AudioFrame, Frame, Kind, VideoFrame

Sound = tuple[int, NDArray[np.int16]]
Picture = NDArray[np.uint8]


def sound(value: int = 1000, *, seconds: float = 0.02, rate: int = 48000, channels: int = 1) -> AudioFrame:
    """A piece of sound whose samples all have one value."""
    return AudioFrame(np.full((channels, round(seconds * rate)), value, np.int16), rate)


def sounds(count: int, *, rate: int = 48000, start: int = 1) -> list[AudioFrame]:
    """Pieces of 20 ms, told apart by the value of their samples: 10, 20, 30, …"""
    return [sound(10 * number, rate=rate) for number in range(start, start + count)]


def picture(value: int = 100, *, width: int = 32, height: int = 24) -> VideoFrame:
    """A picture of one grey."""
    return VideoFrame(np.full((height, width, 3), value, np.uint8))


def pictures(count: int, *, start: int = 1) -> list[VideoFrame]:
    """Pictures, told apart by their grey: 1, 2, 3, …"""
    return [picture(number) for number in range(start, start + count)]


def frames_of(kinds: Iterable[Kind], count: int) -> list[Frame]:
    """So many frames of each kind."""
    made: list[Frame] = []
    for kind in kinds:
        made += sounds(count) if kind == "audio" else pictures(count)
    return made


def values(frames: Iterable[Any]) -> list[int]:
    """The value that each frame is told apart by: of its first sample or pixel."""
    return [int((f.samples if isinstance(f, AudioFrame) else f.pixels).flat[0]) for f in frames]


def samples(frames: Iterable[Any]) -> NDArray[np.int16]:
    """All sound of the frames, one after the other, `(channels, n)`."""
    parts = [frame.samples for frame in frames if isinstance(frame, AudioFrame)]
    return np.concatenate(parts, axis=1) if parts else np.empty((1, 0), np.int16)
