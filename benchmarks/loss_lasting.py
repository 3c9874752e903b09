"""Row R10: calls through a network that loses 30 % of everything, from the first datagram on.

    python benchmarks/loss_lasting.py [--calls 20] [--loss 30] [--seconds 60] [--ours]

Each call connects through the relay of `harness/network.py`, which loses STUN, DTLS, SCTP, RTP and RTCP
alike, both ways; then it talks, and sends a text of 50 characters twenty times a second on its data channel,
which the server answers. The texts end 10 s before the call. The client is aiortc, with its DTLS and SCTP.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Any

import httpx
from harness import browser, peers, report
from harness.browser import Call
from harness.network import Network, Relay
from harness.processes import Program, serving, take_caller_core

SOON, ENOUGH = 15.0, 0.95  # seconds until a call stands, and of how many calls
TEXTS_A_SECOND, PATIENCE = 20, 10.0  # seconds for the last texts


@dataclass
class Outcome:
    """How one call went: seconds until it stood (None: never), whether it stood at the end, and its texts."""

    took: float | None
    lasted: bool = False
    sent: int = 0
    answered: int = 0


async def one(server: Program, number: int, args: argparse.Namespace) -> Outcome:
    call = Call(relay=Relay(Network("", args.loss / 100), seed=10 * number))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as http:
        try:
            await call.open(http)
        except (ConnectionError, TimeoutError):
            await call.close()
            return Outcome(None)
    outcome = Outcome(call.times.connected - call.times.answered)
    until = time.monotonic() + args.seconds
    texts = asyncio.create_task(write(call, until - PATIENCE, outcome))
    await call.talk(args.seconds, browser.opus())
    await texts
    outcome.lasted = call.live
    outcome.answered = sum("Server received: text" in text for text in call.texts)
    await call.close()
    return outcome


async def write(call: Call, until: float, outcome: Outcome) -> None:
    while time.monotonic() < until and call.live:
        if call.channel.readyState == "open":
            with contextlib.suppress(ConnectionError):  # it has gone, and not yet said so
                call.channel.send(f"text {outcome.sent:6} ".ljust(50, "."))
                outcome.sent += 1
        await asyncio.sleep(1 / TEXTS_A_SECOND)


async def all_of_them(server: Program, args: argparse.Namespace) -> list[Outcome]:
    return list(await asyncio.gather(*(one(server, number, args) for number in range(args.calls))))


def row(name: str, outcomes: list[Outcome]) -> tuple[Any, ...]:
    took = sorted(each.took for each in outcomes if each.took is not None)
    return (
        name,
        f"{sum(each <= SOON for each in took)} of {len(outcomes)}",
        f"{report.middle(took):.1f} s",
        f"{took[-1]:.1f} s" if took else "–",
        f"{sum(each.lasted for each in outcomes)} of {len(took)}",
        f"{share(outcomes):.1f} %",
        f"{sum(bool(each.sent) and each.answered == each.sent for each in outcomes)} of {len(took)}",
    )


def share(outcomes: list[Outcome]) -> float:
    return 100 * sum(each.answered for each in outcomes) / max(1, sum(each.sent for each in outcomes))


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--loss", type=float, default=30, help="percent")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--ours", action="store_true", help="rtstream alone")
    args = parser.parse_args()
    report.title(f"R10: calls at {args.loss:g} % loss")
    made = [peers.ours("hearing")]
    if not args.ours:
        made.append(peers.bare("aiortc_hearing"))
        if (python := peers.fastrtc_python(args)) is not None:
            made.append(peers.theirs(python, "hearing"))
    take_caller_core()
    browser.keep_ice_on_loopback()
    browser.opus()
    rows, results = [], {}
    for peer in made:
        report.progress(peer.name)
        with serving(peer) as server:
            results[peer.name] = asyncio.run(all_of_them(server, args))
        rows.append(row(peer.name, results[peer.name]))
        report.progress(", ".join(map(str, rows[-1])))
    titles = ("stand in 15 s", "median", "longest", "stand at the end", "texts answered", "calls with all")
    report.table((f"{args.calls} calls, {args.loss:g} % lost", *titles), rows)
    ours = results["rtstream"]
    stood = sum(each.took is not None and each.took <= SOON for each in ours)
    met = (
        stood >= ENOUGH * len(ours) and all(each.lasted for each in ours if each.took) and share(ours) == 100
    )
    report.verdict(
        "R10",
        f"{ENOUGH:.0%} stand in {SOON:g} s, all of them at the end, all texts within {PATIENCE:g} s",
        f"{stood} of {len(ours)}, {rows[0][4]}, {share(ours):.1f} %",
        met,
    )


if __name__ == "__main__":
    main()
