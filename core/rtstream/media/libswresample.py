"""FFmpeg's libswresample itself, through ctypes: the copy that comes with PyAV.

PyAV's way to it is a filter graph, which makes and copies a frame object each way: twice the price for 20 ms.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from rtstream.media.bundled import Prototypes, libraries, loaded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_HELD = 64  # samples at the slower rate: twice as many as the filter has
_LAYOUT_OPTIONS = 4 << 16 | 5 << 8  # the version that names layouts as below: FFmpeg 5.1's

_POINTER, _INT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_PROTOTYPES: Prototypes = {
    "swresample_version": (ctypes.c_uint, []),
    "swr_alloc": (_POINTER, []),
    "swr_init": (_INT, [_POINTER]),
    "swr_free": (None, [_POINTER]),
    "swr_convert": (_INT, [_POINTER, _POINTER, _INT, _POINTER, _INT]),
    "av_opt_set": (_INT, [_POINTER, _TEXT, _TEXT, _INT]),  # of libavutil, which it brings along
}


@functools.cache
def library() -> Any | None:
    """The library, its functions declared; None where there is none that can be used."""
    return loaded(
        libraries("swresample"), _PROTOTYPES, lambda found: found.swresample_version() >= _LAYOUT_OPTIONS
    )


class Converter:
    """A streaming change of rate, of int16 rows, one a channel.

    Args:
        rate_in, rate_out: in samples a second.
        layout: FFmpeg's name of the channels on both sides.
        channels: their number.
    """

    def __init__(self, rate_in: int, rate_out: int, layout: str, channels: int) -> None:
        library_ = library()
        assert library_ is not None
        self._state = ctypes.c_void_p(library_.swr_alloc())
        weakref.finalize(self, library_.swr_free, ctypes.byref(self._state)).atexit = False
        for side, rate in (("in", rate_in), ("out", rate_out)):
            options = {"chlayout": layout, "sample_fmt": "s16p", "sample_rate": str(rate)}
            for name, value in options.items():
                _checked(library_.av_opt_set(self._state, f"{side}_{name}".encode(), value.encode(), 0))
        _checked(library_.swr_init(self._state))
        self._convert = library_.swr_convert
        self._ratio, self._spare = rate_out / rate_in, _MOST_HELD * max(1.0, rate_out / rate_in)
        self._from, self._to = (_POINTER * channels)(), (_POINTER * channels)()
        self._make_room(channels, 0)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16] | None:
        """What comes out for what goes in, both of shape `(channels, n)`; None if all of it is held back."""
        rows = np.ascontiguousarray(samples)
        _point(self._from, rows)
        return self._come(self._from, rows.shape[1])

    def end(self) -> NDArray[np.int16] | None:
        """What is held back; nothing can be pushed any more."""
        return self._come(None, 0)

    def _come(self, source: Any, count: int) -> NDArray[np.int16] | None:
        channels, room = self._out.shape
        if room < (needed := round(count * self._ratio + self._spare)):
            self._make_room(channels, room := needed)
        came = _checked(self._convert(self._state, self._to, room, source, count))
        return self._out[:, :came].copy() if came else None

    def _make_room(self, channels: int, room: int) -> None:
        self._out = np.empty((channels, room), np.int16)
        _point(self._to, self._out)


def _point(pointers: Any, rows: NDArray[np.int16]) -> None:
    at = rows.ctypes.data
    for row in range(len(pointers)):
        pointers[row] = at + row * rows.strides[0]


def _checked(code: int) -> int:
    """What FFmpeg's functions return: a number, or an error below zero, which is the system's."""
    if code < 0:
        raise OSError(-code, "libswresample failed")
    return code
