"""Row P9: what a telephone call costs, how many one core holds, and how true the resampling is.

    python benchmarks/phone.py [--calls 100] [--rounds 3] [--capacity] [--fidelity-only]

The callers speak Twilio's media stream (mu-law at 8 kHz, 20 ms a message); the handler is an echo at
48 kHz (FastRTC's default, so everything is resampled twice) or 8 kHz (nothing is). Cost is CPU of the
server for each second of each call. `--capacity` climbs until the round trip's 99th percentile exceeds
200 ms, 2 % of the bursts are lost, or less than 97 % of the sound comes back, twice in a row.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Iterable

import numpy as np
from harness import fidelity, peers, report, telephone
from harness.peers import Peer
from harness.processes import serving, take_caller_core

TARGETS = {48000: 3.5, 8000: 2.0}
SNR = 70.0


def contestants(args: argparse.Namespace, rate: int, theirs: str | None) -> list[Peer]:
    loops = ["asyncio", "uvloop"] if peers.has("uvloop") else ["asyncio"]
    handlers = args.handlers.split(",")
    made = [
        peers.ours("echo", loop, f"rtstream, {handler}, {loop}", BENCH_HANDLER=handler, BENCH_RATE=str(rate))
        for handler in handlers
        for loop in loops
    ]
    if theirs is not None:
        made += [
            peers.theirs(theirs, "echo", "asyncio", f"FastRTC, {handler}, asyncio", BENCH_HANDLER=handler, BENCH_RATE=str(rate))
            for handler in handlers
        ]
        if peers.has("uvloop", theirs):
            made.append(peers.theirs(theirs, "echo", "uvloop", "FastRTC, async, uvloop", BENCH_RATE=str(rate)))
    return made


def measure(peer: Peer, calls: int, args: argparse.Namespace) -> telephone.Load:
    """One server, one load; a single call goes before, for what is only done once."""
    with serving(peer) as server:
        telephone.place(server, 1, 2.5, 0.5)
        return telephone.place(server, calls, args.warmup, args.seconds)


def cost(args: argparse.Namespace, rate: int, made: list[Peer]) -> dict[str, float]:
    """Milliseconds of CPU a call-second, the median of the rounds."""
    loads: dict[str, list[telephone.Load]] = {peer.name: [] for peer in made}
    for turn in range(args.rounds):
        for peer in made:
            report.progress(f"{rate} Hz, round {turn + 1}: {peer.name}")
            loads[peer.name].append(measure(peer, args.calls, args))
    costs = {name: 1000 * report.middle([load.cpu for load in rows]) for name, rows in loads.items()}
    base = best(costs, "FastRTC")
    report.table(
        (f"{args.calls} calls, {rate // 1000} kHz handler", "CPU ms a call-second", "least–most", "× FastRTC", "round trip p50", "p99", "came back", "KiB a call", "threads", "callers' core"),
        (
            (
                name,
                f"{costs[name]:.2f}",
                f"{1000 * min(load.cpu for load in rows):.2f}–{1000 * max(load.cpu for load in rows):.2f}",
                f"{base / costs[name]:.2f}" if base else "–",
                report.ms(report.middle([load.p50 for load in rows])),
                report.ms(report.middle([load.p99 for load in rows])),
                f"{100 * report.middle([load.delivered for load in rows]):.1f} %",
                f"{report.middle([load.memory for load in rows]):.0f}",
                rows[0].threads,
                f"{report.middle([load.callers for load in rows]):.2f}",
            )
            for name, rows in loads.items()
        ),
    )
    return costs


def capacity(args: argparse.Namespace, rate: int, made: list[Peer], costs: dict[str, float]) -> dict[str, float]:
    """How many calls one core holds, to a tenth."""
    held: dict[str, float] = {}
    for peer in made:
        # From a bit under what the cost promises, upwards; downwards if that is too many.
        calls = max(5, int(0.6 * 1000 / costs[peer.name]))
        held[peer.name] = 0
        while True:
            good = any(_holds(peer, calls, args) for _ in range(2))
            if good:
                held[peer.name] = calls
                calls = max(calls + 1, int(calls * 1.1))
            elif held[peer.name] or calls <= 5:
                break
            else:
                calls = int(calls * 0.7)
    base = best(held, "FastRTC", most=True)
    report.table(
        (f"{rate // 1000} kHz handler", "calls on one core", "× FastRTC"),
        ((name, int(count), f"{count / base:.2f}" if base else "–") for name, count in held.items()),
    )
    return held


def _holds(peer: Peer, calls: int, args: argparse.Namespace) -> bool:
    load = measure(peer, calls, args)
    report.progress(
        f"{peer.name}: {calls} calls, p50 {report.ms(load.p50)}, p99 {report.ms(load.p99)}, "
        f"{100 * load.delivered:.1f} % back, {load.missed} bursts and {load.lost} calls lost, "
        f"server {load.cores:.2f}, callers {load.callers:.2f} cores"
    )
    return load.holds()


def best(figures: dict[str, float], name: str, *, most: bool = False) -> float | None:
    """The best of those whose name begins so."""
    chosen = [value for key, value in figures.items() if key.startswith(name)]
    pick: Callable[[Iterable[float]], float] = max if most else min
    return pick(chosen) if chosen else None


def judge(rate: int, what: str, ratio: float | None) -> None:
    row = f"P9 ({rate // 1000} kHz, {what})"
    target = f"≥ {TARGETS[rate]} × FastRTC"
    report.verdict(row, target, "–" if ratio is None else f"{ratio:.2f} ×", None if ratio is None else ratio >= TARGETS[rate])


def trueness(theirs: str | None) -> None:
    """How far the resampling of 20 ms pieces is from an ideal one."""
    rows = []
    worst = np.inf
    for source, target in ((8000, 48000), (48000, 8000), (8000, 24000), (24000, 8000), (8000, 16000), (16000, 8000)):
        ours, delay = fidelity.snr("rtstream", None, source, target)
        worst = min(worst, ours)
        other = "–"
        if theirs is not None:
            try:
                other = f"{fidelity.snr('fastrtc', theirs, source, target)[0]:.1f} dB"
            except subprocess.CalledProcessError as error:
                other = f"failed ({error.returncode})"
        rows.append((f"{source} → {target} Hz", f"{ours:.1f} dB", f"{1000 * delay:.1f} ms", other))
    report.table(("resampling, 20 ms pieces", "rtstream", "delay", "FastRTC"), rows)
    report.verdict("P9 (resampling)", f"≥ {SNR:g} dB", f"{worst:.1f} dB at the worst", bool(worst >= SNR))


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--warmup", type=float, default=3)
    parser.add_argument("--handlers", default="async,sync")
    parser.add_argument("--rates", default="48000,8000")
    parser.add_argument("--parts", default="cost,fidelity", help="of: cost, capacity, fidelity")
    args = parser.parse_args()
    report.title("P9: telephone")
    theirs = peers.fastrtc_python(args)
    if "fidelity" in args.parts:
        trueness(theirs)
    take_caller_core()
    for rate in map(int, args.rates.split(",")):
        made = contestants(args, rate, theirs)
        costs = cost(args, rate, made)
        ours, base = best(costs, "rtstream"), best(costs, "FastRTC")
        judge(rate, "by CPU", base / ours if base and ours else None)
        if "capacity" in args.parts:
            held = capacity(args, rate, made, costs)
            ours, base = best(held, "rtstream", most=True), best(held, "FastRTC", most=True)
            judge(rate, "calls per core", ours / base if base and ours else None)


if __name__ == "__main__":
    main()
