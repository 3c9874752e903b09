"""When the next frame may go out."""

from __future__ import annotations

from ..clock import TICK, Clock, shared_moment

LEARNS = 1.0  # seconds that a source must have kept step to be taken for a live one
IN_STEP = 0.1  # seconds by which it may get ahead of where it was, and still keep step
MOST_LATE = 0.3  # seconds of a stall that it may make up for


class Pacer:
    """Lets frames out no more than `lead` seconds ahead of real time.

    A frame that comes late goes out at once, and those after it are timed from there. But one who gives in
    step with time, such as an echo, needs no pace: what a stall held up comes all at once behind it, and
    would be late for the rest of the call. Where the far end may be fed ahead at all, nothing of such a
    live source is held back, for as long as it keeps step; and what is held back goes out at a moment that
    all calls share, up to `TICK` later.
    """

    def __init__(self, clock: Clock, lead: float) -> None:
        self._clock = clock
        self._lead = lead
        self._next = float("-inf")
        self._step = Step() if lead else None

    async def turn(self, duration: float) -> None:
        """Wait until a frame of `duration` seconds may go out."""
        now = self._clock.now()
        self._next = max(self._next, now)
        due = self._next - self._lead
        if due > now and not self._is_live:
            await self._clock.sleep_until(shared_moment(due) if self._lead > TICK else due)
        self._next += duration

    def given(self, duration: float, *, first: bool, held_up: bool) -> bool:
        """Note that a source gave a frame; whether that may go out now, and if so, take its place.

        Args:
            first: whether nothing is before it; else it may not.
            held_up: whether the source has to wait before it may give more.
        """
        now = self._clock.now()
        if self._step is not None:
            self._step.given(duration, now, held_up=held_up)
        if not first or self._next - self._lead > now and not self._is_live:
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

    @property
    def _is_live(self) -> bool:
        return self._step is not None and self._step.live


class Step:
    """Whether a source gives its frames in step with time.

    `live` becomes true when it was neither ahead nor made to wait for a second, and false when it gets
    ahead, or pauses that long: who gives a whole reply at once is ahead, who pauses may begin another.
    """

    def __init__(self) -> None:
        self.live = False
        self._ahead = 0.0  # seconds of sound that were given and have not passed since
        self._last = float("-inf")
        self._begin(0.0)

    def given(self, duration: float, now: float, *, held_up: bool) -> None:
        """Note a frame."""
        passed = now - self._last
        self._last = now
        self._ahead = duration + (max(-MOST_LATE, self._ahead - passed) if passed < LEARNS else 0.0)
        self._given += duration
        if held_up or passed >= LEARNS or self._ahead > IN_STEP + (0.0 if self.live else self._from):
            self.live = False
            self._begin(now)
        elif now - self._since >= LEARNS:
            if self._given >= LEARNS - IN_STEP:
                self.live, self._ahead = True, min(self._ahead, 0.0)
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._since, self._given, self._from = now, 0.0, self._ahead
