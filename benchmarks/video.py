"""Row P10: three video streams, the handler of one of them slow; and an HTTP route beside them.

    python benchmarks/video.py [--streams 3] [--work 50] [--seconds 8] [--rounds 1]

640×480 VP8 at 30 frames a second; the callers report what comes, as browsers do. The first stream's
handler sleeps `--work` ms a frame, the others give each frame back at once; in the control run none
sleeps. Each frame carries its number, so its delay is known: from sending its last packet to the arrival of
the last packet of its echo.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import av
import httpx
import numpy as np
from aiortc.codecs.vpx import vp8_depayload
from harness import browser, peers, picture, report
from harness.processes import Program, serving, take_caller_core
from harness.seen import Watching

if TYPE_CHECKING:
    from harness.browser import Call

TICKS = 90_000 // picture.RATE
SKIPPED = 1.0  # seconds at the start that do not count
GROWTH = 1.15  # the second half may be so much later than the first before it counts as growing
UNMOVED = 1.25  # and the others' delay so many times that of the control run


@dataclass
class Echoes:
    """What came back of one stream, in seconds."""

    fps: float
    early: float  # delay, median of the first half
    late: float  # and of the second
    p99: float


@dataclass
class Run:
    """One server with all its streams."""

    streams: list[Echoes]
    cpu: float  # cores
    memory: float  # MiB that came on top
    pings: list[float] = field(default_factory=list)

    @property
    def ping(self) -> float:
        return float(np.percentile(self.pings, 95)) if self.pings else float("nan")


async def play(calls: list[Call], seconds: float) -> dict[str, list[tuple[int, float]]]:
    """Send the pictures; gives `(number, when it was sent)` of each, by call."""
    frames = picture.packets()
    sent: dict[str, list[tuple[int, float]]] = {call.id: [] for call in calls}
    begin = time.monotonic() + 0.05
    for tick in range(round(seconds * picture.RATE)):
        for place, call in enumerate(calls):
            due = begin + (tick + place / len(calls)) / picture.RATE
            if (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left)
            *others, last = frames[tick % picture.LOOP]
            for payload in others:
                call.send(payload, tick * TICKS)
            call.send(last, tick * TICKS, marker=True)
            sent[call.id].append((tick % picture.LOOP, time.monotonic()))
    return sent


def echoes(call: Call, sent: list[tuple[int, float]]) -> Echoes:
    """Read what came back of one call."""
    begin, end = sent[0][1] + SKIPPED, sent[-1][1]
    half = (begin + end) / 2
    found = [
        (at, at - said) for at, number in numbers(call) if (said := last_before(sent, number, at)) is not None
    ]
    counted = [(at, delay) for at, delay in found if begin <= at < end]
    delays = [delay for _, delay in counted]
    return Echoes(
        fps=len(counted) / (end - begin),
        early=report.middle([delay for at, delay in counted if at < half]),
        late=report.middle([delay for at, delay in counted if at >= half]),
        p99=float(np.percentile(delays, 99)) if delays else float("nan"),
    )


def numbers(call: Call) -> list[tuple[float, int]]:
    """`(arrival, number)` of each picture that came back and can be read."""
    decoder: Any = av.CodecContext.create("libvpx", "r")
    frames: dict[int, list[browser.Packet]] = {}
    for packet in call.packets():
        if packet.payload:
            frames.setdefault(packet.timestamp, []).append(packet)
    out = []
    for parts in frames.values():
        parts.sort(key=lambda packet: packet.sequence)
        data = b"".join(vp8_depayload(packet.payload) for packet in parts)
        try:
            pictures = decoder.decode(av.Packet(data))
        except av.FFmpegError:
            continue
        for frame in pictures:
            number = picture.number_of(frame.reformat(format="gray").to_ndarray())
            if number is not None:
                out.append((max(packet.arrived for packet in parts), number))
    return out


def last_before(sent: list[tuple[int, float]], number: int, moment: float) -> float | None:
    return max((at for said, at in sent if said == number and at <= moment), default=None)


async def ping(port: int, seconds: float) -> list[float]:
    """How long a route of the same app takes, asked ten times a second."""
    took = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            asked = time.monotonic()
            await client.get("/ping")
            took.append(time.monotonic() - asked)
            await asyncio.sleep(0.1)
    return took


async def measure(server: Program, streams: int, seconds: float, *, pinged: bool) -> Run:
    memory = server.memory()
    calls: list[Call] = [Watching() for _ in range(streams)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        for call in calls:
            await call.open(client)
    await asyncio.sleep(0.3)
    begin, cpu = time.monotonic(), server.cpu()
    pings = asyncio.create_task(ping(server.port, seconds)) if pinged else None
    sent = await play(calls, seconds)
    run = Run([], (server.cpu() - cpu) / (time.monotonic() - begin), (server.memory() - memory) / 1024)
    run.pings = await pings if pings is not None else []
    run.streams = [echoes(call, sent[call.id]) for call in calls]
    await asyncio.wait([asyncio.create_task(call.close()) for call in calls], timeout=5)
    return run


def contestants(args: argparse.Namespace) -> list[peers.Peer]:
    python = peers.fastrtc_python(args)
    made = []
    for name, work in ((f"first {args.work} ms", args.work), ("none slow", 0)):
        made.append(peers.ours("pictures", name=f"rtstream, {name}", BENCH_WORK=str(work)))
        if python is not None:
            made.append(peers.theirs(python, "pictures", name=f"FastRTC, {name}", BENCH_WORK=str(work)))
    return [*made, peers.bare()]


def main() -> None:
    parser = peers.parser(__doc__)
    parser.set_defaults(rounds=1)
    parser.add_argument("--streams", type=int, default=3)
    parser.add_argument("--work", type=int, default=50, help="ms that the first stream's handler sleeps")
    parser.add_argument("--seconds", type=float, default=8)
    args = parser.parse_args()
    report.title("P10: video")
    made = contestants(args)
    take_caller_core()
    browser.keep_ice_on_loopback()
    report.progress("drawing and encoding the pictures")
    picture.packets()
    for turn in range(args.rounds):
        runs = {}
        for peer in made:
            report.progress(f"round {turn + 1}: {peer.name}")
            with serving(peer) as server:
                run = asyncio.run(measure(server, args.streams, args.seconds, pinged=peer.app == "pictures"))
            runs[peer.name] = run
        show(runs)
        judge(runs[f"rtstream, first {args.work} ms"], runs["rtstream, none slow"], args.work / 1000)


def show(runs: dict[str, Run]) -> None:
    rows = []
    for name, run in runs.items():
        for place, stream in enumerate(run.streams):
            cells = (
                f"{stream.fps:.1f}",
                *(f"{1000 * value:.0f}" for value in (stream.early, stream.late, stream.p99)),
            )
            of_all = ("", "", "") if place else (f"{run.cpu:.2f}", f"{run.memory:+.0f}", report.ms(run.ping))
            rows.append((f"{name}: stream {place + 1}", *cells, *of_all))
    report.table(
        ("640×480, 30 fps", "fps", "delay ms, first half", "second half", "p99", "cores", "MiB", "route p95"),
        rows,
    )


def judge(slow: Run, control: Run, work: float) -> None:
    first, *others = slow.streams
    limit = work + 2 / picture.RATE
    grows = first.late > GROWTH * first.early
    report.verdict(
        "P10 (slow stream)",
        f"≤ {1000 * limit:.0f} ms (handler + 2 frames), not growing",
        f"{1000 * first.early:.0f} → {1000 * first.late:.0f} ms, {first.fps:.1f} fps",
        first.late <= limit and not grows,
    )
    calm = report.middle([stream.late for stream in control.streams])
    worst = max((stream.late for stream in others), default=float("nan"))
    rate = min((stream.fps for stream in others), default=float("nan"))
    report.verdict(
        "P10 (the others)",
        f"unmoved: ≥ 29 fps, delay ≤ {UNMOVED} × that with none slow",
        f"{rate:.1f} fps, {1000 * worst:.0f} ms against {1000 * calm:.0f} ms",
        rate >= 29 and worst <= UNMOVED * calm,
    )


if __name__ == "__main__":
    main()
