"""Lets ICE ask again soon when a check gets no answer: aioice waits half a second for the first time."""

from __future__ import annotations

from typing import Any

import aioice.stun

FIRST = 0.1  # seconds until a check is sent again (browsers: 0.05); each pause is twice the one before
TIMES = 8  # up to 51 s in all, as aioice has it with 6 times from 0.5 s
_KNOWN = {"RETRY_RTO": 0.5, "RETRY_MAX": 6}


def ask_again_soon() -> None:
    """Make every check of this process one that is repeated soon.

    RFC 8445 §14.3 wants 0.5 s or more, for many checks on a thin line; browsers have never waited that long.
    At 30 % loss each way half of all checks get no answer, and a call is given up that only was not lucky.
    An aioice that has other names or numbers stays as it is.
    """
    stun: Any = aioice.stun
    if {name: getattr(stun, name, None) for name in _KNOWN} == _KNOWN:
        stun.RETRY_RTO, stun.RETRY_MAX = FIRST, TIMES
