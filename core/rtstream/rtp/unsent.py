"""Silence that a far end does not send, and that is heard of it all the same: turns end in silence."""

from __future__ import annotations

STEP = 0.02  # seconds of it that are heard at once
DTX_REFRESH = 0.5  # seconds that silence is taken to go on without a word: Opus tells every 0.4 s
STOPPED = 1.0  # seconds without a packet after which a far end has stopped, and no network holds it up
STOPPED_SILENCE = 2.0  # seconds of silence that are heard of it then: more of it tells nothing new


class UnsentSilence:
    """When a silence is heard that the far end tells of, or that follows when it stops sending.

    `due` is when its next piece is; None while there is none.
    """

    def __init__(self) -> None:
        self.due: float | None = None
        self._until = 0.0
        self._stopped = -1.0  # when the last packet came before the far end stopped

    def told(self, now: float, said: float) -> None:
        """The far end says that silence goes on, by a packet that has itself `said` seconds of it."""
        self.due, self._until = now + said + STEP, now + DTX_REFRESH

    def look(self, now: float, came: float) -> None:
        """See whether a far end whose last packet came at `came` has stopped: it is silent then, once."""
        if self.due is None and now - came >= STOPPED and not self.follows(came):
            self._stopped, self.due, self._until = came, now, now + STOPPED_SILENCE

    def follows(self, came: float) -> bool:
        """Whether it is that of a far end that has stopped after the packet that came at `came`."""
        return self._stopped == came

    def heard(self, now: float) -> None:
        """A piece was heard."""
        assert self.due is not None
        self.due = self.due + STEP if now < self._until else None
