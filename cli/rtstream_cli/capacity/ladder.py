"""How many calls are tried next, until it is known how many are held: up until it fails, then in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from .verdict import FULL

NEAR = 1.15  # how many times the calls that are held those may be that are not, when it is known well enough
MOST_STEPS = 9
BLIND = 3  # times as many calls are tried next where nobody knows what one costs
LEAP = 10  # times as many at most
FEW = 10  # calls: with fewer, one costs more than each of many, which are served together


@dataclass(frozen=True)
class Tried:
    """One step.

    Attributes:
        calls: how many were made at once.
        held: whether they were well.
        cores: of the server's time, what they took; None where that is not known.
    """

    calls: int
    held: bool
    cores: float | None = None


def held_of(tried: Sequence[Tried]) -> int:
    """The most calls that were held; 0 for none."""
    return max((one.calls for one in tried if one.held), default=0)


def failed_of(tried: Sequence[Tried]) -> int | None:
    """The fewest calls above these that were not; None where all were."""
    held = held_of(tried)
    return min((one.calls for one in tried if one.calls > held), default=None)


def next_calls(tried: Sequence[Tried], most: int | None = None) -> int | None:
    """How many calls to try next; None when it is known how many are held.

    Args:
        tried: the steps so far.
        most: how many the server lets in; None: any number.
    """
    if not tried:
        return 1
    if len(tried) >= MOST_STEPS:
        return None
    held, failed = held_of(tried), failed_of(tried)
    if most is not None and held >= most:
        return None
    if most is not None and failed is not None and failed > most:
        return most
    if failed is None:
        return _up(tried[-1]) if most is None else min(_up(tried[-1]), most)
    if _is_doubtful(tried):
        return tried[-1].calls
    if held == 0 or failed - held <= 1 or failed <= NEAR * held:
        return None
    return min(max(round(sqrt(held * failed)), held + 1), failed - 1)


def _is_doubtful(tried: Sequence[Tried]) -> bool:
    """Whether the last step failed for the first time, and the server had time left: once is bad luck."""
    last = tried[-1]
    full = last.cores is not None and last.cores >= FULL
    return not last.held and not full and sum(one.calls == last.calls for one in tried) == 1


def _up(last: Tried) -> int:
    """More than were held now: what would fill most of a core, if each call costs what it did."""
    if not last.cores:
        return BLIND * last.calls
    fits = last.calls / last.cores
    aim = round(fits * (0.9 if last.calls >= FEW else 0.5))
    return min(max(aim, ceil(NEAR * last.calls), last.calls + 1), LEAP * last.calls)
