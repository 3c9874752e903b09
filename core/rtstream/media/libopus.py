"""libopus itself, through ctypes: the copy that comes with PyAV, or the system's.

FFmpeg's codec, which is the way without it, has a thread and a filter graph for each encoder, makes and
copies a frame object each time, and reaches neither loss concealment nor forward error correction.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rtstream.media.bundled import Prototypes, libraries, loaded

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATES = (8000, 12000, 16000, 24000, 48000)  # samples a second that Opus takes and gives
AUDIO, VOIP, LOW_DELAY = 2049, 2048, 2051  # OPUS_APPLICATION_*
CELT_FROM = 32_000  # bits a second from which Opus codes by CELT alone, which is what has a low delay
ANALYSIS_FROM = 7  # the complexity from which Opus listens whether it codes speech or music
LONGEST = 0.12  # seconds in one packet (RFC 6716 §2.1.4)
_MOST_BYTES = 1275  # of one frame of Opus (RFC 6716 §3.2.1)

# opus_defines.h
_SET_BITRATE, _SET_COMPLEXITY, _SET_FEC, _SET_LOSS, _SET_DTX = 4002, 4010, 4012, 4014, 4016

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_PROTOTYPES: Prototypes = {
    "opus_get_version_string": (ctypes.c_char_p, []),
    "opus_decoder_create": (_POINTER, [_INT, _INT, _POINTER]),
    "opus_decoder_destroy": (None, [_POINTER]),
    "opus_decode": (_INT, [_POINTER, ctypes.c_char_p, _INT, _POINTER, _INT, _INT]),
    "opus_encoder_create": (_POINTER, [_INT, _INT, _INT, _POINTER]),
    "opus_encoder_destroy": (None, [_POINTER]),
    "opus_encode": (_INT, [_POINTER, _POINTER, _INT, _POINTER, _INT]),
    # Variadic: what is not declared is passed as C passes it, which differs on Apple's ARM.
    "opus_encoder_ctl": (_INT, [_POINTER, _INT]),
}


class OpusFault(ValueError):
    """libopus refused what it was given."""


@functools.cache
def library() -> Any | None:
    """The library, its functions declared; None where there is none that can be used."""
    return loaded(
        _candidates(),
        _PROTOTYPES,
        lambda found: (found.opus_get_version_string() or b"").startswith(b"libopus"),
    )


def _candidates() -> Iterator[str]:
    yield from libraries("opus")
    if (system := ctypes.util.find_library("opus")) is not None:
        yield system


class Decoder:
    """Opus to sound, at any of its rates, in one or two channels.

    Args:
        rate: samples a second of what comes out.
        channels: of what comes out; libopus mixes.
    """

    def __init__(self, rate: int, channels: int) -> None:
        library_ = library()
        assert library_ is not None
        self.rate, self.channels = rate, channels
        self._state = _made(library_.opus_decoder_create(rate, channels, None))
        weakref.finalize(self, library_.opus_decoder_destroy, self._state).atexit = False
        self._decode = library_.opus_decode
        self._longest = round(rate * LONGEST)
        self._sound = np.empty((self._longest, channels), np.int16)
        self._at = self._sound.ctypes.data
        self._rows = self._sound.T

    def decode(self, packet: bytes) -> NDArray[np.int16]:
        """The sound of a packet, int16 `(channels, n)`.

        Raises:
            OpusFault: it is no packet of Opus.
        """
        return self._out(self._decode(self._state, packet, len(packet), self._at, self._longest, 0))

    def conceal(self, samples: int, following: bytes | None = None) -> NDArray[np.int16]:
        """What was probably said in a gap of so many samples, a multiple of 2.5 ms and at most 120 ms.

        Args:
            following: the packet right behind the gap, which may hold a coarse copy of what was lost
                (in-band FEC, RFC 6716 §2.1.7).

        Raises:
            OpusFault: the gap has another length.
        """
        if not 0 < samples <= self._longest:
            raise OpusFault(f"a gap of {samples} samples cannot be filled at once")
        data, size = (following, len(following)) if following else (None, 0)
        return self._out(self._decode(self._state, data, size, self._at, samples, 1 if following else 0))

    def _out(self, count: int) -> NDArray[np.int16]:
        if count < 0:
            raise OpusFault(f"libopus could not decode a packet (error {count})")
        return self._rows[:, :count].copy()


class Encoder:
    """Sound to Opus, one packet for each piece of 2.5 to 60 ms.

    It is 6.5 ms late by Opus's own nature (RFC 6716 §2), of which 4 are there to change between its two ways
    of coding. Where it would take one alone, as by default, it is made without these until copies are wanted,
    which only the other way has.

    Args:
        rate: samples a second of what goes in.
        channels: of what goes in.
        bit_rate: bits a second.
        complexity: from 0 (cheap) to 10.
        dtx: whether silence is not sent.
    """

    def __init__(
        self, rate: int, channels: int, *, bit_rate: int, complexity: int, dtx: bool = False
    ) -> None:
        library_ = library()
        assert library_ is not None
        self.rate, self.channels = rate, channels
        self._library = library_
        self._encode, self._control = library_.opus_encode, library_.opus_encoder_ctl
        self._settings = {_SET_BITRATE: bit_rate, _SET_COMPLEXITY: complexity, _SET_DTX: int(dtx)}
        self._hurries = bit_rate >= CELT_FROM and complexity < ANALYSIS_FROM and not dtx
        self._begin(LOW_DELAY if self._hurries else AUDIO)
        self._sound = np.empty((round(rate * LONGEST), channels), np.int16)
        self._packet = np.empty(_MOST_BYTES, np.uint8)
        self._at, self._packet_at = self._sound.ctypes.data, self._packet.ctypes.data

    def _begin(self, application: int) -> None:
        self._state = _made(self._library.opus_encoder_create(self.rate, self.channels, application, None))
        self._end = weakref.finalize(self, self._library.opus_encoder_destroy, self._state)
        self._end.atexit = False
        for request, value in self._settings.items():
            self._set(request, value)

    def protect(self, fec: bool, loss: int) -> None:
        """Prepare for so many percent of packets lost, with a coarse copy of each in the next or without."""
        if fec and self._hurries:
            self._hurries = False
            self._end()
            self._begin(AUDIO)
        self._set(_SET_FEC, int(fec))
        self._set(_SET_LOSS, loss)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """The packet of a piece of sound, int16 `(channels, n)`. One of 2 bytes or less need not be sent.

        Raises:
            OpusFault: no packet of Opus is of that length.
        """
        count = samples.shape[1]
        if count > len(self._sound):
            raise OpusFault(f"{count} samples are more than an Opus packet holds")
        self._sound[:count] = samples.T
        size = self._encode(self._state, self._at, count, self._packet_at, _MOST_BYTES)
        if size < 0:
            raise OpusFault(f"libopus could not encode {count} samples (error {size})")
        return self._packet[:size].tobytes()

    def _set(self, request: int, value: int) -> None:
        if error := self._control(self._state, request, _INT(value)):
            raise OpusFault(f"libopus refused {value} for {request} (error {error})")


def _made(state: int | None) -> int:
    if not state:
        raise OpusFault("libopus has no memory for a codec")
    return state
