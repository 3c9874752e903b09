"""How late a far end plays what it is sent, told by marks that come back when they are reached."""

from __future__ import annotations

from ..clock import Clock

EVERY = 1.0  # seconds of sound between two marks
KEPT = 30  # marks that are waited for; a far end may send none back
LATEST = 2.0  # seconds; a far end that claims to be later is not believed


class Marks:
    """The marks of one line.

    A mark goes out behind the first frame after a pause, and then once a second. The far end sends it
    back when it has played what came before it; how much later that is than it would be if sound took no
    time is `behind`. A far end that sends none back is taken to be in time.

    When the far end is made to forget what it has not played, it sends all marks back at once (Twilio,
    "clear message"). They say nothing, so they are forgotten here, before it is told.
    """

    def __init__(self) -> None:
        self.behind = 0.0
        self._clock = Clock()
        self._due: dict[str, float] = {}  # when what is before a mark has been played, if all is in time
        self._count = 0
        self._plays_until = float("-inf")
        self._unmarked = 0.0

    def after(self, duration: float) -> str | None:
        """Count a frame that goes out; the name of the mark to send behind it, if there is to be one."""
        now = self._clock.now()
        paused = self._plays_until < now
        self._plays_until = max(self._plays_until, now) + duration
        self._unmarked += duration
        if not paused and self._unmarked < EVERY:
            return None
        self._unmarked = 0.0
        self._count += 1
        self._due[str(self._count)] = self._plays_until
        if len(self._due) > KEPT:
            del self._due[next(iter(self._due))]
        return str(self._count)

    def reached(self, name: str) -> None:
        """A mark has come back. One that is not ours, or was forgotten, says nothing."""
        if (due := self._due.pop(name, None)) is not None:
            self.behind = min(max(0.0, self._clock.now() - due), LATEST)

    def clear(self) -> None:
        """Forget the marks that have not come back: the far end forgets what is before them."""
        self._due.clear()
        self._plays_until = float("-inf")
