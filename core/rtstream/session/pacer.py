"""When the next frame may go out."""

from __future__ import annotations

from ..clock import Clock


class Pacer:
    """Lets frames out no more than `lead` seconds ahead of real time.

    A frame that comes late goes out at once, and those after it are timed from there.
    """

    def __init__(self, clock: Clock, lead: float) -> None:
        self._clock = clock
        self._lead = lead
        self._next = float("-inf")

    async def turn(self, duration: float) -> None:
        """Wait until a frame of `duration` seconds may go out."""
        self._next = max(self._next, self._clock.now())
        await self._clock.sleep_until(self._next - self._lead)
        self._next += duration

    def take(self, duration: float) -> bool:
        """Whether a frame of `duration` seconds may go out now; if so, its place is taken."""
        now = self._clock.now()
        if self._next - self._lead > now:
            return False
        self._next = max(self._next, now) + duration
        return True

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
