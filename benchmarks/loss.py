"""Rows R9 and R11: what a handler hears of a recorded sentence over a network that loses packets.

    python benchmarks/loss.py [--recording FILE] [--repeats 8]

No socket and no clock: the packets of our sender go through a network that is made up, seeded, and arrive at
our receiver, or at aiortc's buffer and decoder as `track.recv()` has them. "Unlike" is how far what is heard
lies from what was said: the mean difference of the levels of twenty bands, in dB, on the sentence's own time
line; a moment that is not heard is silence. What codec and look-ahead do without any loss is taken off.
"Delay" is from when a packet would have come without loss and jitter to when its sound is handed on; a guess
can come no sooner than the packet behind the gap, which alone tells that something is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket
from harness import report
from harness.likeness import FRAME, OPUS, RATE, RECORDING, packets, speech, unlike
from harness.network import BURST, Network

from rtstream.media.frames import FRAME_SECONDS, AudioFrame
from rtstream.media.opus import OpusOptions
from rtstream.rtp.receiver import AudioReceiver


def arrivals(network: Network, packets: Iterable[bytes], seed: int) -> list[tuple[float, bytes]]:
    """When which packet arrives; the first one always does, to lay down the time line."""
    came: list[tuple[float, bytes]] = []
    for number, (packet, fate) in enumerate(zip(packets, network.fates(seed), strict=False)):
        came += [(number * FRAME_SECONDS + late, packet) for late in fate or ([] if number else [0.0])]
    return sorted(came)


NETWORKS = [
    Network("none"),
    *(Network(f"{loss} %", loss / 100) for loss in (1, 5, 10, 20, 30)),
    *(Network(f"{loss} %, bursts of {BURST:g}", loss / 100, bursts=True) for loss in (5, 10, 20)),
    Network("jitter 60 ms, 5 % overtaken, 2 % doubled", jitter=0.06, overtaken=0.05, doubled=0.02),
    Network("the same and 10 %", 0.1, jitter=0.06, overtaken=0.05, doubled=0.02),
]


@dataclass
class Heard:
    """What came out: pieces of 20 ms a second, how late they and guesses were, and the sound in its time."""

    pieces: float
    guessed: float
    delays: list[float]
    late_guesses: list[float]
    sound: np.ndarray


def ours(arrivals: list[tuple[float, bytes]], count: int, *, conceal: bool = True) -> Heard:
    """Through our receiver; without `conceal` a guess is heard as silence."""
    receiver = AudioReceiver({OPUS.payload_type: OPUS})
    pieces: list[np.ndarray] = []
    delays: list[float] = []
    late_guesses: list[float] = []
    before = 0.0
    for at, frames in _ours(receiver, arrivals):
        guessed = receiver.counted.concealed - before
        before = receiver.counted.concealed
        for number, frame in enumerate(frames):
            is_guess = number < round(guessed / FRAME_SECONDS)
            (late_guesses if is_guess else delays).append(at - len(pieces) * FRAME_SECONDS)
            pieces.append(frame.samples[0] * (conceal or not is_guess))
    seconds = count * FRAME_SECONDS
    guesses = receiver.counted.concealed / FRAME_SECONDS
    return Heard(len(pieces) / seconds, guesses / seconds, delays, late_guesses, np.concatenate(pieces))


def _ours(
    receiver: AudioReceiver, arrivals: list[tuple[float, bytes]]
) -> Iterator[tuple[float, list[AudioFrame]]]:
    for at, packet in [*arrivals, (arrivals[-1][0] + 0.2, b"")]:
        while (deadline := receiver.deadline) is not None and deadline <= at:
            yield deadline, receiver.poll(deadline)
        if packet:
            yield at, receiver.take(packet, at)


def aiortcs(arrivals: list[tuple[float, bytes]], count: int) -> Heard:
    """Through aiortc's buffer and decoder; each frame lies on the time line where its timestamp says."""
    buffer, decoder = JitterBuffer(capacity=16, prefetch=4), OpusDecoder()
    sound, delays, first = np.zeros(count * FRAME, np.int16), [], None
    for at, data in arrivals:
        packet = RtpPacket.parse(data)
        packet._data = packet.payload
        first = packet.timestamp if first is None else first
        _, coded = buffer.add(packet)
        if coded is None:
            continue
        begin = (coded.timestamp - first) & 0xFFFFFFFF
        for frame in decoder.decode(coded):
            samples = frame.to_ndarray().reshape(-1, 2)[:, 0]
            if begin + samples.size <= sound.size:
                sound[begin : begin + samples.size] = samples
            delays.append(at - begin / RATE)
    return Heard(len(delays) / (count * FRAME_SECONDS), 0.0, delays, [], sound)


def late(delays: list[float]) -> str:
    return f"{1000 * median(delays):.0f} / {1000 * np.percentile(delays, 99):.0f}" if delays else "–"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recording", type=Path, default=RECORDING)
    parser.add_argument("--repeats", type=int, default=8)
    args = parser.parse_args()
    report.title("R9, R11: sound under loss")
    said = speech(args.recording, args.repeats)
    plain = packets(said, OpusOptions(fec=False))
    clean = unlike(ours(arrivals(Network("none"), plain, 1), len(plain)).sound, said)
    rows, held = [], {}
    for network in NETWORKS:
        coded = packets(said, OpusOptions(expected_loss=round(100 * network.loss)))
        with_copies = ours(arrivals(network, coded, 1), len(coded))
        guessed = ours(arrivals(network, plain, 1), len(plain))
        silent = ours(arrivals(network, plain, 1), len(plain), conceal=False)
        bare = aiortcs(arrivals(network, plain, 1), len(plain))
        held[network.name] = with_copies
        rows.append(
            (
                network.name,
                f"{with_copies.pieces - with_copies.guessed:.1f} + {with_copies.guessed:.1f}",
                f"{bare.pieces:.1f}",
                late(with_copies.delays),
                late(with_copies.late_guesses),
                late(bare.delays),
                *(f"{unlike(each.sound, said) - clean:.2f}" for each in (with_copies, guessed, silent, bare)),
            )
        )
    report.table(
        (
            "lost",
            "pieces a second: real + guessed",
            "aiortc's",
            "delay p50 / p99 ms",
            "of guesses",
            "aiortc's",
            "unlike, dB",
            "no copies",
            "no guesses",
            "aiortc's",
        ),
        rows,
    )
    ten = held["10 %"]
    report.verdict(
        "R9 (10 %)",
        "≥ 49.5 pieces a second, median delay ≤ 100 ms",
        f"{ten.pieces:.1f}, {1000 * median(ten.delays + ten.late_guesses):.0f} ms",
        ten.pieces >= 49.5 and median(ten.delays + ten.late_guesses) <= 0.1,
    )
    rough = held["jitter 60 ms, 5 % overtaken, 2 % doubled"]
    report.verdict("R11", "≥ 49 pieces a second, none twice", f"{rough.pieces:.1f}", 49 <= rough.pieces <= 50)


if __name__ == "__main__":
    main()
