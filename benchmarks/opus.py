"""What Opus takes and how close it comes to a recording, with rtstream's settings and in aiortc's way.

    python benchmarks/opus.py [RECORDING...]

*Unlike* is the log-spectral distance of `harness/likeness.py` between what was said and what is decoded.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiortc.codecs.opus import OpusEncoder
from harness import report
from harness.likeness import FRAME, RATE, RECORDING, speech, unlike

from rtstream.media.libopus import Decoder, Encoder
from rtstream.media.opus import OpusOptions

Encode = Callable[[np.ndarray], bytes]


def ours(bitrate: int, complexity: int) -> Encode:
    return Encoder(RATE, 1, bit_rate=bitrate, complexity=complexity).encode


def aiortcs() -> Encode:
    """Stereo at 96 kb/s, as aiortc's sender encodes whatever its track gives."""
    encoder, count = OpusEncoder(), 0

    def encode(piece: np.ndarray) -> bytes:
        nonlocal count
        samples = np.repeat(piece[0], 2)[None]
        frame: Any = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), count
        count += FRAME
        return bytes(encoder.encode(frame)[0][0])

    return encode


def measured(encode: Encode, said: np.ndarray) -> tuple[str, str]:
    """Milliseconds of CPU for a second of sound, and the distance."""
    pieces = [said[None, at : at + FRAME] for at in range(0, said.size, FRAME)]
    begun = time.process_time()
    packets = [encode(piece) for piece in pieces]
    took = time.process_time() - begun
    decoder = Decoder(RATE, 1)
    heard = np.concatenate([decoder.decode(packet)[0] for packet in packets])
    return f"{1000 * took / (said.size / RATE):.2f}", f"{unlike(heard, said):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, default=[RECORDING])
    args = parser.parse_args()
    usual = OpusOptions()
    report.title("Opus: its work, and how close it comes")
    rows = []
    for path in args.recordings:
        said = speech(path, 1)
        ways = {
            f"{usual.bitrate // 1000} kb/s, complexity {usual.complexity} (usual)": ours(
                usual.bitrate, usual.complexity
            ),
            "48 kb/s, complexity 5": ours(48_000, 5),
            "48 kb/s, complexity 0": ours(48_000, 0),
            "64 kb/s, complexity 5": ours(64_000, 5),
            "aiortc's encoder": aiortcs(),
        }
        rows += [(f"{path.name}: {name}", *measured(encode, said)) for name, encode in ways.items()]
    report.table(("", "CPU ms a second", "unlike, dB"), rows)


if __name__ == "__main__":
    main()
