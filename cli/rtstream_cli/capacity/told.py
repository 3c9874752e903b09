"""What `rtstream bench` tells: a table with a line a step, and how many calls are held."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from rtstream.errors import MachineError

from ..console import console
from .verdict import EXCUSES, Step, best_of, bound_of, conclusion

if TYPE_CHECKING:
    from .course import Course

COLUMNS = ("calls", "cpu", "core", "memory", "p50", "p95", "p99", "missed", "came back", "held")
LATE = {
    "at once": "p50 to p99: after what it answers, an answer comes",
    "turns": "p50 to p99: after the end of speech, the reply is heard",
    "by itself": "p50 to p99: so long the next sound keeps one waiting",
    "nothing": "nothing goes back by which one could tell how late it is",
}


def exit_code(course: Course) -> int:
    """0: calls are held, all of those that were asked for; 1: they are not; 4: the machine could not tell."""
    if not course.wish.calls:
        return 0 if best_of(course.steps) is not None else _failure(bound_of(course.steps))
    return next((_failure(step) for step in course.steps if not step.held), 0)


def _failure(step: Step | None) -> int:
    return MachineError.exit_code if step is not None and step.cause in EXCUSES else 1


def show(course: Course, code: int) -> None:
    """Tell what was measured, as far as that went."""
    verdict = conclusion(course.steps, _place(course), course.most, asked=bool(course.wish.calls))
    if console.json:
        best = best_of(course.steps)
        console.document(
            target=course.target,
            via=course.wish.way,
            manner=course.trial["manner"],
            max_latency_ms=course.most_ms,
            own_core=course.pinned,
            steps=[asdict(step) for step in course.steps],
            held=best.calls if best is not None else 0,
            verdict=verdict,
            exit_code=code,
        )
        return
    console.table(COLUMNS, [_cells(step) for step in course.steps], right=COLUMNS[:-1])
    for line in _notes(course):
        console.say(line)
    console.data(verdict)


def _place(course: Course) -> str:
    if course.wish.url is not None:
        return "over there"
    return "on one core" if course.pinned else "on this machine"


def _notes(course: Course) -> list[str]:
    """What the columns mean, and what the figures are not."""
    notes = [
        "cpu: of the server, for each second of a call; core: what they take of it",
        LATE[course.trial["manner"]],
    ]
    if course.wish.url is not None:
        notes[0] = "the server is somebody else's: what it takes there is not seen from here"
    elif not course.pinned:
        notes.append("the server has no core of its own here, so the callers take some of its time")
    notes += [f"{step.calls} calls: {step.why}" for step in course.steps if not step.held]
    return list(dict.fromkeys(notes))


def _cells(step: Step) -> list[str]:
    return [
        str(step.calls),
        _with("ms", step.cpu_ms, 1),
        _with("%", None if step.cores is None else 100 * step.cores),
        _with("MiB", None if step.memory_kib is None else step.memory_kib / 1024, 1),
        *(_with("ms", value) for value in (step.p50_ms, step.p95_ms, step.p99_ms)),
        f"{step.missed}/{step.asked}" if step.asked else "–",
        _with("%", None if step.came_back is None else 100 * step.came_back),
        console.paint("yes", "green", sys.stdout) if step.held else console.paint("no", "red", sys.stdout),
    ]


def _with(unit: str, value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:.{digits}f} {unit}"
