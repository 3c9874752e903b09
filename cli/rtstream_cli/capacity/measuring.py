"""What a step has measured, out of what the server and the callers told of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from .verdict import Step

Words = dict[str, Any]


def heard_by(callers: Sequence[Words], efforts: Sequence[Words], calls: int) -> Step:
    """The step as its callers tell it.

    Args:
        callers: the `Figures` of each process (`rtstream.loopback.crowd.figures`).
        efforts: what it took each of them, and for how long it was looked at.
        calls: how many there were to be.
    """
    delays = sorted(1000 * delay for each in callers for delay in each["delays"])
    p50, p95, p99 = (percentile(delays, share) for share in (50, 95, 99))
    return Step(
        calls,
        round(max(each["seconds"] for each in efforts), 3),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        asked=sum(each["asked"] for each in callers),
        missed=sum(each["missed"] for each in callers),
        callers_cores=round(max(each["cores"] for each in efforts), 3),
        callers_late_ms=round(1000 * max(each["late"] for each in efforts), 1),
        refused=sum(each["refused"] for each in callers),
        gone=sum(each["gone"] for each in callers),
        reasons=_each_once(reason for each in callers for reason in each["reasons"]),
        errors=_each_once(error for each in callers for error in each["errors"]),
    )


def used_by(step: Step, before: Words, after: Words) -> Step:
    """The step with what the server has used between two looks at it (`server.usage`)."""
    took, used = after["at"] - before["at"], after["cpu"] - before["cpu"]
    waited = after["waited"] - before["waited"]
    return replace(
        step,
        cpu_ms=round(1000 * used / took / step.calls, 2),
        cores=round(used / took, 3),
        waited=round(waited / took, 3),
    )


def sound_of(callers: Sequence[Words], step: Step) -> float:
    """Seconds of sound that came back in a second of a call."""
    return float(sum(each["sound"] for each in callers)) / step.seconds / step.calls


def taken_in(step: Step, before: Words, after: Words) -> float:
    """Seconds of sound that the handler took in a second of a call, where none comes back."""
    heard, took = float(after["heard"] - before["heard"]), float(after["at"] - before["at"])
    return heard / took / step.calls


def answered(step: Step) -> float | None:
    """The share of the answers that came; None where none were to come."""
    return 1 - step.missed / step.asked if step.asked else None


def percentile(values: Sequence[float], share: int) -> float | None:
    """Of sorted values; one that was measured, so that the 99th of a few is the worst of them."""
    if not values:
        return None
    return round(values[-(-share * len(values) // 100) - 1], 1)


def _each_once(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
