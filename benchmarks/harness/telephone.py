"""Telephone calls, many at once: one core of callers loads several of servers."""

from __future__ import annotations

import base64
import gc
import json
import time
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from rtstream.media.g711 import ulaw_decode

from . import lines, sound
from .lines import STEP
from .processes import Program
from .report import middle

FRAMES = sound.SECONDS * 50
LONGEST_DELAY = 8.0
TAIL = 0.8  # bursts sent in the last seconds may still be on their way


@lru_cache
def payloads() -> list[str]:
    """The scene, 20 ms a piece, as mu-law in base64."""
    return lines.payloads(sound.scene(), sound.RATE)


class Caller(lines.Telephone):
    """Says the scene, and finds its bursts in what comes back."""

    def __init__(self, port: int, offset: int = 0) -> None:
        super().__init__(port, payloads(), offset)

    def heard(self) -> tuple[sound.Samples, np.ndarray]:
        """The sound that came back at 8 kHz, and when each sample did."""
        pieces, times = [], []
        for at, text in self.messages():
            said = json.loads(text)
            if said.get("event") == "media":
                piece = ulaw_decode(base64.b64decode(said["media"]["payload"]))
                pieces.append(piece)
                times.append(at + np.arange(piece.size) / sound.RATE)
        if not pieces:
            return np.zeros(0, np.int16), np.zeros(0)
        return np.concatenate(pieces), np.maximum.accumulate(np.concatenate(times))

    def bursts(self, since: float) -> list[tuple[int, float]]:
        """The bursts that were sent from `since` on, and not in the last moment."""
        out = []
        for count, at in enumerate(self.sent):
            second, within = divmod((self.offset + count) % FRAMES, 50)
            if within == round(sound.BURST_AT / STEP) and since <= at < self.sent[-1] - TAIL:
                out.append((second, at))
        return out


@dataclass
class Load:
    """What a number of calls cost, and how they went."""

    calls: int
    cores: float  # that the server took
    callers: float  # cores that the callers took
    memory: float  # KiB a call
    threads: int
    delays: list[float] = field(default_factory=list)
    missed: int = 0
    delivered: float = 0.0  # of the seconds sent, how many came back
    lost: int = 0  # calls that broke

    @property
    def cpu(self) -> float:
        """Seconds of the server's CPU for each second of sound that came back."""
        return self.cores / self.calls / min(1.0, self.delivered) if self.delivered > 0.01 else float("inf")

    @property
    def p50(self) -> float:
        return middle(self.delays)

    @property
    def p99(self) -> float:
        return float(np.percentile(self.delays, 99)) if self.delays else float("inf")

    def holds(self, limit: float = 0.2) -> bool:
        """Whether all calls were well: p99 of the round trip, bursts and sound lost."""
        share = self.missed / max(1, self.missed + len(self.delays))
        return not self.lost and self.p99 <= limit and share <= 0.02 and self.delivered >= 0.97


def place(server: Program, calls: int, warmup: float, seconds: float) -> Load:
    """Hold so many calls at once; what counts are the `seconds` after the `warmup`."""
    idle = server.memory()
    callers = [Caller(server.port, offset=37 * n % FRAMES) for n in range(calls)]
    gc.disable()
    lines.talk(callers, warmup)
    since, cpu, own = time.monotonic(), server.cpu(), time.process_time()
    lines.talk(callers, seconds)
    took = time.monotonic() - since
    cpu, own = server.cpu() - cpu, time.process_time() - own
    load = Load(calls, cpu / took, own / took, (server.memory() - idle) / calls, server.threads())
    gc.enable()
    for caller in callers:
        load.lost += caller.gone
        caller.hang_up()
        samples, times = caller.heard()
        found = sound.find(samples, times, caller.bursts(since), LONGEST_DELAY)
        load.delays += found.delays
        load.missed += found.missed
        load.delivered += float((times >= since).sum()) / sound.RATE / took / calls
    return load
