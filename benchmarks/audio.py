"""Rows P1 to P4: what a WebRTC call costs, how many one core holds, how late its echo is, how soon it begins.

    python benchmarks/audio.py [--parts cost,growth,capacity] [--calls 15,60] [--rounds 3] [--awake]

"cost" is CPU of the server for each second of sound that came back, beside the limit: Opus (48 kb/s,
complexity 5), SRTP and two system calls with nothing around them, in a loop that finds its caches warm; and
beside the same work as it comes to a server (`harness/paced.py`), in the same rounds. With --awake the core
of the servers does not sleep between two packets, as it does not in the loop of the limit. "growth" is the
cost from one call to as many as a server holds. "capacity" climbs until the 99th percentile of the round trip
exceeds 200 ms, 2 % of the bursts are lost, or less than 97 % of the sound comes back, twice in a row. The
round trip holds 9 ms of Opus' own look-ahead, 6.5 of them in the caller's encoder.
P4 is measured by answer.py.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from contextlib import nullcontext
from typing import TYPE_CHECKING

from harness import browser, limit, paced, peers, report, voices
from harness.processes import awake, serving, take_caller_core

from rtstream.media.opus import OpusOptions

if TYPE_CHECKING:
    from harness.telephone import Load

TIMES_LIMIT, TIMES_FASTRTC, ROUND_TRIP = 1.8, 5.0, 0.020
STEP_UP, STEP_DOWN = 1.15, 0.7
GROWTH = (1, 5, 10, 15, 20, 30, 60, 90, 120)
FIRST = {"rtstream": 100, "FastRTC": 24, "aiortc": 16}


def contestants(args: argparse.Namespace) -> list[peers.Peer]:
    made = [
        peers.ours("echo", loop, f"rtstream, {loop}")
        for loop in (["asyncio", "uvloop"] if peers.has("uvloop") else ["asyncio"])
    ]
    if "aiortc" in args.paths:
        made.append(peers.ours("echo", name="rtstream, aiortc's path", RTSTREAM_MEDIA_PATH="aiortc"))
    if (python := peers.fastrtc_python(args)) is not None:
        made.append(peers.theirs(python, "echo"))
    return [*made, peers.bare()]


def measure(peer: peers.Peer, calls: int, args: argparse.Namespace) -> Load:
    with serving(peer) as server:
        return asyncio.run(voices.place(server, calls, args.warmup, args.seconds))


def cost(args: argparse.Namespace, calls: int, made: list[peers.Peer]) -> None:
    """CPU and round trip at a number of calls, and rows P1 and P3."""
    loads: dict[str, list[Load]] = {peer.name: [] for peer in made}
    floors: dict[str, list[float]] = {}
    for turn in range(args.rounds):
        for name, options in (("", limit.TARGETS), (", rtstream's default of Opus", OpusOptions())):
            floors.setdefault(f"the limit{name}", []).append(limit.limit(options, direct=True))
            floors.setdefault(f"the limit as calls come{name}", []).append(paced.paced(calls, options))
        for peer in made:
            if calls > 2 * FIRST[peer.name.partition(",")[0]] or ("path" in peer.name and calls > 30):
                continue  # it does not hold so many
            report.progress(f"{calls} calls, round {turn + 1}: {peer.name}")
            loads[peer.name].append(measure(peer, calls, args))
    floor = report.middle(floors["the limit"])
    report.table(
        (
            f"{calls} calls",
            "CPU ms a second",
            "least–most",
            "times the limit",
            "p50",
            "p99",
            "came back",
            "KiB a call",
            "threads",
            "callers' core",
        ),
        [limit_row(name, values, floor) for name, values in floors.items()]
        + [row(name, rows, floor) for name, rows in loads.items() if rows],
    )
    ours = [rows for name, rows in loads.items() if name.startswith("rtstream") and "path" not in name]
    best = min(report.middle([load.cpu for load in rows]) for rows in ours)
    trip = min(report.middle([load.p50 for load in rows]) for rows in ours)
    report.verdict(
        f"P1 ({calls} calls)",
        f"≤ {TIMES_LIMIT} × the limit",
        f"{best / floor:.2f} ×",
        best <= TIMES_LIMIT * floor,
    )
    report.verdict(f"P3 ({calls} calls)", f"≤ {report.ms(ROUND_TRIP)}", report.ms(trip), trip <= ROUND_TRIP)


def limit_row(name: str, values: list[float], floor: float) -> tuple[object, ...]:
    middle = report.middle(values)
    return (name, f"{1000 * middle:.2f}", spread(values), f"{middle / floor:.2f}", *"––––––")


def spread(values: list[float]) -> str:
    return f"{1000 * min(values):.2f}–{1000 * max(values):.2f}"


def row(name: str, rows: list[Load], floor: float) -> tuple[object, ...]:
    cpu = [load.cpu for load in rows]
    return (
        name,
        f"{1000 * report.middle(cpu):.2f}",
        spread(cpu),
        f"{report.middle(cpu) / floor:.2f}",
        report.ms(report.middle([load.p50 for load in rows])),
        report.ms(report.middle([load.p99 for load in rows])),
        f"{100 * report.middle([load.delivered for load in rows]):.1f} %",
        f"{report.middle([load.memory for load in rows]):.0f}",
        rows[0].threads,
        f"{report.middle([load.callers for load in rows]):.2f}",
    )


def capacity(args: argparse.Namespace, made: list[peers.Peer]) -> None:
    """How many calls one core holds, to a seventh, and row P2."""
    held: dict[str, int] = {}
    for peer in made:
        calls, held[peer.name] = FIRST[peer.name.partition(",")[0]], 0
        while calls >= 1:
            if any(_holds(peer, calls, args) for _ in range(2)):
                held[peer.name], calls = calls, math.ceil(calls * STEP_UP)
            elif held[peer.name]:
                break
            else:
                calls = int(calls * STEP_DOWN)
    theirs = held.get("FastRTC")
    report.table(
        ("", "calls on one core", "it / FastRTC"),
        ((name, count, f"{count / theirs:.1f} ×" if theirs else "–") for name, count in held.items()),
    )
    ours = max(count for name, count in held.items() if name.startswith("rtstream"))
    ratio = ours / theirs if theirs else None
    report.verdict(
        "P2",
        f"≥ {TIMES_FASTRTC:g} × FastRTC",
        f"{ratio:.1f} ×" if ratio else "–",
        ratio >= TIMES_FASTRTC if ratio else None,
    )


def growth(args: argparse.Namespace, made: list[peers.Peer]) -> None:
    """CPU and delay as calls become more, for as long as a server holds them."""
    loads: dict[str, list[Load]] = {peer.name: [] for peer in made}
    for calls in GROWTH:
        for peer in made:
            if all(load.holds() for load in loads[peer.name]):
                report.progress(f"growth, {calls} calls: {peer.name}")
                loads[peer.name].append(measure(peer, calls, args))
    held = {name: [load for load in rows if load.holds()] for name, rows in loads.items()}
    report.table(
        ("CPU ms of a call-second, p50/p99 ms", *map(str, GROWTH)),
        (
            (name, *(f"{1000 * load.cpu:.1f}, {1000 * load.p50:.0f}/{1000 * load.p99:.0f}" for load in rows))
            + ("not held",) * (len(GROWTH) - len(rows))
            for name, rows in held.items()
        ),
    )
    cores = {name: [load.cores for load in rows] for name, rows in held.items()}
    report.plot("Cores that so many calls take", "calls", "cores", GROWTH, cores)


def _holds(peer: peers.Peer, calls: int, args: argparse.Namespace) -> bool:
    load = measure(peer, calls, args)
    report.progress(
        f"{peer.name}: {calls} calls, p50 {report.ms(load.p50)}, p99 {report.ms(load.p99)}, "
        f"{100 * load.delivered:.1f} % back, {load.missed} bursts and {load.lost} calls lost, "
        f"server {load.cores:.2f}, callers {load.callers:.2f} cores"
    )
    return load.holds()


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--calls", default="15,60", help="at once, for cost")
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--warmup", type=float, default=2)
    parser.add_argument("--parts", default="cost", help="of: cost, growth, capacity")
    parser.add_argument("--paths", default="own,aiortc", help="ways of sound: own, aiortc")
    parser.add_argument("--awake", action="store_true", help="keep the server's core from sleeping")
    args = parser.parse_args()
    report.title("P1 to P3: sound over WebRTC" + (", on a core that is kept awake" if args.awake else ""))
    made = contestants(args)
    take_caller_core()
    browser.keep_ice_on_loopback()
    with awake() if args.awake else nullcontext():
        run(args, made)


def run(args: argparse.Namespace, made: list[peers.Peer]) -> None:
    if "cost" in args.parts:
        for calls in map(int, args.calls.split(",")):
            cost(args, calls, made)
    if "growth" in args.parts:
        growth(args, [peer for peer in made if "path" not in peer.name])
    if "capacity" in args.parts:
        capacity(args, [peer for peer in made if "path" not in peer.name])


if __name__ == "__main__":
    main()
