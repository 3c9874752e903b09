"""Row P5: what one connection costs a server while nothing happens on it.

    python benchmarks/idle.py [--seconds 10] [--rounds 3] [--vad silero_vad.onnx]

"idle" is a WebRTC call that is connected and sends nothing; "silence" sends 50 packets of Opus silence
a second, so it also holds what aiortc takes to decode and encode; "phone" is a telephone call that has
started and sends nothing. `sync` is the documented echo, whose `emit` waits in a queue; `polling` is an
`emit` that gives None when there is nothing, which is how FastRTC's ReplyOnPause is asked; `reply` is a
ReplyOnPause.
"""

from __future__ import annotations

import argparse
import asyncio

import httpx
from harness import browser, peers, report
from harness.browser import Call
from harness.processes import Program, serving, take_caller_core
from harness.telephone import Caller

TARGET = 0.01
SETTLE = 1.5
WAYS = ("idle", "silence", "phone")


async def over_webrtc(server: Program, seconds: float, *, silence: bool) -> float:
    call = Call()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        await call.open(client)

    async def pass_time(length: float) -> None:
        await (call.talk(length, browser.opus("silence")) if silence else asyncio.sleep(length))

    await pass_time(SETTLE)
    before = server.cpu()
    await pass_time(seconds)
    used = server.cpu() - before
    await call.close()
    return used / seconds


async def over_phone(server: Program, seconds: float) -> float:
    caller = Caller(server.port)
    await asyncio.sleep(SETTLE)
    before = server.cpu()
    await asyncio.sleep(seconds)
    used = server.cpu() - before
    caller.hang_up()
    return used / seconds


async def measure(server: Program, seconds: float, ways: tuple[str, ...]) -> list[float]:
    """Cores: of the server alone, and what a connection of each way adds."""
    await over_webrtc(server, 0.5, silence=True)  # what is only done once
    await asyncio.sleep(1)
    before = server.cpu()
    await asyncio.sleep(seconds)
    rest = (server.cpu() - before) / seconds
    found = [rest]
    for way in ways:
        if way == "phone":
            found.append(await over_phone(server, seconds))
        else:
            found.append(await over_webrtc(server, seconds, silence=way == "silence"))
        await asyncio.sleep(1)
    return found


def contestants(args: argparse.Namespace) -> list[peers.Peer]:
    python = peers.fastrtc_python(args)
    made = []
    for handler in ("sync", "polling", "async"):
        made.append(peers.ours("echo", name=f"rtstream, {handler}", BENCH_HANDLER=handler))
        if python is not None:
            made.append(peers.theirs(python, "echo", name=f"FastRTC, {handler}", BENCH_HANDLER=handler))
    made.append(peers.ours("reply", name="rtstream, reply"))
    if python is not None and (model := peers.vad(args, python)) is not None:
        made.append(peers.theirs(python, "reply", name="FastRTC, reply", BENCH_VAD=model))
    return [*made, peers.bare()]


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    peers.add_vad(parser)
    args = parser.parse_args()
    report.title("P5: an idle connection")
    made = contestants(args)
    take_caller_core()
    browser.keep_ice_on_loopback()
    found: dict[str, list[list[float]]] = {peer.name: [] for peer in made}
    for turn in range(args.rounds):
        for peer in made:
            report.progress(f"round {turn + 1}: {peer.name}")
            ways = WAYS[:2] if peer.app == "aiortc_echo" else WAYS
            with serving(peer) as server:
                found[peer.name].append(asyncio.run(measure(server, args.seconds, ways)))
    middles = {
        name: [report.middle(column) for column in zip(*rows, strict=True)] for name, rows in found.items()
    }
    report.table(
        ("cores of the server", "no call", *WAYS),
        (
            (name, *(f"{value:.4f}" for value in row), *["–"] * (4 - len(row)))
            for name, row in middles.items()
        ),
    )
    for handler in ("sync", "polling", "reply"):
        idle = middles[f"rtstream, {handler}"][1]
        report.verdict(f"P5 ({handler} handler)", f"≤ {TARGET} core", f"{idle:.4f} core", idle <= TARGET)


if __name__ == "__main__":
    main()
