"""How carriers write sound: G.711 and linear samples, to arrays and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import BadMessage
from ..media.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATES = (8000, 16000, 24000)  # all that carriers offer


class Codec(NamedTuple):
    """One way to write mono sound.

    `decode` raises BadMessage for bytes that cannot be; `encode` takes int16 of shape `(n,)`.
    """

    decode: Callable[[bytes], NDArray[np.int16]]
    encode: Callable[[NDArray[np.int16]], bytes]


def _linear(order: str) -> Codec:
    def decode(coded: bytes) -> NDArray[np.int16]:
        if len(coded) % 2:
            raise BadMessage(
                f"{len(coded)} bytes of sound are no whole number of samples",
                why="linear sound has 16 bits a sample",
                fix="Send whole samples",
            )
        return np.frombuffer(coded, f"{order}i2").astype(np.int16, copy=False)

    def encode(samples: NDArray[np.int16]) -> bytes:
        return samples.astype(f"{order}i2", copy=False).tobytes()

    return Codec(decode, encode)


ULAW = Codec(ulaw_decode, ulaw_encode)
ALAW = Codec(alaw_decode, alaw_encode)
LITTLE = _linear("<")
BIG = _linear(">")


def order_of(coded: bytes) -> Codec | None:
    """In which order linear sound is written, since in the other one it is noise.

    None where neither tells, as in silence.
    """
    little, big = (_roughness(np.frombuffer(coded, f"{order}i2")) for order in "<>")
    if 2 * min(little, big) >= max(little, big):
        return None
    return LITTLE if little < big else BIG


def _roughness(samples: NDArray[np.int16]) -> int:
    """How far apart samples are from those before them, all together."""
    return int(np.abs(np.diff(samples.astype(np.int32))).sum())
