"""Rows R9 and R11: what a handler hears of a recorded sentence over a network that loses packets.

    python benchmarks/loss.py [--recording FILE] [--repeats 8]

No socket and no clock: the packets of our sender go through a network that is made up, seeded, and arrive at
our receiver, or at aiortc's buffer and decoder as `track.recv()` has them. "Unlike" is how far what is heard
lies from what was said: the mean difference of the levels of twenty bands, in dB, on the sentence's own time
line; a moment that is not heard is silence. What codec and look-ahead do without any loss is taken off.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket
from harness import report

from rtstream.media.files import Clip
from rtstream.media.frames import FRAME_SECONDS, AudioFrame
from rtstream.media.opus import OpusOptions
from rtstream.rtp.codecs import Codec
from rtstream.rtp.receiver import AudioReceiver
from rtstream.rtp.sender import AudioSender

RECORDING = Path(__file__).parent.parent / "templates/rtstream_templates/voice-agent/question.wav"
RATE, FRAME = 48_000, 960
OPUS = Codec("opus", 96, RATE)
LOOK_AHEAD = 312  # samples of Opus's encoder (RFC 6716 §2.1.2); what it adds at this rate
BURST = 4.0  # packets in a row, on average


@dataclass(frozen=True)
class Network:
    """What happens to packets on their way: loss and doubling are shares, jitter and overtaking seconds."""

    name: str
    loss: float = 0.0
    bursts: bool = False
    jitter: float = 0.0
    overtaken: float = 0.0
    doubled: float = 0.0

    def arrivals(self, packets: Iterable[bytes], seed: int) -> list[tuple[float, bytes]]:
        """When which packet arrives."""
        chance, came, bad = random.Random(seed), [], False
        for number, packet in enumerate(packets):
            if self.bursts:  # Gilbert's two states
                leave = 1 / BURST if bad else self.loss / BURST / (1 - self.loss)
                bad = bad != (chance.random() < leave)
                lost = bad
            else:
                lost = chance.random() < self.loss
            if lost and number:  # the first one lays down the time line
                continue
            for _ in range(1 + (chance.random() < self.doubled)):
                late = chance.uniform(0, self.jitter) + 0.03 * (chance.random() < self.overtaken)
                heapq.heappush(came, (number * FRAME_SECONDS + late, packet))
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
    """What came out: pieces of 20 ms a second, how late, and the sound on its own time line."""

    pieces: float
    guessed: float
    delays: list[float]
    sound: np.ndarray


def speech(path: Path, repeats: int) -> np.ndarray:
    pieces = [frame.samples[0] for frame in Clip.open(path).audio_frames(RATE, FRAME_SECONDS, 1)]
    sound = np.tile(np.concatenate(pieces), repeats)
    return sound[: sound.size // FRAME * FRAME]


def packets(sound: np.ndarray, options: OpusOptions) -> list[bytes]:
    sender = AudioSender(OPUS, 7, "bench", options)
    pieces = [AudioFrame(sound[None, at : at + FRAME], RATE) for at in range(0, sound.size, FRAME)]
    made = [sender.packet(piece, number * FRAME_SECONDS) for number, piece in enumerate(pieces)]
    return [packet for packet in made if packet is not None]


def ours(arrivals: list[tuple[float, bytes]], count: int, *, conceal: bool = True) -> Heard:
    """Through our receiver; without `conceal` a guess is heard as silence."""
    receiver = AudioReceiver({OPUS.payload_type: OPUS})
    pieces: list[np.ndarray] = []
    delays: list[float] = []
    before = 0.0
    for at, frames in _ours(receiver, arrivals):
        guessed = receiver.counted.concealed - before
        before = receiver.counted.concealed
        for number, frame in enumerate(frames):
            silent = not conceal and number < round(guessed / FRAME_SECONDS)
            delays.append(at - len(pieces) * FRAME_SECONDS)
            pieces.append(frame.samples[0] * (not silent))
    seconds = count * FRAME_SECONDS
    guesses = receiver.counted.concealed / FRAME_SECONDS
    return Heard(len(pieces) / seconds, guesses / seconds, delays, np.concatenate(pieces))


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
    return Heard(len(delays) / (count * FRAME_SECONDS), 0.0, delays, sound)


def unlike(heard: np.ndarray, said: np.ndarray) -> float:
    one, other = levels(heard[LOOK_AHEAD:]), levels(said)
    size = min(len(one), len(other))
    loud = other[:size].mean(axis=1) > 10 * np.log10(FLOOR) + 3  # pauses sound alike whatever happens
    return float(np.abs(one[:size] - other[:size])[loud].mean())


FLOOR = 1e6


def levels(sound: np.ndarray) -> np.ndarray:
    pieces = sound[: sound.size // FRAME * FRAME].reshape(-1, FRAME).astype(float) * np.hanning(FRAME)
    power = np.abs(np.fft.rfft(pieces))[:, 1:161] ** 2
    return np.asarray(10 * np.log10(power.reshape(len(pieces), 20, 8).sum(axis=2) + FLOOR))


def late(heard: Heard) -> str:
    return f"{1000 * median(heard.delays):.0f} / {1000 * np.percentile(heard.delays, 99):.0f}"


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
    clean = unlike(ours(Network("none").arrivals(plain, 1), len(plain)).sound, said)
    rows, held = [], {}
    for network in NETWORKS:
        coded = packets(said, OpusOptions(expected_loss=round(100 * network.loss)))
        with_copies = ours(network.arrivals(coded, 1), len(coded))
        guessed = ours(network.arrivals(plain, 1), len(plain))
        silent = ours(network.arrivals(plain, 1), len(plain), conceal=False)
        bare = aiortcs(network.arrivals(plain, 1), len(plain))
        held[network.name] = with_copies
        rows.append(
            (
                network.name,
                f"{with_copies.pieces - with_copies.guessed:.1f} + {with_copies.guessed:.1f}",
                f"{bare.pieces:.1f}",
                late(with_copies),
                late(bare),
                *(f"{unlike(each.sound, said) - clean:.2f}" for each in (with_copies, guessed, silent, bare)),
            )
        )
    report.table(
        (
            "lost",
            "pieces a second: real + guessed",
            "aiortc's",
            "delay p50 / p99 ms",
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
        f"{ten.pieces:.1f}, {1000 * median(ten.delays):.0f} ms",
        ten.pieces >= 49.5 and median(ten.delays) <= 0.1,
    )
    rough = held["jitter 60 ms, 5 % overtaken, 2 % doubled"]
    report.verdict("R11", "≥ 49 pieces a second, none twice", f"{rough.pieces:.1f}", 49 <= rough.pieces <= 50)


if __name__ == "__main__":
    main()
