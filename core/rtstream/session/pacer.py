"""When the next frame may go out."""

from __future__ import annotations

from ..clock import Clock

STALL = 1.0  # seconds that a live source may stall for; if longer it made a pause
MOST_OWED = 0.3  # seconds that it may catch up


class Pacer:
    """Lets frames out no more than `lead` seconds ahead of real time.

    A frame that comes late goes out at once, and those after it are timed from there. But a source that
    was not ahead for a while is a live one, such as an echo: what a stall held up comes all at once behind
    it, and would be late for the rest of the call. Where the far end may be fed ahead, that goes out too.
    """

    def __init__(self, clock: Clock, lead: float) -> None:
        self._clock = clock
        self._lead = lead
        self._next = float("-inf")
        self._owed, self._in_step = 0.0, STALL  # seconds that went out in a row without having to wait

    async def turn(self, duration: float) -> None:
        """Wait until a frame of `duration` seconds may go out."""
        now = self._clock.now()
        self._anchor(now)
        if self._next - self._lead - self._owed > now:
            self._owed = self._in_step = 0.0
        await self._clock.sleep_until(self._next - self._lead)
        self._next += duration

    def take(self, duration: float) -> bool:
        """Whether a frame of `duration` seconds may go out now; if so, its place is taken."""
        now = self._clock.now()
        self._anchor(now)
        if self._next - self._lead - self._owed > now:
            return False
        self._next += duration
        self._in_step += duration
        return True

    def _anchor(self, now: float) -> None:
        """Time what comes from now on, if what was let out has been played."""
        late = now - self._next
        if late >= STALL:
            self._owed, self._in_step = 0.0, STALL
        elif late > 0 and self._lead and self._in_step >= STALL:
            self._owed = min(MOST_OWED, self._owed + late)
        self._next = max(self._next, now)

    @property
    def backlog(self) -> float:
        """How many seconds of what went out the far end has not yet played."""
        return self.unplayed(0.0)

    def unplayed(self, behind: float) -> float:
        """`backlog`, of a far end that plays so many seconds late."""
        return max(0.0, self._next - self._clock.now() + behind)

    def reset(self) -> None:
        """Start anew: what was let out has been forgotten by the far end."""
        self._next = float("-inf")
