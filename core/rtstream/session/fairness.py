"""When one who gives without ever waiting has to let others in the loop have a turn."""

from __future__ import annotations

from .outcome import Stats

GIVEN_IN_A_TURN = 8  # sounds that may be given in one turn of the loop


class Fairness:
    """Looks after one source of a session.

    Most sources wait for what they give, and the loop turns meanwhile, which it does not have to be made to:
    what was heard or sent since tells.
    """

    def __init__(self, counted: Stats) -> None:
        self._counted = counted
        self._heard = self._sent = self._given = 0

    def is_due(self) -> bool:
        """Note that something was given; whether others are to have a turn before there is more."""
        counted, sent = self._counted, self._sent
        self._sent = counted.frames_out
        self._given += 1
        if self._heard != counted.frames_in:
            self._heard, self._given = counted.frames_in, 0
        if self._given < GIVEN_IN_A_TURN and self._sent != sent:
            return False
        self._given = 0
        return True
