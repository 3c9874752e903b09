"""Row P13: what a live call costs that is answered by turns, and an idle one beside an idle echo.

    python benchmarks/turns_cost.py [--seconds 10] [--rounds 3] [--vad silero_vad.onnx]

- idle: a call that is connected and sends nothing
- silence: one that sends silence, 50 packets a second
- speech: one in which somebody reads a novel without a pause (Debian's pocketsphinx-testdata)
- talk: short phrases with silence after each, as in turns_delay.py, and replies of half a second

The figures are cores of the server, less what it takes without a call. An async echo beside it tells what the
transport itself costs: it hears the same, and sends back whatever it hears. One call alone finds the caches
cold 50 times a second; `--calls 10` tells what each of ten takes, which begin their phrases together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import httpx
import numpy as np
from harness import browser, lines, peers, report, speech
from harness.browser import Call
from harness.processes import Program, serving, take_caller_core

if TYPE_CHECKING:
    from harness.speech import Samples

SPEAKING, SILENT, IDLE = 0.05, 0.02, 1.3
SETTLE = 1.5
TOLERANCE = 0.001  # cores: below that an idle server is busy with itself, and a ratio says nothing
WAYS = ("WebRTC", "WebSocket", "phone")


def sounds(seconds: float) -> dict[str, Samples | None]:
    """What is said in each call, at 16 kHz; None for nothing, not even silence."""
    length = round((SETTLE + seconds) * speech.RATE)
    said = {"speech": speech.monologue(), "talk": speech.talk(2.0, 0.5).sound}
    repeated = {name: np.resize(sound, length) for name, sound in said.items()}
    return {"idle": None, "silence": np.zeros(length, np.int16), **repeated}


# The ways to call: each gives the seconds of CPU that the server took from `SETTLE` on.


async def over_webrtc(server: Program, said: Samples | None, seconds: float, count: int) -> float:
    calls = [Call() for _ in range(count)]
    packets = [] if said is None else browser.coded(speech.resampled(said, speech.RATE, 48000))

    async def pass_time(packets: list[bytes], seconds: float) -> None:
        if packets:
            await asyncio.gather(*(call.talk(seconds, packets) for call in calls))
        else:
            await asyncio.sleep(seconds)

    base_url = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
        for call in calls:
            await call.open(client)
    settled = round(SETTLE / browser.STEP)
    await pass_time(packets[:settled], SETTLE)
    before = server.cpu()
    await pass_time(packets[settled:], seconds)
    used = server.cpu() - before
    await asyncio.gather(*(call.close() for call in calls))
    return used


def over_socket(
    kind: type[lines.Line], server: Program, said: Samples | None, seconds: float, count: int
) -> float:
    sound = np.zeros(speech.RATE, np.int16) if said is None else said
    payloads = lines.payloads(speech.resampled(sound, speech.RATE, kind.rate), kind.rate)
    calls = [kind(server.port, payloads) for _ in range(count)]
    pass_time: Callable[[float], None] = time.sleep if said is None else partial(lines.talk, calls)
    pass_time(SETTLE)
    before = server.cpu()
    pass_time(seconds)
    used = server.cpu() - before
    for call in calls:
        call.hang_up()
    return used


def used(way: str, server: Program, said: Samples | None, seconds: float, calls: int = 1) -> float:
    """Cores that each of so many calls takes."""
    if way == "WebRTC":
        took = asyncio.run(over_webrtc(server, said, seconds, calls))
    else:
        kind = lines.Program if way == "WebSocket" else lines.Telephone
        took = over_socket(kind, server, said, seconds, calls)
    return took / seconds / calls


def measure(
    way: str, server: Program, said: dict[str, Samples | None], seconds: float, calls: int
) -> list[float]:
    """Cores: of the server alone, and what each call of a kind adds."""
    used(way, server, said["talk"], 6.0)  # what is only done once
    time.sleep(1)
    before = server.cpu()
    time.sleep(seconds)
    rest = (server.cpu() - before) / seconds
    found = [rest]
    for sound in said.values():
        found.append(used(way, server, sound, seconds, calls) - rest / calls)
        time.sleep(1)
    return found


def contestants(python: str | None, vad: str | None) -> Iterator[peers.Peer]:
    yield peers.ours("reply", name="ReplyOnPause")
    yield peers.ours("echo", name="async echo", BENCH_HANDLER="async", BENCH_RATE="24000")
    if python is not None and vad is not None:
        yield peers.theirs(python, "reply", name="FastRTC, ReplyOnPause", BENCH_VAD=vad)
        yield peers.theirs(
            python, "echo", name="FastRTC, async echo", BENCH_HANDLER="async", BENCH_RATE="24000"
        )


def judge(way: str, reply: dict[str, float], echo: dict[str, float]) -> None:
    for what, most in (("speech", SPEAKING), ("talk", SPEAKING), ("silence", SILENT)):
        measured = reply[what]
        report.verdict(f"P13 ({way}, {what})", f"≤ {most} core", f"{measured:.3f} core", measured <= most)
    ours, theirs = (max(each["idle"], 0.0) + TOLERANCE for each in (reply, echo))
    figures = f"{ours / theirs:.2f} × ({reply['idle']:.4f} core)"
    report.verdict(f"P13 ({way}, idle)", f"≤ {IDLE} × an idle async echo", figures, ours / theirs <= IDLE)


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--calls", type=int, default=1, help="at once; the figures are those of each")
    parser.add_argument("--ways", default=",".join(WAYS))
    peers.add_vad(parser)
    args = parser.parse_args()
    report.title("P13: what a conversation costs")
    python = peers.fastrtc_python(args)
    made = list(contestants(python, peers.vad(args, python)))
    said = sounds(args.seconds)
    take_caller_core()
    browser.keep_ice_on_loopback()
    columns = ("no call", *said)
    for way in args.ways.split(","):
        found: dict[str, list[list[float]]] = {peer.name: [] for peer in made}
        for turn in range(args.rounds):
            for peer in made:
                report.progress(f"round {turn + 1}: {way}, {peer.name}")
                with serving(peer) as server:
                    found[peer.name].append(measure(way, server, said, args.seconds, args.calls))
        middles = {
            name: dict(zip(columns, map(report.middle, zip(*rows, strict=True)), strict=True))
            for name, rows in found.items()
        }
        report.table(
            (f"cores, {way}, {args.calls} at once", *columns),
            ((name, *(f"{value:.4f}" for value in row.values())) for name, row in middles.items()),
        )
        judge(way, middles["ReplyOnPause"], middles["async echo"])


if __name__ == "__main__":
    main()
