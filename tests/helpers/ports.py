"""Ports that nobody else is given, for what is told its port before it listens."""

from __future__ import annotations

import os
import random
import socket
from itertools import count

FIRST, MANY, PROCESSES = 10_000, 1_000, 20  # below the ports that the system hands out by itself

# Several processes test at once, and each has ports of its own. Another run on this machine begins elsewhere.
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PROCESSES
_steps = count(random.SystemRandom().randrange(MANY))


def port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens."""
    while True:
        number = FIRST + _process * MANY + next(_steps) % MANY
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
