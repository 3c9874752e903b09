"""Row P18: what an ended call leaves behind: memory, threads, tasks, descriptors.

    python benchmarks/ended.py [--calls 120]

Short calls one after another, each until its echo is heard. After each tenth of them the server is given
a second, its garbage is collected, and it is read from outside; the memory of a call is the slope of the
line through these readings, the first three left out while caches fill.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from dataclasses import dataclass

import httpx
import numpy as np
from harness import browser, peers, report
from harness.browser import Call
from harness.processes import Program, serving, take_caller_core
from harness.telephone import Caller, payloads

TARGET_KIB = 20
READINGS = 12
LEFT_OUT = 3


@dataclass
class Reading:
    """A server at one moment between calls."""

    calls: int
    memory: int  # KiB
    threads: int
    tasks: int
    descriptors: int


def read(server: Program, calls: int) -> Reading:
    leftovers = httpx.get(f"http://127.0.0.1:{server.port}/leftovers", timeout=20, trust_env=False).json()
    return Reading(calls, server.memory(), server.threads(), leftovers["tasks"], server.descriptors())


async def webrtc_call(port: int) -> bool:
    call = Call()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        try:
            await call.open(client)
        except (ConnectionError, TimeoutError, httpx.HTTPError):
            return False
    await call.talk(1.5, browser.opus(), until_echo=True)
    await call.close()
    return call.packets_heard > 0


async def phone_call(port: int) -> bool:
    caller = Caller(port)
    for _ in range(len(payloads())):
        caller.speak(time.monotonic())
        await asyncio.sleep(0.02)
        caller.listen(time.monotonic())
        if caller.came or len(caller.sent) > 75:
            break
    heard = bool(caller.came)
    caller.hang_up()
    return heard


CALLS = {"WebRTC": webrtc_call, "telephone": phone_call}


async def churn(server: Program, way: str, calls: int) -> tuple[list[Reading], int]:
    """Readings between the calls, and how many of these were echoed."""
    heard, readings = 0, []
    for done in range(calls + 1):
        if done * READINGS // calls != (done - 1) * READINGS // calls:
            await asyncio.sleep(1)
            readings.append(read(server, done))
        if done < calls:
            with contextlib.suppress(OSError):
                heard += await CALLS[way](server.port)
    return readings, heard


def summary(name: str, readings: list[Reading], heard: int) -> tuple[object, ...]:
    last = readings[-1]
    return (
        name,
        f"{heard}/{last.calls}",
        f"{slope(readings):+.1f}",
        f"{readings[0].memory / 1024:.1f} → {last.memory / 1024:.1f}",
        grown(readings, "threads"),
        grown(readings, "tasks"),
        grown(readings, "descriptors"),
    )


def slope(readings: list[Reading]) -> float:
    kept = readings[LEFT_OUT:]
    return float(np.polyfit([r.calls for r in kept], [r.memory for r in kept], 1)[0])


def grown(readings: list[Reading], what: str) -> str:
    return f"{getattr(readings[LEFT_OUT], what)} → {getattr(readings[-1], what)}"


def contestants(args: argparse.Namespace, python: str | None, way: str) -> list[peers.Peer]:
    made = []
    for handler in ("async", "sync"):
        made.append(peers.ours("echo", name=f"rtstream, {handler}, {way}", BENCH_HANDLER=handler))
        if python is not None:
            made.append(
                peers.theirs(python, "echo", name=f"FastRTC, {handler}, {way}", BENCH_HANDLER=handler)
            )
    return [*made, peers.bare()] if way == "WebRTC" else made


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--calls", type=int, default=120)
    args = parser.parse_args()
    report.title("P18: what an ended call leaves")
    python = peers.fastrtc_python(args)
    take_caller_core()
    browser.keep_ice_on_loopback()
    rows, judged = [], []
    for way in CALLS:
        for peer in contestants(args, python, way):
            report.progress(peer.name)
            with serving(peer) as server:
                readings, heard = asyncio.run(churn(server, way, args.calls))
            rows.append(summary(peer.name, readings, heard))
            if peer.name.startswith("rtstream"):
                judged.append((peer.name, readings))
    report.table(
        ("calls in sequence", "echoed", "KiB a call", "MiB", "threads", "tasks", "descriptors"), rows
    )
    for name, readings in judged:
        first, last, kib = readings[LEFT_OUT], readings[-1], slope(readings)
        more = [getattr(last, what) - getattr(first, what) for what in ("threads", "tasks", "descriptors")]
        report.verdict(
            f"P18 ({name})",
            f"≤ {TARGET_KIB} KiB, no thread, task or descriptor",
            f"{kib:+.1f} KiB; {', '.join(f'{n:+d}' for n in more)} in {last.calls - first.calls} calls",
            kib <= TARGET_KIB and max(more) <= 0,
        )


if __name__ == "__main__":
    main()
