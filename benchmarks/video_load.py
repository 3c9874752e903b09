"""Row P19: sound beside heavy pictures, and pictures over a line that is too narrow for them.

    python benchmarks/video_load.py [--seconds 15] [--rounds 1] [--narrow 300]

One call with sound and pictures: its sound is given back; it sends 640×480 at 30 frames a second, over each
of which the handler sleeps 200 ms, and is shown 1280×720 or 1920×1080 at 30 a second, each with the moment
that it was made at. First nothing is shown and nothing done (the control), then all of it; then the caller
has a line that carries so many kb/s, where what is more waits, and tells so as a browser does.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass

import httpx
import numpy as np
from harness import browser, peers, picture, report, sound, voices
from harness.processes import Program, serving, take_caller_core
from harness.seen import Seeing, Shown
from harness.telephone import LONGEST_DELAY

SETTLE = 4.0  # seconds at the start that do not count
UNMOVED = 0.030  # seconds by which pictures may delay the latest burst of sound
KEPT_UP = 0.200  # seconds that a picture may be old when it is there, at the median and without growing


@dataclass
class Run:
    """One call."""

    sound: sound.Found
    pictures: list[Shown]
    seconds: float
    rate: float  # bits a second
    cpu: float  # cores
    memory: float  # MiB

    @property
    def latest(self) -> float:
        return max(self.sound.delays, default=float("nan"))

    def half(self, late: bool) -> float:
        """The median age of the pictures of the first or the second half."""
        ages = [shown.age for shown in self.pictures]
        return report.middle(ages[len(ages) // 2 :] if late else ages[: len(ages) // 2])


async def measure(server: Program, seconds: float, *, line: float | None, shows: bool) -> Run:
    caller = voices.Caller(0)
    call = caller.call = Seeing(line)
    memory = server.memory()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        await call.open(client)
    await asyncio.sleep(0.3)
    begin = time.monotonic()
    watch = asyncio.create_task(call.watch())
    tasks = [asyncio.create_task(speak(caller, begin, seconds + SETTLE))]
    if shows:
        tasks.append(asyncio.create_task(show(call, begin, seconds + SETTLE)))
    await asyncio.sleep(SETTLE)
    since, cpu = time.monotonic(), server.cpu()
    await asyncio.gather(*tasks)
    watch.cancel()
    took, cpu = time.monotonic() - since, server.cpu() - cpu
    grown = (server.memory() - memory) / 1024
    samples, times = caller.heard()
    found = sound.find(samples, times, caller.bursts(since), LONGEST_DELAY)
    shown = [one for one in call.pictures() if since <= one.arrived < since + took]
    run = Run(found, shown, took, call.bits(since) / took, cpu / took, grown)
    await asyncio.wait([asyncio.create_task(call.close())], timeout=5)
    return run


async def speak(caller: voices.Caller, begin: float, seconds: float) -> None:
    for turn in range(round(seconds / browser.STEP)):
        if (left := begin + turn * browser.STEP - time.monotonic()) > 0:
            await asyncio.sleep(left)
        caller.speak(time.monotonic())


async def show(call: Seeing, begin: float, seconds: float) -> None:
    for tick in range(round(seconds * picture.RATE)):
        if (left := begin + tick / picture.RATE - time.monotonic()) > 0:
            await asyncio.sleep(left)
        call.show(tick)


def contestants(args: argparse.Namespace, size: str, work: int) -> list[peers.Peer]:
    env = {"BENCH_SIZE": size, "BENCH_WORK": str(work)}
    made = [peers.ours("both", **env)]
    if (python := peers.fastrtc_python(args)) is not None:
        made.append(peers.theirs(python, "both", **env))
    made.append(peers.Peer("aiortc", "aiortc_both", env=env))
    return [peer for peer in made if peer.name in args.peers.split(",")]


def main() -> None:
    parser = peers.parser(__doc__)
    parser.set_defaults(rounds=1)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--peers", default="rtstream,FastRTC,aiortc")
    parser.add_argument("--narrow", type=int, default=300, help="kb/s of the narrow line")
    args = parser.parse_args()
    report.title("P19: sound and pictures")
    take_caller_core()
    browser.keep_ice_on_loopback()
    report.progress("drawing and encoding the pictures, and the sound")
    picture.packets()
    voices.packets()
    narrow = 1000.0 * args.narrow
    for turn in range(args.rounds):
        runs: dict[str, Run] = {}
        for what, size, work, line, shows in (
            ("sound alone", "32x32", 0, None, False),
            ("1280×720", "1280x720", 200, None, True),
            ("1920×1080", "1920x1080", 200, None, True),
            (f"1280×720 over {args.narrow} kb/s", "1280x720", 0, narrow, True),
        ):
            for peer in contestants(args, size, work):
                report.progress(f"round {turn + 1}: {peer.name}, {what}")
                with serving(peer) as server:
                    runs[f"{peer.name}: {what}"] = asyncio.run(
                        measure(server, args.seconds, line=line, shows=shows)
                    )
        tell(runs)
        judge(runs, args.narrow)


def tell(runs: dict[str, Run]) -> None:
    rows = []
    for name, run in runs.items():
        delays = run.sound.delays
        heard = (f"{1000 * report.middle(delays):.0f}", f"{1000 * run.latest:.0f}", run.sound.missed)
        seen = ("–",) * 5
        if "alone" not in name and run.pictures:
            last = run.pictures[-1]
            p99 = float(np.percentile([shown.age for shown in run.pictures], 99))
            seen = (
                f"{len(run.pictures) / run.seconds:.1f}",
                f"{last.width}×{last.height}",
                f"{run.rate / 1000:.0f}",
                f"{1000 * run.half(False):.0f} → {1000 * run.half(True):.0f}",
                f"{1000 * p99:.0f}",
            )
        rows.append((name, *heard, *seen, f"{run.cpu:.2f}", f"{run.memory:+.0f}"))
    report.table(
        (
            "one call, 30 pictures a second each way",
            "sound ms, p50",
            "latest",
            "lost",
            "fps",
            "at the end",
            "kb/s",
            "age ms, first half → second",
            "p99",
            "cores",
            "MiB",
        ),
        rows,
    )


def judge(runs: dict[str, Run], narrow: int) -> None:
    alone, heavy = runs["rtstream: sound alone"], runs["rtstream: 1280×720"]
    report.verdict(
        "P19 (sound)",
        f"its latest burst ≤ {1000 * UNMOVED:.0f} ms later than without pictures, none lost",
        f"{1000 * alone.latest:.0f} and {1000 * heavy.latest:.0f} ms, {heavy.sound.missed} lost",
        heavy.latest <= alone.latest + UNMOVED and not heavy.sound.missed,
    )
    for what in ("1920×1080", f"1280×720 over {narrow} kb/s"):
        run = runs[f"rtstream: {what}"]
        report.verdict(
            f"P19 ({what})",
            f"pictures ≤ {1000 * KEPT_UP:.0f} ms old, not growing",
            f"{1000 * run.half(False):.0f} → {1000 * run.half(True):.0f} ms",
            max(run.half(False), run.half(True)) <= KEPT_UP,
        )


if __name__ == "__main__":
    main()
