"""How loud a packet's sound is, in the header extension of RFC 6464."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
SILENT = 127  # RFC 6464 §3: digital silence
_FULL_SCALE = 32768.0**2
_EVERY = 4  # samples: a quarter of them tells the power to a fraction of the decibel that is sent


def level(samples: NDArray[np.int16]) -> int:
    """How far below full scale the sound is: 0 (loudest) to 127 dBov (silence)."""
    flat = samples.reshape(-1)[::_EVERY].astype(np.float32)
    power = float(flat @ flat)
    if power <= 0.0:
        return SILENT
    return min(SILENT, max(0, round(-10.0 * math.log10(power / (flat.size * _FULL_SCALE)))))
