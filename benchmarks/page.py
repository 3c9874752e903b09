"""Rows P15 and P16: the plain page from nothing to its first sound, and inputs and outputs while it lives.

    python benchmarks/page.py [--rounds 10] [--moves 40] [--users 40]

Debian's chromium, headless, with a microphone of software, each round with nobody's cache: the time from
the navigation to the first sound that is no silence, the bytes and the requests until then. Then a control
of the page that is moved again and again, until the handler has its value; and outputs of a handler, each
with the time at which it was given, until the page has them. Both sides read one clock. The same again while
`--users` others use the server, each moving a control five times a second and taking outputs.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from harness import report

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))  # the driver of the browser and the server of pages are those of the tests

FIRST_SOUND, BYTES, REQUESTS = 0.8, 30_000, 4  # targets of P15
MOVED, SHOWN = 25.0, 20.0  # ms, targets of P16

UNTIL_SOUND = """
  addEventListener("DOMContentLoaded", async () => {
    const call = document.querySelector("rt-stream");
    await customElements.whenDefined("rt-stream");
    call.start();
    const look = setInterval(() => {
      if (call.level().out < 0.01) return;
      window.heard = performance.now() / 1000;
      clearInterval(look);
    }, 5);
  });
"""
LOADED = """() => {
  const all = ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind));
  return [all.reduce((sum, one) => sum + one.transferSize, 0), all.length];
}"""
MOVES = """async () => {
  const call = document.querySelector("rt-stream"), took = [];
  await new Promise((live) => { call.addEventListener("state", ({ detail }) => detail.state === "live" && live()); call.start(); });
  for (let move = 0; move < %d; move++) {
    await new Promise((after) => setTimeout(after, 100));
    const at = performance.timeOrigin + performance.now();
    call.setInputs([move / %d]);
    await new Promise((after) => setTimeout(after, 100));
    took.push(await (await fetch("/moved/at")).json() - at);
  }
  return took;
}"""  # noqa: E501
OUTPUTS = """async () => {
  const call = document.querySelector("rt-stream"), took = [];
  call.addEventListener("message", ({ detail: { type, data } }) => {
    if (type === "output" && typeof data[0] === "number") took.push(performance.timeOrigin + performance.now() - data[0]);
  });
  call.start();
  while (took.length < %d) await new Promise((after) => setTimeout(after, 50));
  return took;
}"""  # noqa: E501


def main() -> None:
    options = argparse.ArgumentParser(description="Rows P15 and P16: the plain page.")
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--moves", type=int, default=40)
    options.add_argument("--users", type=int, default=40)
    wanted = options.parse_args()
    from tests.browser.chromium import Chromium
    from tests.browser.conftest import write_voice

    with tempfile.TemporaryDirectory() as folder:
        voice, profile = Path(folder) / "voice.wav", Path(folder) / "profile"
        profile.mkdir()
        write_voice(voice)
        url, server = served()
        browser = Chromium(profile, voice)
        try:
            first_sounds(browser, url, wanted.rounds)
            while_it_lives(browser, url, wanted.moves, "alone")
            with crowd(url, wanted.users):
                while_it_lives(browser, url, wanted.moves, f"beside {wanted.users} others")
        finally:
            browser.close()
            server.terminate()
            server.wait(10)


def served() -> tuple[str, subprocess.Popen[bytes]]:
    """The server of pages, and where it is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "tests.browser.pages", str(port)], cwd=ROOT)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"{url}/live").close()
            return url, server
        except OSError:
            assert time.monotonic() < deadline, "the server has not started"
            time.sleep(0.05)


def first_sounds(browser: Any, url: str, rounds: int) -> None:
    report.title("P15: the page from nothing to its first sound")
    rows, met = [], True
    for stream in ("audio-receive", "audio-send-receive"):
        sounds, loads = [], []
        for number in range(rounds):
            report.progress(f"{stream}: {number + 1} of {rounds}")
            page = browser.open(UNTIL_SOUND, (800, 900))
            page.goto(f"{url}/{stream}/")
            while (heard := page.run("() => window.heard ?? null")) is None:
                time.sleep(0.02)
            sounds.append(heard)
            loads.append(page.run(LOADED))
            page.close()
        size, requests = (max(column) for column in zip(*loads, strict=True))
        met = met and median(sounds) <= FIRST_SOUND and size <= BYTES and requests <= REQUESTS
        rows.append((stream, f"{median(sounds):.2f} s", f"{max(sounds):.2f} s", size, requests))
    report.table(["stream", "first sound, median", "worst", "bytes", "requests"], rows)
    said = ", ".join(f"{row[1]} and {row[3]} bytes ({row[0]})" for row in rows)
    report.verdict("P15", "0.8 s, 30,000 bytes, 4 requests", said, met)


@contextmanager
def crowd(url: str, users: int) -> Iterator[None]:
    """Others who use the server meanwhile."""
    command = [sys.executable, "-m", "harness.crowd", url, str(users)]
    others = subprocess.Popen(
        command, cwd=Path(__file__).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert others.stdout is not None and others.stdout.readline() == "ready\n", "the others have not come"
    try:
        yield
    finally:
        others.communicate(timeout=30)


def while_it_lives(browser: Any, url: str, moves: int, who: str) -> None:
    report.title(f"P16: a control to its handler, an output to its page, {who}")
    rows, met = [], True
    for what, stream, script, target in (
        ("slider to handler", "moved", MOVES % (moves, moves), MOVED),
        ("output to page", "clock", OUTPUTS % moves, SHOWN),
    ):
        report.progress(what)
        page = browser.open("", (800, 900))
        page.goto(f"{url}/{stream}/")
        took = sorted(page.run(script))
        page.close()
        worst = took[int(len(took) * 0.9)]
        met = met and median(took) <= target
        rows.append((what, f"{median(took):.1f} ms", f"{worst:.1f} ms"))
    report.table(["what", "median", "p90"], rows)
    report.verdict(
        f"P16 ({who})", "25 ms in, 20 ms out", ", ".join(f"{row[1]} ({row[0]})" for row in rows), met
    )


if __name__ == "__main__":
    main()
