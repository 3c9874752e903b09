"""PyAV's frames to ours and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np

from rtstream.media.frames import AudioFrame, VideoFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYOUTS = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")  # by the number of channels - 1

_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def audio_from_av(frame: av.AudioFrame) -> AudioFrame:
    """Sound of any sample format and layout as int16 rows, one a channel, in memory of its own.

    Wider integers lose their lower bits; floats are scaled by 32768, rounded and clipped, as
    libswresample does without dither.
    """
    name = frame.format.name
    dtype = np.dtype(_DTYPES[name.removesuffix("p")])
    count, channels = frame.samples, len(frame.layout.channels)
    if not count:
        return AudioFrame(np.empty((channels, 0), np.int16), frame.sample_rate)
    if frame.format.is_planar:
        rows = np.empty((channels, count), dtype)
        for row, plane in zip(rows, frame.planes, strict=True):
            row[:] = np.frombuffer(_memory(plane), dtype, count)
    else:
        packed = np.frombuffer(_memory(frame.planes[0]), dtype, count * channels)
        rows = packed.reshape(count, channels).T.copy()
    return AudioFrame(rows if dtype == np.int16 else _int16(rows), frame.sample_rate)


def packed_from_av(frame: av.AudioFrame) -> AudioFrame:
    """Sound that is known to be packed 16-bit samples: what `audio_from_av` gives for it, sooner."""
    count, channels = frame.samples, frame.layout.nb_channels
    packed = np.frombuffer(_memory(frame.planes[0]), np.int16, count * channels)
    rows = packed.reshape(1, count) if channels == 1 else packed.reshape(count, channels).T
    return AudioFrame(rows.copy(), frame.sample_rate)


def _memory(plane: Any) -> memoryview:
    """The plane's memory; PyAV's types do not say that a plane is a buffer."""
    return memoryview(plane)


def _int16(rows: NDArray[Any]) -> NDArray[np.int16]:
    if rows.dtype.kind == "f":
        heard = np.where(np.isfinite(rows), rows, 0.0)  # a file of floats may hold what is no number
        return np.rint(np.clip(heard * 32768.0, -32768, 32767)).astype(np.int16)
    if rows.dtype == np.uint8:
        return (rows.astype(np.int16) - 128) << 8
    return (rows >> (rows.dtype.itemsize * 8 - 16)).astype(np.int16)


def audio_to_av(frame: AudioFrame) -> av.AudioFrame:
    """Sound as packed 16-bit samples, the form every encoder of WebRTC takes.

    `pts` and `time_base` are left for the caller to set: only he knows the stream.

    Raises:
        ValueError: more than eight channels, for which FFmpeg has no layout by count.
    """
    if not 1 <= frame.channels <= len(LAYOUTS):
        raise ValueError(f"no layout for {frame.channels} channels")
    layout = LAYOUTS[frame.channels - 1]
    out = av.AudioFrame(format="s16", layout=layout, samples=frame.samples.shape[1])
    if frame.samples.size:
        out.planes[0].update(frame.samples.T.tobytes())
    out.sample_rate = frame.rate
    return out


def video_from_av(frame: av.VideoFrame) -> VideoFrame:
    """A picture of any pixel format as blue, green, red."""
    return VideoFrame(cast("NDArray[np.uint8]", frame.to_ndarray(format="bgr24")))


def video_to_av(frame: VideoFrame) -> av.VideoFrame:
    """A picture as FFmpeg's `bgr24`; `pts` and `time_base` are left for the caller to set."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.pixels), format="bgr24")
