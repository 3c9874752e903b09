"""A line of a given width on a modelled clock: pictures of a governor and sound share it, and the far end
reports what came as a browser does.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from aiortc.rate import RemoteBitrateEstimator

from rtstream.video.governor import Governor, Plan

PACKET, HEADERS = 9600, 320  # bits
SOUND_SECONDS, SOUND_BITS = 0.02, 1200  # 48 kb/s and headers
TICK = 0.005
HELD_UP = 1.5  # seconds of queue that the line keeps; what is more is lost


@dataclass
class Line:
    """A call over a line.

    `width` gives its bits a second at a moment, `way` is the seconds there and back when nothing waits.
    `least` are the bits a pixel that the encoder cannot go below; `estimates` is whether the far end tells
    of the bandwidth, by WebRTC's own estimator, and `answers` whether it answers reports.
    """

    governor: Governor
    width: Callable[[float], float]
    size: tuple[int, int] = (1280, 720)
    way: float = 0.02
    least: float = 0.03
    estimates: bool = True
    answers: bool = True
    seed: int = 1
    now: float = 0.0
    pictures: list[tuple[float, float, Plan]] = field(default_factory=list)  # when, how old on arrival
    sounds: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._free = 0.0
        self._estimator = RemoteBitrateEstimator()
        self._came: tuple[float, float] | None = None  # the newest report: when it left, and came
        self._lost = self._sent = 0
        self._due = 0.0
        self._form: tuple[int, int, int] | None = None
        for every, what in (
            (SOUND_SECONDS, self._say),
            (1 / 30, self._show),
            (0.25, self._report),
            (1.0, self._answer),
        ):
            self._again(every, what)

    def run(self, until: float) -> Line:
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heapq.heappop(self._events)
            event()
        return self

    def ages(self, since: float, until: float = float("inf")) -> list[float]:
        """How old pictures were that were made in that time, the youngest first."""
        return sorted(age for at, age, _ in self.pictures if since <= at < until)

    def late(self, since: float, until: float = float("inf")) -> list[float]:
        """How late sound was, the earliest first."""
        return sorted(late for at, late in self.sounds if since <= at < until)

    def _at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._number), what))

    def _again(self, every: float, what: Callable[[], None]) -> None:
        def once() -> None:
            what()
            wavers = every * self._chance.uniform(0.5, 1.5) if what in (self._report, self._answer) else every
            self._at(self.now + wavers, once)

        self._at(every, once)

    def _carry(self, bits: float) -> float | None:
        """When bits that are sent now come; None when they are lost."""
        self._sent += 1
        if self._free - self.now > HELD_UP:
            self._lost += 1
            return None
        self._free = max(self._free, self.now) + bits / self.width(self.now)
        return self._free + self.way / 2

    def _say(self) -> None:
        came = self._carry(SOUND_BITS)
        self.sounds.append((self.now, came - self.now if came is not None else HELD_UP))

    def _show(self) -> None:
        self.governor.came(self.now)
        plan = self.governor.plan(*self.size, self.now)
        if self.now < self._due - 0.25 / plan.fps or self.governor.bandwidth.wait(self.now):
            return
        self._due = max(self._due + 1 / plan.fps, self.now + 0.5 / plan.fps)
        form, pixels = (plan.width, plan.height, plan.bitrate), plan.width * plan.height
        key, self._form = form != self._form, form
        bits = max(plan.bitrate / plan.fps * self._chance.uniform(0.6, 1.4), self.least * pixels)
        if key:
            bits = max(bits, min(9 * plan.bitrate / 30, 0.3 * pixels))
        self.governor.encoded(5e-9 * pixels, round(bits / 8), self.now, key=key)
        packets, came = math.ceil(bits / PACKET), None
        for _ in range(packets):
            if (came := self._carry(bits / packets + HEADERS)) is not None:
                self._at(came, self._arrival(self.now, came, round(bits / packets / 8)))
        self.pictures.append((self.now, came - self.now if came is not None else HELD_UP, plan))

    def _arrival(self, sent: float, came: float, size: int) -> Callable[[], None]:
        def arrive() -> None:
            told = self._estimator.add(int(came * 1000), int(sent * (1 << 18)) & 0xFFFFFF, size, 1)
            if told is not None and self.estimates:
                self._at(self.now + self.way / 2, lambda: self._estimated(told[0]))

        return arrive

    def _estimated(self, bitrate: int) -> None:
        self.governor.bandwidth.estimated(bitrate, self.now)

    def _report(self) -> None:
        left = self.now
        if (came := self._carry(600)) is not None:

            def arrive() -> None:
                self._came = left, came

            self._at(came, arrive)

    def _answer(self) -> None:
        came, held = self._came, self.now - self._came[1] if self._came is not None else 0.0
        lost, self._lost, self._sent = self._lost / max(1, self._sent), 0, 0

        def arrive() -> None:
            if came is not None and self.answers:
                self.governor.bandwidth.answered(came[0], held, self.now)
            self.governor.bandwidth.lost(lost, self.now)

        self._at(self.now + self.way / 2, arrive)
