"""The test picture: moving waves, with the number of the frame in black and white blocks along its top."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from aiortc.codecs.vpx import Vp8Encoder
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE = 640, 480, 30
LOOP = 10 * RATE  # frames until it begins anew
KEY_EVERY = RATE
BLOCK, BITS = 40, 12  # pixels, and blocks of the number after one white and one black for reference

Picture = NDArray[np.uint8]


def drawn(number: int) -> Picture:
    """One frame, blue, green, red."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    t = number / RATE
    waves = [np.sin(x / 37 + 2 * t), np.sin(y / 53 - t), np.sin((x - y) / 61 + 1.5 * t)]
    pixels = (128 + 90 * np.stack(waves, axis=-1)).astype(np.uint8)
    for place, white in enumerate([1, 0, *(number >> bit & 1 for bit in range(BITS))]):
        pixels[:BLOCK, place * BLOCK : (place + 1) * BLOCK] = 235 if white else 20
    return pixels


def number_of(gray: Picture) -> int | None:
    """The number in a frame's luma, at any size; None when it cannot be read."""
    block = gray.shape[1] / WIDTH * BLOCK
    inner = slice(round(block / 4), round(3 * block / 4))
    cells = [gray[inner, round((n + 0.25) * block) : round((n + 0.75) * block)] for n in range(BITS + 2)]
    white, black, *levels = (float(cell.mean()) for cell in cells)
    if white - black < 80:
        return None
    return sum(1 << bit for bit, level in enumerate(levels) if level > (white + black) / 2)


@lru_cache
def packets() -> list[list[bytes]]:
    """The loop in VP8: the RTP payloads of each frame, a key frame every second."""
    encoder = Vp8Encoder()
    encoder.target_bitrate = 800_000
    made = []
    for number in range(LOOP):
        frame = av.VideoFrame.from_ndarray(drawn(number), format="bgr24")
        frame.pts, frame.time_base = number * 90_000 // RATE, Fraction(1, 90_000)
        payloads, _ = encoder.encode(frame, force_keyframe=number % KEY_EVERY == 0)
        made.append(list(payloads))
    return made
