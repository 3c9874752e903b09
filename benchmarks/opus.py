"""What Opus takes and how close it comes to recordings, with rtstream's settings and in aiortc's way.

    python benchmarks/opus.py [RECORDING...]

*Unlike* is the log-spectral distance of `harness/likeness.py` between what was said and what is decoded, the
mean over all recordings. Where the package `pesq` is installed, a second table has the wideband PESQ (ITU-T
P.862.2, from 1 to 4.64) of what is heard when packets are lost at random, with Opus' guesses and with the
copies that packets may hold of those before them: as rtstream makes them, and as Opus does if told the bare
loss.
"""

from __future__ import annotations

import argparse
import importlib
import random
import time
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from typing import Any

import av
import numpy as np
from aiortc.codecs.opus import OpusEncoder
from harness import likeness, report
from harness.likeness import FRAME, RATE, RECORDING, late, speech, unlike

from rtstream.media.frames import AudioFrame
from rtstream.media.libopus import Decoder, Encoder
from rtstream.media.opus import OpusOptions
from rtstream.media.resample import Resampler
from rtstream.rtp.packet import parse

Encode = Callable[[np.ndarray], bytes]
LOSSES = (0, 1, 5, 10, 20)  # percent


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


def pieces(said: np.ndarray) -> list[np.ndarray]:
    return [said[None, at : at + FRAME] for at in range(0, said.size, FRAME)]


def measured(encode: Encode, said: np.ndarray) -> tuple[float, float, float]:
    """CPU seconds of a second, kilobits a second, and the distance."""
    begun = time.process_time()
    packets = [encode(piece) for piece in pieces(said)]
    took = time.process_time() - begun
    decoder = Decoder(RATE, 1)
    heard = np.concatenate([decoder.decode(packet)[0] for packet in packets])
    seconds = said.size / RATE
    return took / seconds, sum(map(len, packets)) * 8 / seconds / 1000, unlike(heard, said)


def closeness(recordings: list[np.ndarray]) -> None:
    usual = OpusOptions()
    ways: dict[str, Callable[[], Encode]] = {
        f"{usual.bitrate // 1000} kb/s, complexity {usual.complexity} (rtstream)": lambda: ours(
            usual.bitrate, usual.complexity
        ),
        "48 kb/s, complexity 5": lambda: ours(48_000, 5),
        "48 kb/s, complexity 0": lambda: ours(48_000, 0),
        "64 kb/s, complexity 5": lambda: ours(64_000, 5),
        "stereo, 96 kb/s (aiortc)": aiortcs,
    }
    rows = []
    for name, encode in ways.items():
        took, kilobits, distance = map(
            mean, zip(*(measured(encode(), said) for said in recordings), strict=True)
        )
        rows.append((name, f"{1000 * took:.2f}", f"{kilobits:.0f}", f"{distance:.2f}"))
    report.table((f"{len(recordings)} recordings", "CPU ms a second", "kb/s", "unlike, dB"), rows)


def told(said: np.ndarray, loss: int, *, copies: bool) -> list[bytes]:
    """The packets of an encoder that is told of so many percent of loss."""
    usual = OpusOptions()
    encoder = Encoder(RATE, 1, bit_rate=usual.bitrate, complexity=usual.complexity)
    encoder.protect(copies, loss)
    return [encoder.encode(piece) for piece in pieces(said)]


def sent(said: np.ndarray, loss: int) -> list[bytes]:
    """Those that rtstream sends where so much is lost."""
    read = map(parse, likeness.packets(said, OpusOptions(expected_loss=loss)))
    return [packet.payload for packet in read if packet is not None]


def heard_of(packets: list[bytes], lost: int) -> np.ndarray:
    """What comes through a network that loses so many percent."""
    chance, decoder = random.Random(3), Decoder(RATE, 1)
    came = [packet if chance.random() >= lost / 100 else None for packet in packets]
    heard = [
        decoder.decode(packet) if packet is not None else decoder.conceal(FRAME, following)
        for packet, following in zip(came, [*came[1:], None], strict=True)
    ]
    return np.concatenate(heard, axis=1)[0]


def opinion(heard: np.ndarray, said: np.ndarray) -> float:
    pesq: Any = importlib.import_module("pesq")
    delay = late(heard, said)
    one, other = (
        Resampler(16_000).push(AudioFrame(sound[None, : said.size - delay], RATE))
        for sound in (said, heard[delay:])
    )
    assert one is not None and other is not None
    return float(pesq.pesq(16_000, one.samples[0], other.samples[0], "wb"))


def losses(recordings: list[np.ndarray]) -> None:
    ways: dict[str, Callable[[np.ndarray, int], list[bytes]]] = {
        "guesses": lambda said, loss: told(said, loss, copies=False),
        "copies, told the bare loss": lambda said, loss: told(said, loss, copies=loss > 0),
        "copies (rtstream)": sent,
    }
    rows = []
    for name, encoded in ways.items():
        values = [
            mean(opinion(heard_of(encoded(said, loss), loss), said) for said in recordings) for loss in LOSSES
        ]
        rows.append((name, *(f"{value:.2f}" for value in values)))
    report.table(("PESQ, packets lost", *(f"{loss} %" for loss in LOSSES)), rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", nargs="*", type=Path, default=[RECORDING])
    recordings = [speech(path, 1) for path in parser.parse_args().recordings]
    report.title("Opus: its work, and how close it comes")
    closeness(recordings)
    if find_spec("pesq") is not None:
        losses(recordings)
    else:
        report.note("PESQ: skipped (pip install pesq)")


if __name__ == "__main__":
    main()
