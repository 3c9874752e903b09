"""Sound and pictures on their way into a container, each through its encoder."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.media.pyav import LAYOUTS, audio_to_av, video_to_av
from rtstream.media.resample import Resampler

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

_TICKS = 90_000  # a second; divides by every common frame rate (RFC 6184 §8.2.1: the clock of H.264)
_SHORTEST = _TICKS // 1000  # WebM tells milliseconds apart, nothing finer

_OPTIONS = {
    "aac": {"aac_coder": "fast"},  # the default coder puts full-scale clicks where a tone ends
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libvpx": {"deadline": "realtime", "cpu-used": "5", "crf": "10", "b": "4M"},
}


class AudioTrack:
    """Sound into one stream of a container, at a rate and in channels of its own.

    Args:
        container: what the packets go into; its header must not be written yet.
        codec: FFmpeg's name of the encoder.
        rate: the rate wanted; an encoder that cannot have it gets the next higher one it can.
        channels: of the stream.
    """

    def __init__(self, container: OutputContainer, codec: str, rate: int, channels: int) -> None:
        self.rate = _possible(codec, rate)
        self._container = container
        self._stream = cast(
            "av.AudioStream", container.add_stream(codec, rate=self.rate, options=_OPTIONS.get(codec))
        )
        self._stream.layout = LAYOUTS[channels - 1]
        self._resampler = Resampler(self.rate, channels)
        self._encoded = 0

    def push(self, frame: AudioFrame) -> None:
        """Append a frame of any rate and number of channels."""
        self._encode(self._resampler.push(frame))

    def end(self) -> None:
        """Bring out what the resampler and the encoder hold."""
        self._encode(self._resampler.flush())
        self._container.mux(self._stream.encode(None))

    def _encode(self, frame: AudioFrame | None) -> None:
        if frame is None:
            return
        samples = audio_to_av(frame)
        samples.pts, samples.time_base = self._encoded, Fraction(1, self.rate)
        self._encoded += samples.samples
        self._container.mux(self._stream.encode(samples))


class VideoTrack:
    """Pictures into one stream of a container; all take the size of the first, made even.

    Args:
        container: what the packets go into; its header must not be written yet.
        codec: FFmpeg's name of the encoder.
        fps: pictures a second, as far as it is known: it steers the encoder and is the time that the
            last picture stands.
        first: the picture that gives the size.
    """

    def __init__(self, container: OutputContainer, codec: str, fps: float, first: VideoFrame) -> None:
        self._container = container
        rate = Fraction(fps).limit_denominator(1001)
        stream = cast("av.VideoStream", container.add_stream(codec, rate=rate, options=_OPTIONS[codec]))
        stream.height, stream.width = _even(first).pixels.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        self._stream = stream
        self._last = -_SHORTEST
        self._stands = round(_TICKS / fps)

    def push(self, frame: VideoFrame, at: float) -> None:
        """Show a picture from `at` (seconds) on, at the earliest a millisecond after the one before."""
        picture = video_to_av(_even(frame))
        self._last = max(round(at * _TICKS), self._last + _SHORTEST)
        picture.pts, picture.time_base = self._last, Fraction(1, _TICKS)
        self._mux(self._stream.encode(picture))

    def end(self) -> None:
        """Bring out what the encoder holds."""
        self._mux(self._stream.encode(None))

    def _mux(self, packets: list[Packet[av.VideoStream]]) -> None:
        for packet in packets:
            packet.duration = self._stands  # the muxer replaces it wherever another picture follows
            self._container.mux(packet)


def _possible(codec: str, rate: int) -> int:
    rates = av.Codec(codec, "w").audio_rates
    if not rates:
        return rate
    return min((able for able in rates if able >= rate), default=max(rates))


def _even(frame: VideoFrame) -> VideoFrame:
    """The picture with an even width and height, which 4:2:0 needs: the last line stands twice if odd."""
    height, width = frame.pixels.shape[:2]
    if height % 2 == width % 2 == 0:
        return frame
    return VideoFrame(np.pad(frame.pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"))
