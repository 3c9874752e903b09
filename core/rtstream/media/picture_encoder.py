"""Pictures to VP8 or H.264, one encoder a stream, which changes its size and its rate on the way."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.frame import PictureType

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLOCK = 90_000  # RFC 7741 §4.1 (VP8) and RFC 6184 §8.2.1 (H.264)
CODECS = {"VP8": "libvpx", "H264": "libx264"}

_VP8 = {
    "deadline": "realtime",
    "cpu-used": "-6",  # libvpx' own measure of speed; the picture is worse by little from -4 to -8
    "lag-in-frames": "0",
    "noise-sensitivity": "0",  # a denoiser takes a third of the time, and is for cameras
    "static-thresh": "1",
    "overshoot-pct": "15",
    "undershoot-pct": "100",
    "max-intra-rate": "900",  # percent of a picture's share that a key frame may take
}
_H264 = {"preset": "superfast", "tune": "zerolatency"}


class PictureEncoder:
    """An encoder of one stream.

    Args:
        name: "VP8" or "H264", as SDP has them.

    Use it from one thread at a time.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._codec: Any = None
        self._form: tuple[int, int, int] | None = None

    def encode(
        self, pixels: NDArray[np.uint8], size: tuple[int, int], bitrate: int, ticks: int, *, key: bool
    ) -> tuple[bytes, bool]:
        """Encode a picture, blue, green, red, scaled to `size`: the bytes, and whether it is a key frame.

        Args:
            size: width and height, both even.
            bitrate: bits a second from now on.
            ticks: its time in 90,000ths of a second, growing.
            key: it must be one.
        """
        self._prepare((*size, bitrate))
        given: Any = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format="bgr24")
        frame: Any = given.reformat(
            width=size[0], height=size[1], format="yuv420p", interpolation="FAST_BILINEAR"
        )
        frame.pts, frame.time_base = ticks, Fraction(1, CLOCK)
        if key:
            frame.pict_type = PictureType.I
        packets = self._codec.encode(frame)
        return b"".join(map(bytes, packets)), any(packet.is_keyframe for packet in packets)

    def _prepare(self, form: tuple[int, int, int]) -> None:
        """Have a codec of this size and rate; x264 changes its rate, libvpx is made anew with it."""
        if form == self._form:
            return
        if self._form is not None and self._name == "H264" and form[:2] == self._form[:2]:
            self._codec.bit_rate = form[2]
        else:
            self._codec = _codec(self._name, *form)
        self._form = form


def _codec(name: str, width: int, height: int, bitrate: int) -> Any:
    made: Any = av.CodecContext.create(CODECS[name], "w")
    made.width, made.height, made.pix_fmt = width, height, "yuv420p"
    made.bit_rate, made.time_base, made.framerate = bitrate, Fraction(1, CLOCK), Fraction(30)
    made.gop_size = 3000  # a key frame comes when one is asked for
    made.thread_count = 1
    rate = {"minrate": bitrate, "maxrate": bitrate, "bufsize": bitrate // 2}  # bits: half a second
    if name == "H264":
        made.profile = "Baseline"
        made.options = _H264 | {"maxrate": str(bitrate), "bufsize": str(bitrate)}
    else:
        made.qmin, made.qmax = 2, 56
        made.options = _VP8 | {key: str(value) for key, value in rate.items()}
    return made
