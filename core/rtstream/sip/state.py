"""How far a call is, from its INVITE to its end."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """How far a call is."""

    OFFERED = auto()  # nothing has been said to it
    RINGING = auto()
    ANSWERED = auto()  # with 200, which the caller has not acknowledged
    LIVE = auto()
    REFUSED = auto()  # with what the caller has not acknowledged
    OVER = auto()
