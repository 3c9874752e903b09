"""Rows R9 and R11 over calls: what the handler hears behind a relay that loses packets, beside others.

    python benchmarks/loss_calls.py [--repeats 10] [--recording FILE]

A client says a recorded sentence, again and again, through the relay of `harness/network.py`, which from
then on harms all datagrams, both ways; one call for each network. The server keeps what its handler is given.
"Handed" is sound, "hole" the longest piece that is missing in it, "late" from when a packet was sent to when
its sound is handed on. "Unlike" is measured as in loss.py; "no guesses" is the same sound, silent where the
relay lost the packet. Sound of aiortc and FastRTC is put where its RTP time says, which no handler is told.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from harness import browser, peers, report
from harness.browser import Call
from harness.likeness import FRAME, RATE, RECORDING, packets, speech, unlike
from harness.network import BURST, CLEAN, Network, Relay
from harness.processes import Program, serving, take_caller_core

from rtstream.media.frames import FRAME_SECONDS
from rtstream.media.opus import OpusOptions
from rtstream.rtp.packet import HEADER_SIZE

LOSSES = (1, 5, 10, 20, 30)
ROUGH = Network("jitter 60 ms, 5 % overtaken, 2 % doubled", jitter=0.06, overtaken=0.05, doubled=0.02)
NETWORKS = [
    CLEAN,
    *(Network(f"{loss} %", loss / 100) for loss in LOSSES),
    *(Network(f"{loss} %, bursts of {BURST:g}", loss / 100, bursts=True) for loss in LOSSES),
    ROUGH,
]
SHIFT = RATE  # the most by which the first sound that is heard may lie behind the first that was said
TAIL = 1.0  # seconds until the last packets have come


@dataclass
class Heard:
    """What one handler was given: sound on the time line of what was said, and how late its pieces were."""

    sound: np.ndarray
    handed: float  # seconds of sound a second
    hole: float
    came_back: float  # packets a second
    delays: list[float] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)

    def silent_where_lost(self) -> np.ndarray:
        quiet = self.sound.copy()
        for number in self.lost:
            quiet[number * FRAME : (number + 1) * FRAME] = 0
        return quiet


class Speaker:
    """One call through one network, and when it sent which packet."""

    def __init__(self, network: Network, seed: int) -> None:
        self.network, self.relay, self.sent = network, Relay(seed=seed), list[float]()
        self.call = Call(relay=self.relay)
        self.first = 0

    def begin(self) -> None:
        self.first = self.call.sequence + 1
        self.relay.set(self.network)

    def say(self, coded: bytes) -> None:
        self.call.send(coded[HEADER_SIZE:], len(self.sent) * FRAME)
        self.sent.append(time.monotonic())

    def heard(self, told: bytes, said: np.ndarray) -> Heard:
        """What the server tells, on the time line of what was said."""
        kept = np.load(io.BytesIO(told))
        starts = np.cumsum(kept["sizes"]) - kept["sizes"]
        if kept["stamps"].size and kept["stamps"][0] >= 0:
            starts = kept["stamps"] - kept["stamps"][0]
        sound = np.zeros(said.size + SHIFT, np.int16)
        for start, piece in zip(
            starts, np.split(kept["samples"], np.cumsum(kept["sizes"])[:-1]), strict=True
        ):
            sound[start : start + piece.size] = piece[: max(0, sound.size - start)]
        offset = shift(sound, said)
        numbers = np.clip((starts + offset) // FRAME, 0, len(self.sent) - 1)
        holes = np.diff(starts) - kept["sizes"][:-1]
        return Heard(
            np.concatenate([np.zeros(offset, np.int16), sound])[: said.size],
            kept["samples"].size / said.size,
            float(holes.max(initial=0)) / RATE,
            self.call.packets_heard / (said.size / RATE),
            [float(at) - self.sent[number] for at, number in zip(kept["times"], numbers, strict=True)],
            {(number - self.first) & 0xFFFF for number in self.relay.lost},
        )


def shift(heard: np.ndarray, said: np.ndarray) -> int:
    """How many packets were said before the first that was heard, in samples."""
    size = 1 << (said.size + heard.size).bit_length()
    product = np.fft.rfft(said.astype(float), size) * np.conj(np.fft.rfft(heard.astype(float), size))
    likeness = np.fft.irfft(product, size)[:SHIFT]
    return round(int(np.argmax(likeness)) / FRAME) * FRAME


async def hear(server: Program, said: np.ndarray, plain: bool, at_once: int) -> dict[str, Heard]:
    """A call through each network."""
    heard: dict[str, Heard] = {}
    for first in range(0, len(NETWORKS), at_once):
        speakers = [Speaker(NETWORKS[seed], seed) for seed in range(len(NETWORKS))[first : first + at_once]]
        heard |= await hear_some(server, said, plain, speakers, first)
    return heard


async def hear_some(
    server: Program, said: np.ndarray, plain: bool, speakers: Sequence[Speaker], first: int
) -> dict[str, Heard]:
    """Some calls at once, of which the server has had so many before."""
    coded = {each.network: packets(said, options(each.network, plain)) for each in speakers}
    url = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        for speaker in speakers:  # one after the other, for the server counts them
            await speaker.call.open(http)
        for speaker in speakers:
            speaker.begin()
        begun = time.monotonic()
        for number in range(said.size // FRAME):
            for speaker in speakers:
                speaker.say(coded[speaker.network][number])
            await asyncio.sleep(max(0.0, begun + (number + 1) * FRAME_SECONDS - time.monotonic()))
        await asyncio.sleep(TAIL)
        told = [(await http.get(f"/heard/{first + number}")).content for number in range(len(speakers))]
    for speaker in speakers:
        await speaker.call.close()
    return {each.network.name: each.heard(kept, said) for each, kept in zip(speakers, told, strict=True)}


def options(network: Network, plain: bool) -> OpusOptions:
    """How the client codes: with a copy of each packet in the next as its loss makes it, or plainly."""
    return OpusOptions(fec=False) if plain else OpusOptions(expected_loss=round(100 * network.loss))


def contestants(args: argparse.Namespace) -> list[tuple[peers.Peer, bool]]:
    """Who is measured, and whether the client sends no copies (in-band FEC)."""
    made = [(peers.ours("hearing"), False), (peers.ours("hearing", name="no copies"), True)]
    made.append((peers.bare("aiortc_hearing"), True))
    if (python := peers.fastrtc_python(args)) is not None:
        made.append((peers.theirs(python, "hearing"), True))
    return made


def delay(heard: Heard) -> str:
    if not heard.delays:
        return "–"
    return f"{1000 * np.percentile(heard.delays, 50):.0f} / {1000 * np.percentile(heard.delays, 99):.0f}"


def handed(results: dict[str, dict[str, Heard]]) -> None:
    names = [name for name in results if name != "no copies"]
    report.note(f"each cell: {', '.join(names)}")

    def cell(network: Network, show: Callable[[Heard], str]) -> str:
        return "; ".join(show(results[name][network.name]) for name in names)

    report.table(
        ("lost", "pieces a second", "late, p50 / p99 ms", "longest hole, ms", "came back a second"),
        [
            (
                network.name,
                cell(network, lambda heard: f"{50 * heard.handed:.1f}"),
                cell(network, delay),
                cell(network, lambda heard: f"{1000 * heard.hole:.0f}"),
                cell(network, lambda heard: f"{heard.came_back:.1f}"),
            )
            for network in NETWORKS
        ],
    )


def likeness(results: dict[str, dict[str, Heard]], said: np.ndarray) -> None:
    clean = {name: unlike(heard[CLEAN.name].sound, said) for name, heard in results.items()}
    others = [name for name in results if name not in ("rtstream", "no copies")]
    rows: list[Sequence[object]] = []
    for network in NETWORKS:
        of = {name: heard[network.name] for name, heard in results.items()}
        distance = {name: unlike(heard.sound, said) - clean[name] for name, heard in of.items()}
        silent = unlike(of["no copies"].silent_where_lost(), said) - clean["no copies"]
        ours = (distance["rtstream"], distance["no copies"], silent)
        rows.append(
            (network.name, *(f"{each:.2f}" for each in (*ours, *(distance[name] for name in others))))
        )
    report.table(("unlike, dB", "rtstream", "no copies", "no guesses", *others), rows)


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--recording", type=Path, default=RECORDING)
    parser.add_argument("--repeats", type=int, default=10, help="of the sentence")
    parser.add_argument("--at-once", type=int, default=4, help="calls")
    args = parser.parse_args()
    report.title("R9, R11: calls under loss")
    made = contestants(args)
    take_caller_core()
    browser.keep_ice_on_loopback()
    said = speech(args.recording, args.repeats)
    results = {}
    for peer, plain in made:
        report.progress(peer.name)
        with serving(peer) as server:
            results[peer.name] = asyncio.run(hear(server, said, plain, args.at_once))
    handed(results)
    likeness(results, said)
    ten, rough = (results["rtstream"][name] for name in ("10 %", ROUGH.name))
    report.verdict(
        "R9 (10 %)",
        "≥ 49.5 pieces a second, no hole above 60 ms, late by ≤ 100 ms",
        f"{50 * ten.handed:.1f}, {1000 * ten.hole:.0f} ms, {1000 * np.median(ten.delays):.0f} ms",
        ten.handed >= 0.99 and ten.hole <= 0.06 and bool(np.median(ten.delays) <= 0.1),
    )
    report.verdict("R11", "49 to 50 pieces a second", f"{50 * rough.handed:.1f}", 0.98 <= rough.handed <= 1)


if __name__ == "__main__":
    main()
