"""Row P9: what a telephone call costs, how many one core holds, and how true the resampling is.

    python benchmarks/phone.py [--parts cost,capacity,fidelity] [--rounds 3] [--rates 48000,8000]

The callers speak Twilio's media stream (mu-law at 8 kHz, 20 ms a message); the handler is an echo at
48 kHz (FastRTC's default, so everything is resampled twice) or 8 kHz (nothing is). "cost" is CPU of the
server for each second of sound that came back. "capacity" looks for the most calls of which, in one of two
tries, the 99th percentile of the round trip is at most 200 ms, at most 2 % of the bursts are lost, and at
least 97 % of the sound comes back. The target is that of capacity: cost is how it comes about.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Iterable, Sequence

from harness import fidelity, peers, report, telephone
from harness.processes import serving, take_caller_core

TARGETS = {48000: 3.5, 8000: 2.0}  # times FastRTC's calls on one core
CALLS = {48000: 30, 8000: 100}  # at once for "cost": what FastRTC still holds
SNR = 70.0
NEAR = 1.1  # how near a number that does not hold is to one that does
CONVERSIONS = ((8000, 48000), (48000, 8000), (8000, 24000), (24000, 8000), (8000, 16000), (16000, 8000))


def contestants(args: argparse.Namespace, rate: int, python: str | None) -> list[peers.Peer]:
    handlers = args.handlers.split(",")
    loops = ["asyncio", "uvloop"] if peers.has("uvloop") else ["asyncio"]
    made = [
        peers.ours("echo", loop, f"rtstream, {handler}, {loop}", BENCH_HANDLER=handler, BENCH_RATE=str(rate))
        for handler in handlers
        for loop in loops
        if handler != "function" or rate == 48000  # a plain function is called at this rate
    ]
    made += [
        peers.theirs(
            python,
            "echo",
            loop,
            f"FastRTC, {handler}, {loop}",
            BENCH_HANDLER=handler,
            BENCH_RATE=str(rate),
        )
        for handler in handlers
        for loop in loops
        if python is not None and handler != "function" and (loop == "asyncio" or peers.has("uvloop", python))
    ]
    return made


def measure(peer: peers.Peer, calls: int, args: argparse.Namespace) -> telephone.Load:
    """One server, one load; a single call goes before, for what is only done once."""
    with serving(peer) as server:
        telephone.place(server, 1, 2.5, 0.5)
        return telephone.place(server, calls, args.warmup, args.seconds)


def cost(args: argparse.Namespace, rate: int, made: list[peers.Peer]) -> None:
    """Seconds of CPU a second of sound, the median of the rounds."""
    calls = args.calls or CALLS[rate]
    loads: dict[str, list[telephone.Load]] = {peer.name: [] for peer in made}
    for turn in range(args.rounds):
        for peer in made:
            report.progress(f"{rate} Hz, round {turn + 1}: {peer.name}")
            loads[peer.name].append(measure(peer, calls, args))
    costs = {name: report.middle([load.cpu for load in rows]) for name, rows in loads.items()}
    base = best(costs, "FastRTC")
    report.table(
        (
            f"{calls} calls, {rate // 1000} kHz handler",
            "CPU ms a second",
            "least–most",
            "FastRTC / it",
            "round trip p50",
            "p99",
            "came back",
            "KiB a call",
            "threads",
            "callers' core",
        ),
        (cost_row(name, rows, base) for name, rows in loads.items()),
    )


def cost_row(name: str, rows: Sequence[telephone.Load], base: float | None) -> tuple[object, ...]:
    cpu = [load.cpu for load in rows]
    middle = report.middle(cpu)
    return (
        name,
        f"{1000 * middle:.2f}",
        f"{1000 * min(cpu):.2f}–{1000 * max(cpu):.2f}",
        f"{base / middle:.2f} ×" if base else "–",
        report.ms(report.middle([load.p50 for load in rows])),
        report.ms(report.middle([load.p99 for load in rows])),
        f"{100 * report.middle([load.delivered for load in rows]):.1f} %",
        f"{report.middle([load.memory for load in rows]):.0f}",
        rows[0].threads,
        f"{report.middle([load.callers for load in rows]):.2f}",
    )


def capacity(args: argparse.Namespace, rate: int, made: list[peers.Peer]) -> dict[str, float]:
    """How many calls one core holds, to a tenth."""
    held = {peer.name: most_calls(peer, CALLS[rate], args) for peer in made}
    base = best(held, "FastRTC", most=True)
    report.table(
        (f"{rate // 1000} kHz handler", "calls on one core", "it / FastRTC"),
        ((name, int(count), f"{count / base:.2f} ×" if base else "–") for name, count in held.items()),
    )
    return held


def most_calls(peer: peers.Peer, calls: int, args: argparse.Namespace) -> int:
    """Up or down by half until one number holds and another does not, then the middle between them."""
    good, bad = 0, None
    while calls and (bad is None or bad > good * NEAR):
        if any(_holds(peer, calls, args) for _ in range(2)):
            good = calls
        else:
            bad = calls
        calls = calls * 3 // 2 if bad is None else (good + bad) // 2
    return good


def _holds(peer: peers.Peer, calls: int, args: argparse.Namespace) -> bool:
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


def judge(rate: int, held: dict[str, float]) -> None:
    ours, base = best(held, "rtstream", most=True), best(held, "FastRTC", most=True)
    row, target = f"P9 ({rate // 1000} kHz, calls per core)", f"≥ {TARGETS[rate]} × FastRTC"
    if not ours or not base:
        report.verdict(row, target, "–", None)
    else:
        report.verdict(row, target, f"{ours / base:.2f} ×", ours / base >= TARGETS[rate])


def trueness(python: str | None) -> None:
    """How far the resampling of 20 ms pieces is from an ideal one."""
    rows, ours = [], []
    for source, target in CONVERSIONS:
        decibels, delay = fidelity.snr("rtstream", None, source, target)
        ours.append(decibels)
        theirs = "–"
        if python is not None:
            try:
                theirs = f"{fidelity.snr('fastrtc', python, source, target)[0]:.1f} dB"
            except subprocess.CalledProcessError as error:
                theirs = f"failed ({error.returncode})"
        rows.append((f"{source} → {target} Hz", f"{decibels:.1f} dB", report.ms(delay), theirs))
    report.table(("resampling, 20 ms pieces", "rtstream", "its delay", "FastRTC"), rows)
    worst = min(ours)
    report.verdict("P9 (resampling)", f"≥ {SNR:g} dB", f"{worst:.1f} dB at the worst", worst >= SNR)


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--calls", type=int, help=f"at once for cost (default: {CALLS} by rate)")
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--warmup", type=float, default=2)
    parser.add_argument("--handlers", default="async,sync,function", help="of: async, sync, function")
    parser.add_argument("--rates", default="48000,8000")
    parser.add_argument("--parts", default="cost,fidelity", help="of: cost, capacity, fidelity")
    args = parser.parse_args()
    report.title("P9: telephone")
    python = peers.fastrtc_python(args)
    if "fidelity" in args.parts:
        trueness(python)
    take_caller_core()
    for rate in map(int, args.rates.split(",")):
        made = contestants(args, rate, python)
        if "cost" in args.parts:
            cost(args, rate, made)
        judge(rate, capacity(args, rate, made) if "capacity" in args.parts else {})


if __name__ == "__main__":
    main()
