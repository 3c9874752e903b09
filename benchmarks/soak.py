"""Twenty calls of mixed clients for ten minutes: delay does not grow, memory is flat, clocks may differ.

    python benchmarks/soak.py [--seconds 600] [--minute 60] [--clients chromium:3,firefox:2,wrtc:4,...]

Each client says the scene of `harness/sound.py` and finds its bursts in the echo. Tabs of both browsers use
the stream's own page, with the scene as their microphone; `wrtc` is npm's @roamhq/wrtc (libwebrtc) in node;
`aiortc` has nothing on top; `pyav` sends what PyAV reads from a file; `fast` and `slow` have a clock that is
200 ppm off. The last two, `fed-fast` and `fed-slow`, are spoken to by a handler that always has something to
say: what counts is how much of that lies unplayed by their clock.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from harness import browser, foreign, mixed, peers, report, voices
from harness.mixed import Client, Skewed
from harness.processes import Program, serving

CLIENTS = "chromium:3,firefox:2,wrtc:4,aiortc:4,pyav:3,fast:1,slow:1,fed-fast:1,fed-slow:1"
PPM = 200
GROWTH, FED, MEMORY, DRIFT = 0.020, 0.020, 1.0, 25.0  # seconds, seconds, MiB, ppm
SETTLING = 2  # minutes until browsers have found their buffers and the server its caches
STILL = 1.0  # seconds

Made = dict[str, Callable[[int], list[Client]]]


def kinds(folder: Path, seconds: float) -> Made:
    """How clients of each kind are made; a kind that cannot be had is missing."""

    def from_file(number: int) -> Client:
        if not (path := folder / "scene.ogg").exists():
            mixed.write_scene(path, seconds + 60)
        return mixed.Aiortc(f"PyAV {number + 1}", path)

    made: Made = {
        "aiortc": lambda count: [mixed.Aiortc(f"aiortc {number + 1}") for number in range(count)],
        "pyav": lambda count: [from_file(number) for number in range(count)],
        "fast": lambda count: [Skewed(PPM) for _ in range(count)],
        "slow": lambda count: [Skewed(-PPM) for _ in range(count)],
        "fed-fast": lambda count: [Skewed(PPM, "source") for _ in range(count)],
        "fed-slow": lambda count: [Skewed(-PPM, "source") for _ in range(count)],
    }
    if shutil.which("chromium"):
        made["chromium"] = lambda count: [foreign.chromium(count)]
    if shutil.which("firefox-esr") and shutil.which("pulseaudio"):
        made["firefox"] = lambda count: [foreign.firefox(count)]
    if (module := foreign.wrtc()) is not None and (node := foreign.node()) is not None:
        made["wrtc"] = lambda count: [foreign.Wrtc(count, module, node)]
    return made


def chosen(wanted: str, made: Made) -> list[Client]:
    """The clients of a list such as `aiortc:4,pyav`; what cannot be had is said."""
    clients: list[Client] = []
    for word in wanted.split(","):
        kind, _, count = word.partition(":")
        if kind in made:
            clients += made[kind](int(count or 1))
        else:
            report.note(f"{kind}: skipped (see benchmarks/README.md for what it needs)")
    return clients


class Stalls:
    """For how long the callers stood still at the longest: what happens then is not the server's doing."""

    def __init__(self) -> None:
        self._longest, self._at = 0.0, time.monotonic()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            self._look()

    def taken(self) -> float:
        """The longest since this was asked last."""
        self._look()
        longest, self._longest = self._longest, 0.0
        return longest

    def _look(self) -> None:
        now = time.monotonic()
        self._longest, self._at = max(self._longest, now - self._at), now


class Watch:
    """What the server took, and what it told, at the end of each minute."""

    def __init__(self, server: Program) -> None:
        self._server, self._url = server, f"http://127.0.0.1:{server.port}"
        self._cpu, self._at = server.cpu(), time.monotonic()
        self._stalls = Stalls()
        self._watching = asyncio.create_task(self._stalls.run())
        self.stalls: list[float] = []
        self.memory: list[float] = []  # MiB
        self.cores: list[float] = []
        self.tasks: list[int] = []
        self.told: dict[str, dict[str, float]] = {}

    async def look(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, trust_env=False, timeout=30) as http:
            self.tasks.append((await http.get("/leftovers")).json()["tasks"])
            self.told = (await http.get("/told")).json()
        cpu, at = self._server.cpu(), time.monotonic()
        self.memory.append(self._server.memory() / 1024)
        self.cores.append((cpu - self._cpu) / (at - self._at))
        self._cpu, self._at = cpu, at
        self.stalls.append(self._stalls.taken())

    def end(self) -> None:
        self._watching.cancel()

    def settled(self, row: Sequence[float]) -> list[float]:
        """What counts of a row: the minutes after the first ones, without those in which all stood still."""
        still = [stall > STILL for stall in self.stalls]
        kept = [value for value, stood in zip(row[SETTLING:], still[SETTLING:], strict=True) if not stood]
        return kept or list(row[-1:])


async def call(server: Program, clients: Sequence[Client], args: Any) -> tuple[list[mixed.Minute], Watch]:
    """Let all call for so long; when the minutes were, and what the server did in them."""
    for client in clients:
        await client.open(f"http://127.0.0.1:{server.port}")
    report.progress("all are connected")
    minutes, watch = [], Watch(server)
    for number in range(round(args.seconds / args.minute)):
        begun = time.monotonic()
        listening = [asyncio.create_task(client.listen()) for client in clients]
        await asyncio.sleep(args.minute)
        await asyncio.gather(*listening)
        await watch.look()
        minutes.append((begun, time.monotonic()))
        report.progress(f"minute {number + 1}: {watch.memory[-1]:.1f} MiB, load {os.getloadavg()[0]:.1f}")
    watch.end()
    for client in clients:
        await client.close()
    return minutes, watch


def tables(delays: dict[str, list[float]], watch: Watch) -> None:
    numbers = range(1, len(watch.memory) + 1)
    report.table(
        ("delay in minute, ms", *map(str, numbers)),
        [(name, *(f"{1000 * each:.0f}" for each in row)) for name, row in delays.items()],
    )
    report.table(
        ("the server in minute", *map(str, numbers)),
        [
            ("MiB", *(f"{each:.1f}" for each in watch.memory)),
            ("cores", *(f"{each:.2f}" for each in watch.cores)),
            ("tasks", *watch.tasks),
            ("callers stood still, ms", *(f"{1000 * each:.0f}" for each in watch.stalls)),
        ],
    )


def growth(settled: Sequence[float]) -> float:
    """By how much a delay has grown since it settled."""
    known = [value for value in settled if not math.isnan(value)]
    half = (len(known) + 1) // 2
    return report.middle(known[-half:]) - report.middle(known[:half])


def verdicts(delays: dict[str, list[float]], watch: Watch, clients: Sequence[Client]) -> None:
    for what, limit, rows in (
        ("delay of echoes", GROWTH, {n: row for n, row in delays.items() if "source" not in n}),
        ("sound that lies unplayed", FED, {n: row for n, row in delays.items() if "source" in n}),
    ):
        if rows:
            grew = {name: growth(watch.settled(row)) for name, row in rows.items()}
            worst = max(grew, key=lambda name: math.inf if math.isnan(grew[name]) else grew[name])
            said = f"{1000 * grew[worst]:+.0f} ms ({worst})"
            report.verdict(f"soak, {what}", f"grows ≤ {1000 * limit:.0f} ms", said, grew[worst] <= limit)
    settled = watch.settled(watch.memory)
    grown = settled[-1] - settled[0]
    report.verdict("soak, memory", f"grows ≤ {MEMORY:g} MiB", f"{grown:+.2f} MiB", grown <= MEMORY)
    skewed = [client for client in clients if isinstance(client, Skewed)]
    off = {c.name: 1e6 * (watch.told[c.caller.call.id]["drift"] - (c.faster - 1)) for c in skewed}
    known = all(watch.told[client.caller.call.id]["drift"] for client in skewed)
    if skewed:
        told = ", ".join(f"{name}: {error:+.0f} ppm off" for name, error in off.items())
        met = max(map(abs, off.values())) <= DRIFT if known else None
        report.verdict("soak, drift", f"told to {DRIFT:g} ppm", told, met)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--minute", type=float, default=60, help="seconds of a minute, for a short look")
    parser.add_argument("--clients", default=CLIENTS)
    args = parser.parse_args()
    sys.path.append(str(foreign.ROOT))  # the drivers of the browsers are those of the tests
    report.title("Mixed clients for a long time")
    browser.keep_ice_on_loopback()
    voices.packets()
    with tempfile.TemporaryDirectory() as folder:
        clients = chosen(args.clients, kinds(Path(folder), args.seconds))
        with serving(peers.ours("soak")) as server:
            minutes, watch = asyncio.run(call(server, clients, args))
    delays = {name: row for client in clients for name, row in client.delays(minutes).items()}
    tables(delays, watch)
    verdicts(delays, watch, clients)


if __name__ == "__main__":
    main()
