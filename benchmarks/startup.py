"""Rows P7 and P8: what `rtstream --help`, `import rtstream` and the start of a server take.

    python benchmarks/startup.py [--rounds 7]

Fresh processes, taken in turn; the first round, which fills the disk cache, does not count. Help is
compared with a typer program that does nothing, both with panels and colours as on a terminal, and
both plain. "listening" is the first answered `GET /`, "Ready" the word on the terminal, after a whole
synthetic call has gone through the handler.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import peers, report
from harness.processes import HERE, Program, free_port, start

HEAVY = ("gradio", "aiortc", "av", "numpy")
HELP, IMPORT, LISTENING, READY, MEMORY = 1.15, 0.1, 0.5, 1.2, 90.0
SERVERS = HERE / "servers"
RTSTREAM = str(Path(sys.executable).parent / "rtstream")

LOADED = f"""
import contextlib, json, os, sys
before = sys.argv[1:]
sys.argv = ["rtstream", "--help"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(open(os.devnull, "w")):
    if before == ["help"]:
        from rtstream_cli.app import run
        run()
    else:
        import rtstream
print(json.dumps([[name for name in {HEAVY!r} if name in sys.modules], len(sys.modules)]))
"""


@dataclass
class Cost:
    """One program, started again and again."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, command: Sequence[str], *, panels: bool) -> None:
        begin = time.perf_counter()
        env = {**os.environ, "FORCE_COLOR" if panels else "NO_COLOR": "1", "COLUMNS": "100"}
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        self.wall.append(time.perf_counter() - begin)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}")
        self.cpu.append(used.ru_utime + used.ru_stime)


def programs(python: str | None) -> dict[str, list[str]]:
    ours, bare = sys.executable, str(SERVERS / "typer_app.py")
    made = {
        "bare interpreter": [ours, "-c", "pass"],
        "typer, help in panels": [ours, bare, "--help"],
        "rtstream --help, panels": [RTSTREAM, "--help"],
        "typer, plain help": [ours, bare, "--plain", "--help"],
        "rtstream --help, plain": [RTSTREAM, "--help"],
        "import rtstream": [ours, "-c", "import rtstream"],
        "from rtstream import Stream": [ours, "-c", "from rtstream import Stream"],
        "import aiortc": [ours, "-c", "import aiortc"],
    }
    if python is not None:
        made["import fastrtc"] = [python, "-c", "import fastrtc"]
    return made


def short(args: argparse.Namespace, python: str | None) -> None:
    """P7: programs that end by themselves."""
    made = programs(python)
    costs = {name: Cost() for name in made}
    for turn in range(args.rounds + 1):
        report.progress(f"help and imports, round {turn}")
        for name, command in made.items():
            (costs[name] if turn else Cost()).add(command, panels="panels" in name)
    report.table(
        ("fresh process, medians", "wall ms", "CPU ms"),
        (
            (name, *(f"{1000 * report.middle(each):.1f}" for each in (cost.wall, cost.cpu)))
            for name, cost in costs.items()
        ),
    )
    for form, ours, bare in (
        ("panels", "rtstream --help, panels", "typer, help in panels"),
        ("plain", "rtstream --help, plain", "typer, plain help"),
    ):
        ratio = least(costs[ours]) / least(costs[bare])
        report.verdict(f"P7 (help, {form})", f"≤ {HELP} × typer's own", f"{ratio:.2f} ×", ratio <= HELP)
    for what in ("help", "import"):
        heavy, count = json.loads(subprocess.check_output([sys.executable, "-c", LOADED, what]))
        report.verdict(
            f"P7 (loaded by {what})",
            f"none of {', '.join(HEAVY)}",
            f"{', '.join(heavy) or 'none'}; {count} modules",
            not heavy,
        )
    if python is not None:
        share = report.middle(costs["import rtstream"].cpu) / report.middle(costs["import fastrtc"].cpu)
        report.verdict("P7 (import)", f"≤ {IMPORT} × FastRTC's", f"{share:.3f} ×", share <= IMPORT)


def least(cost: Cost) -> float:
    """The quickest run: what else goes on on the machine can only add."""
    return min(cost.cpu)


@dataclass
class Launch:
    """One server, started again and again."""

    command: list[str]
    path: str = "/"
    word: str | None = None
    listening: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def add(self, *, counts: bool) -> None:
        port = free_port()
        begin = time.perf_counter()
        program = start([*self.command, "--port", str(port)], port, cwd=SERVERS)
        try:
            listening = until_answered(program, self.path) - begin
            ready = until_said(program, self.word) - begin if self.word else listening
            if counts:
                self.listening.append(listening)
                self.ready.append(ready)
                self.memory.append(program.memory() / 1024)
        finally:
            program.stop()


def until_answered(program: Program, path: str) -> float:
    """When the server first answered a GET with a status that is no server error."""
    while program.process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=30)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return time.perf_counter()
        time.sleep(0.003)
    raise RuntimeError(f"the server ended:\n{program.words()[-2000:]}")


def until_said(program: Program, word: str) -> float:
    """When the server first wrote a word."""
    while program.process.poll() is None:
        if word in program.words():
            return time.perf_counter()
        time.sleep(0.003)
    raise RuntimeError(f"the server ended:\n{program.words()[-2000:]}")


def launches(python: str | None) -> dict[str, Launch]:
    host = str(HERE / "harness" / "host.py")
    made = {
        "rtstream serve": Launch([RTSTREAM, "serve", "handlers.py:AsyncEcho"], word="Ready"),
        "rtstream mounted on FastAPI": Launch([sys.executable, host, "echo"], path="/docs"),
        "aiortc and FastAPI": Launch([sys.executable, host, "aiortc_echo"], path="/docs"),
    }
    if python is not None:
        made["FastRTC mounted on FastAPI"] = Launch([python, host, "echo"], path="/docs")
    return made


def servers(args: argparse.Namespace, python: str | None) -> None:
    """P8: from the start of the process."""
    made = launches(python)
    for turn in range(args.rounds + 1):
        report.progress(f"servers, round {turn}")
        for name, launch in made.items():
            os.environ["BENCH_ENGINE"] = "fastrtc" if name.startswith("FastRTC") else "rtstream"
            launch.add(counts=turn > 0)
    report.table(
        ("from the start of the process, medians", "listening ms", "least", "Ready ms", "least", "MiB then"),
        (
            (
                name,
                *(
                    f"{1000 * value:.0f}"
                    for value in (report.middle(launch.listening), min(launch.listening))
                ),
                *(
                    f"{1000 * value:.0f}" if launch.word else "–"
                    for value in (report.middle(launch.ready), min(launch.ready))
                ),
                f"{report.middle(launch.memory):.1f}",
            )
            for name, launch in made.items()
        ),
    )
    ours = made["rtstream serve"]
    for what, values, most, unit in (
        ("listening", ours.listening, LISTENING, "s"),
        ("Ready", ours.ready, READY, "s"),
        ("memory", ours.memory, MEMORY, "MiB"),
    ):
        value = report.middle(values)
        report.verdict(f"P8 ({what})", f"≤ {most:g} {unit}", f"{value:.2f} {unit}", value <= most)


def main() -> None:
    parser = peers.parser(__doc__)
    parser.set_defaults(rounds=7)
    args = parser.parse_args()
    report.title("P7 and P8: start-up")
    python = peers.fastrtc_python(args)
    short(args, python)
    servers(args, python)


if __name__ == "__main__":
    main()
