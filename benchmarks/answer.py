"""Row P4: from POST of an offer to its answer, and on to the first echoed packet.

    python benchmarks/answer.py [--calls 12] [--rounds 3]

The caller is aiortc on the same machine, with a new HTTP connection for each call, and made not to look for
its ICE pair every 20 ms, so that the times after the answer are the server's. The first call to each server,
which loads what is loaded late, is told apart.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass, field

import httpx
from harness import browser, peers, report
from harness.browser import Call
from harness.processes import Program, serving, take_caller_core

TARGET, TARGET_ECHO = 0.010, 0.015


@dataclass
class Row:
    """What was measured of one server, in seconds after the POST."""

    answer: list[float] = field(default_factory=list)
    connected: list[float] = field(default_factory=list)
    echo: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)  # the first call of a server: POST to answer
    cpu: list[float] = field(default_factory=list)
    failed: int = 0


async def call(port: int) -> Call:
    made = Call(hurry=True)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        await made.open(client)
    await made.talk(3.0, browser.opus(), until_echo=True)
    await made.close()
    return made


async def measure(server: Program, calls: int, row: Row) -> None:
    first = await call(server.port)
    row.first.append(first.times.answered - first.times.posted)
    cpu = server.cpu()
    for _ in range(calls):
        try:
            times = (await call(server.port)).times
        except (ConnectionError, TimeoutError, httpx.HTTPError):
            row.failed += 1
            continue
        row.answer.append(times.answered - times.posted)
        row.connected.append(times.connected - times.posted)
        if times.echoed:
            row.echo.append(times.echoed - times.posted)
        await asyncio.sleep(0.05)
    row.cpu.append((server.cpu() - cpu) / calls)


def contestants(args: argparse.Namespace) -> list[peers.Peer]:
    made = [peers.ours("echo")]
    if (python := peers.fastrtc_python(args)) is not None:
        made.append(peers.theirs(python, "echo"))
    return [*made, peers.bare()]


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--calls", type=int, default=12)
    args = parser.parse_args()
    report.title("P4: offer to answer")
    made = contestants(args)
    rows = {peer.name: Row() for peer in made}
    take_caller_core()
    browser.keep_ice_on_loopback()
    browser.opus()
    for turn in range(args.rounds):
        for peer in made:
            report.progress(f"round {turn + 1}: {peer.name}")
            with serving(peer) as server:
                asyncio.run(measure(server, args.calls, rows[peer.name]))
    report.table(
        (
            "ms after POST, medians",
            "answer",
            "slowest",
            "server's first",
            "connected",
            "first echo",
            "CPU ms a call",
            "calls",
            "failed",
        ),
        (
            (
                name,
                *(
                    f"{1000 * value:.1f}"
                    for value in (
                        report.middle(row.answer),
                        max(row.answer, default=0.0),
                        report.middle(row.first),
                        report.middle(row.connected),
                        report.middle(row.echo),
                        report.middle(row.cpu),
                    )
                ),
                len(row.answer),
                row.failed,
            )
            for name, row in rows.items()
        ),
    )
    ours = report.middle(rows["rtstream"].answer)
    report.verdict("P4 (answer)", f"≤ {report.ms(TARGET)}", report.ms(ours), ours <= TARGET)
    echo = report.middle(rows["rtstream"].echo)
    report.verdict("P4 (echo)", f"≤ {report.ms(TARGET_ECHO)}", report.ms(echo), echo <= TARGET_ECHO)


if __name__ == "__main__":
    main()
