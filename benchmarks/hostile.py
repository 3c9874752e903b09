"""Row R7: 50,000 datagrams of a stranger, and the calls whose sockets they are sent to.

    python benchmarks/hostile.py [--calls 10] [--datagrams 50000] [--rate 2000]

Each call of an echo gets its share of what `tests/helpers/hostile.py` makes: empty ones, each single byte,
garbled and unsolicited STUN, DTLS, SCTP, RTP and RTCP, too large ones, and noise. A call is lost when less
than half of its sound comes back in the second after the last of them.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from harness import browser, peers, report
from harness.browser import Call
from harness.processes import Program, serving, take_caller_core

MOST_LINES = 5  # of the server's log
AFTER = 1.0


async def attack(calls: list[Call], args: argparse.Namespace) -> float:
    """Send each call its share, all beside each other; how many seconds it took."""
    from tests.helpers.hostile import hostile

    begun, sent = time.monotonic(), 0
    each = args.datagrams // len(calls)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number, data in enumerate(hostile(each)):
            if number == each:
                break
            for call in calls:
                stranger.sendto(data, call.far_end)
                sent += 1
            await asyncio.sleep(max(0.0, begun + sent / args.rate - time.monotonic()))
    return time.monotonic() - begun


async def run(server: Program, args: argparse.Namespace) -> tuple[int, tuple[Any, ...]]:
    """How many calls were lost, and the row that tells of it."""
    calls = [Call() for _ in range(args.calls)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as http:
        for call in calls:
            await call.open(http)
    talking = [asyncio.create_task(call.talk(1e9, browser.opus())) for call in calls]
    await asyncio.sleep(2)
    lines, before, cpu = (
        len(server.words().splitlines()),
        [call.packets_heard for call in calls],
        server.cpu(),
    )
    took = await attack(calls, args)
    cpu = server.cpu() - cpu
    during = [call.packets_heard - count for call, count in zip(calls, before, strict=True)]
    marks = [call.packets_heard for call in calls]
    await asyncio.sleep(AFTER)
    back = [call.packets_heard - mark for call, mark in zip(calls, marks, strict=True)]
    lost = sum(count < AFTER / browser.STEP / 2 for count in back)
    lines = len(server.words().splitlines()) - lines
    for task in talking:
        task.cancel()
    for call in calls:
        await call.close()
    heard = f"{min(during) / took:.1f} – {max(during) / took:.1f}"
    return lost, (f"{lost} of {len(calls)}", heard, lines, f"{cpu / took:.2f}")


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--datagrams", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=2000, help="datagrams a second")
    args = parser.parse_args()
    sys.path.append(str(Path(__file__).parent.parent))  # the datagrams are those of the tests
    report.title("R7: hostile datagrams")
    made = [
        peers.ours("echo"),
        peers.ours("echo", name="rtstream, aiortc's path", RTSTREAM_MEDIA_PATH="aiortc"),
    ]
    made.append(peers.bare())
    if (python := peers.fastrtc_python(args)) is not None:
        made.append(peers.theirs(python, "echo"))
    take_caller_core()
    browser.keep_ice_on_loopback()
    browser.opus()
    results: dict[str, tuple[int, tuple[Any, ...]]] = {}
    for peer in made:
        report.progress(peer.name)
        with serving(peer) as server:
            results[peer.name] = asyncio.run(run(server, args))
    report.table(
        (f"{args.datagrams:,} datagrams", "calls lost", "packets back a second", "lines of log", "cores"),
        [(name, *row) for name, (_, row) in results.items()],
    )
    lost, row = results["rtstream"]
    report.verdict(
        "R7",
        f"no call lost, ≤ {MOST_LINES} lines",
        f"{row[0]} calls, {row[2]} lines",
        lost == 0 and row[2] <= MOST_LINES,
    )


if __name__ == "__main__":
    main()
