"""Puts packets back in order, and decides how long a missing one is waited for."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

FIRST_WAIT = 0.02  # seconds a missing packet is waited for until the network has shown its ways
LEAST_WAIT, MOST_WAIT = 0.01, 0.1  # whatever it has shown
MARGIN = 1.2  # waited for longer than the latest packet was late, by this factor
FORGETS = 10.0  # seconds in which half of what was learned is forgotten
MOST_HELD = 50  # packets: one second of sound
REMEMBERED = 100  # numbers that were given up, to learn from those that come late after all


class Reorder(Generic[T]):
    """Hands items on in the order of their numbers, at once wherever none is missing.

    There is no play-out delay: a handler does not play. Behind a gap items are held until what is
    missing comes or has been waited for long enough. How long that is follows the network: a little
    longer than packets that overtook each other were apart lately, between 10 and 100 ms; where none
    ever did, a missing packet is a lost one and waiting only adds delay.

    Every answer is a list of `(missing, item)`: how many numbers before the item were given up. Nothing
    is handed on twice, and nothing behind something newer.

    `late` counts what came after it was given up, `duplicates` what had been there already.
    """

    def __init__(self) -> None:
        self.late = self.duplicates = 0
        self._due: int | None = None
        self._held: dict[int, tuple[float, T]] = {}
        self._given_up: dict[int, float] = {}  # number: since when it was missed
        self._wait, self._learned = FIRST_WAIT, 0.0

    def push(self, number: int, item: T, now: float) -> list[tuple[int, T]]:
        """Take an item; what may be handed on now."""
        if number == self._due and not self._held:
            self._due = number + 1
            return [(0, item)]
        if self._due is None:
            self._due, self._learned = number, now
        if number < self._due:
            self._came_late(number, now)
            return []
        if number in self._held:
            self.duplicates += 1
            return []
        if number == self._due and self._held:
            self._learn(now - self._missed_since(), now)
        self._held[number] = (now, item)
        return self.poll(now)

    def poll(self, now: float) -> list[tuple[int, T]]:
        """What may be handed on by now: call it at `deadline`."""
        ready: list[tuple[int, T]] = []
        while self._held:
            assert self._due is not None
            missing = 0
            if self._due not in self._held:
                since = self._missed_since()
                if now < since + self._wait_at(now) and len(self._held) <= MOST_HELD:
                    break
                missing = min(self._held) - self._due
                self._give_up(missing, since)
            ready.append((missing, self._held.pop(self._due)[1]))
            self._due += 1
        return ready

    @property
    def deadline(self) -> float | None:
        """When what is held is to be handed on even if nothing else comes; None when nothing is held."""
        if not self._held:
            return None
        since = self._missed_since()
        return since + self._wait_at(since)

    def wait(self, now: float) -> float:
        """How many seconds a missing packet is waited for at present."""
        return self._wait_at(now)

    def _missed_since(self) -> float:
        return min(came for came, _ in self._held.values())

    def _give_up(self, missing: int, since: float) -> None:
        assert self._due is not None
        for number in range(max(self._due, self._due + missing - REMEMBERED), self._due + missing):
            self._given_up[number] = since
        while len(self._given_up) > REMEMBERED:
            del self._given_up[next(iter(self._given_up))]
        self._due += missing

    def _came_late(self, number: int, now: float) -> None:
        since = self._given_up.pop(number, None)
        if since is None:
            self.duplicates += 1
        else:
            self.late += 1
            self._learn(now - since, now)

    def _learn(self, lateness: float, now: float) -> None:
        wait = min(MOST_WAIT, lateness * MARGIN)
        if wait > (current := self._wait_at(now)):
            self._wait, self._learned = wait, now
        else:
            self._wait, self._learned = current, now

    def _wait_at(self, now: float) -> float:
        if self._wait <= LEAST_WAIT:
            return LEAST_WAIT
        forgotten: float = 0.5 ** (max(0.0, now - self._learned) / FORGETS)
        return max(LEAST_WAIT, self._wait * forgotten)
