"""G.711, the code of the telephone: 16-bit sound to 8-bit mu-law or A-law and back, by table.

Sound is int16 of shape `(n,)`, coded sound is one byte a sample. The tables follow ITU-T G.711: mu-law
keeps the upper 14 bits of a sample, A-law the upper 13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ULAW_BIAS = 33  # G.711 §3, table 2: moves the ends of the segments onto powers of two
_ULAW_TOP = 8191 - _ULAW_BIAS  # the end of the last segment
_EVERY_SAMPLE = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
_EVERY_CODE = np.arange(256, dtype=np.int32)


def _segment(magnitude: NDArray[np.int32], lowest: int) -> NDArray[np.int32]:
    """The number of the power of two a magnitude lies in, counted from 2**lowest upwards, from 0."""
    _, exponent = np.frexp(magnitude.astype(np.float64))
    return np.maximum(exponent.astype(np.int32) - (lowest + 1), 0)


def _ulaw_codes() -> NDArray[np.uint8]:
    sample = _EVERY_SAMPLE >> 2
    biased = np.minimum(np.abs(sample), _ULAW_TOP) + _ULAW_BIAS
    segment = _segment(biased, 5)
    step = (biased >> (segment + 1)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    code: NDArray[np.int32] = ~(sign | segment << 4 | step)  # every bit is turned over on the line
    return code.astype(np.uint8)


def _ulaw_samples() -> NDArray[np.int16]:
    code = ~_EVERY_CODE
    segment, step = (code >> 4) & 0x07, code & 0x0F
    magnitude = ((2 * step + _ULAW_BIAS) << segment) - _ULAW_BIAS
    return (np.where(code & 0x80, -magnitude, magnitude) << 2).astype(np.int16)


def _alaw_codes() -> NDArray[np.uint8]:
    sample = _EVERY_SAMPLE >> 3
    magnitude = np.where(sample < 0, ~sample, sample)
    segment = _segment(magnitude, 4)
    step = (magnitude >> np.maximum(segment, 1)) & 0x0F
    sign = np.where(sample < 0, 0, 0x80)
    code: NDArray[np.int32] = (sign | segment << 4 | step) ^ 0x55  # every other bit is turned over
    return code.astype(np.uint8)


def _alaw_samples() -> NDArray[np.int16]:
    code = _EVERY_CODE ^ 0x55
    segment, step = (code >> 4) & 0x07, code & 0x0F
    linear = 2 * step + 1
    magnitude = np.where(segment == 0, linear, (linear + 32) << np.maximum(segment - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) << 3).astype(np.int16)


_ULAW_CODES, _ULAW_SAMPLES = _ulaw_codes(), _ulaw_samples()
_ALAW_CODES, _ALAW_SAMPLES = _alaw_codes(), _alaw_samples()


def ulaw_encode(samples: NDArray[np.int16]) -> bytes:
    """Sound, int16 `(n,)`, as `n` bytes of mu-law (ITU-T G.711 §3.2)."""
    return _ULAW_CODES.take(samples.view(np.uint16)).tobytes()


def ulaw_decode(coded: bytes) -> NDArray[np.int16]:
    """`n` bytes of mu-law as sound, int16 `(n,)` (ITU-T G.711 §3.2)."""
    return _ULAW_SAMPLES.take(np.frombuffer(coded, np.uint8))


def alaw_encode(samples: NDArray[np.int16]) -> bytes:
    """Sound, int16 `(n,)`, as `n` bytes of A-law (ITU-T G.711 §3.1)."""
    return _ALAW_CODES.take(samples.view(np.uint16)).tobytes()


def alaw_decode(coded: bytes) -> NDArray[np.int16]:
    """`n` bytes of A-law as sound, int16 `(n,)` (ITU-T G.711 §3.1)."""
    return _ALAW_SAMPLES.take(np.frombuffer(coded, np.uint8))
