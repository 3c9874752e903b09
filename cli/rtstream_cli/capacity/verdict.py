"""What a step measured, whether its calls were held, and whose fault it was if they were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Cause = Literal["", "server", "callers", "machine", "limit", "handler"]

EXCUSES: tuple[Cause, ...] = ("callers", "machine")  # then nothing is known of what the server can do

AT_ONCE_MS = 200.0  # the most that the answer of a handler that answers at once may take
LATER_MS = 200.0  # by how much later than in the first call a handler that takes turns may answer
GAP_MS = 60.0  # the most that one may be kept waiting for the next sound: a usual jitter buffer hides as much
MOST_MISSED = 0.02  # of the answers
LEAST_BACK = 0.97  # of the sound
FULL = 0.85  # of a core: a server that has used as much fails again
MOST_WAITED = 0.05  # of the time, for a core that the server itself has not filled
CALLERS_FULL = 0.9  # of their core: then they are late themselves
CALLERS_LATE_MS = 20.0  # the 99th percentile: a packet later than it should be said or heard
FULL_CODES = ("RT5109", "RT5110")  # how our own server says no: it is full, or about to stop


@dataclass(frozen=True)
class Step:
    """So many calls at once, and what was measured of them; times in milliseconds.

    Attributes:
        calls: how many there were to be.
        seconds: how long it was looked at.
        cpu_ms: of the server, for each second of each call; `cores`: in all. None for a server elsewhere.
        waited: the share of the time for which its event loop could have run, and had no core.
        memory_kib: for each call; None for a server elsewhere, and after a step with more calls, whose memory
            is used again.
        p50_ms, p95_ms, p99_ms: of how late answers were; None without any.
        asked, missed: answers that were to come, and those of them that did not.
        came_back: the share of the sound that came through: of what did in the first step; of the answers,
            where the handler takes turns; of what was said, where nothing goes back. None if not known.
        callers_cores: what the busiest of the callers' processes took of its core.
        callers_late_ms: by how much its own clock was late (the 99th percentile).
        refused: calls that did not come about. `gone`: those that the server ended before their time.
        reasons: why it did, in its words. `errors`: what went wrong, each once.
        held, cause, why: the verdict, whose fault it is, and in words.
    """

    calls: int
    seconds: float
    cpu_ms: float | None = None
    cores: float | None = None
    waited: float = 0.0
    memory_kib: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    asked: int = 0
    missed: int = 0
    came_back: float | None = None
    callers_cores: float = 0.0
    callers_late_ms: float = 0.0
    refused: int = 0
    gone: int = 0
    reasons: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    held: bool = False
    cause: Cause = ""
    why: str = ""


def limit_ms(manner: str, first_ms: float | None) -> float:
    """How late an answer may be, where nobody says it.

    Args:
        manner: how the handler answers (`rtstream.loopback.crowd.figures.Trial`).
        first_ms: the median of the first step: what the handler needs by itself.
    """
    if manner == "turns":
        return (first_ms or 0.0) + LATER_MS
    return AT_ONCE_MS if manner == "at once" else GAP_MS


def verdict_on(step: Step, most_ms: float, time_limit: float | None = None) -> tuple[bool, Cause, str]:
    """Whether the calls of a step were held; if not, whose fault it is, and why.

    Args:
        step: what was measured.
        most_ms: how late the 99th percentile of the answers may be.
        time_limit: how long the server lets a call last, as far as that is known.
    """
    for cause, why in (_limits(step, time_limit), _faults(step)):
        if why:
            return False, cause, why
    why = _too_little(step, most_ms)
    if not why:
        return True, "", ""
    if excuse := _callers_excuse(step):
        return False, "callers", f"{why}, but {excuse}"
    if excuse := _server_excuse(step):
        return False, "machine", f"{why}, but {excuse}"
    return False, "server", why


def _limits(step: Step, time_limit: float | None) -> tuple[Cause, str]:
    """What the server does not want to do, though it might be able to."""
    full = [error for error in step.errors if _is_no_place(error)]
    if full and (away := step.refused + step.gone):
        return "limit", f"the server let in {step.calls - away} of {step.calls} calls: {full[0]['what']}"
    if step.gone and ("time_limit" in step.reasons or time_limit is not None):
        after = f" of {time_limit:g} s" if time_limit is not None else ""
        return "limit", f"the server ended {_calls(step.gone)} at its time limit{after}"
    return "", ""


def _is_no_place(error: dict[str, Any]) -> bool:
    """Whether it says that there is no place, as ours do and as others' do."""
    return error["code"] in FULL_CODES or any(
        sign in error["what"] for sign in ("HTTP 503", "HTTP 429", "code 1013")
    )


def _faults(step: Step) -> tuple[Cause, str]:
    """What went wrong in calls, or kept them from coming about."""
    cause: Cause = "handler" if any(error["code"].startswith("RT3") for error in step.errors) else "server"
    told = step.errors[0]["what"] if step.errors else ""
    if step.refused:
        return cause, f"{step.refused} of {step.calls} calls did not come about: {told}"
    if step.gone:
        reasons = ", ".join(step.reasons) or told or "without a word"
        return cause, f"the server ended {step.gone} of {step.calls} calls: {reasons}"
    return (cause, told) if told else ("", "")


def _too_little(step: Step, most_ms: float) -> str:
    if step.missed > MOST_MISSED * step.asked:
        return f"{step.missed} of {step.asked} answers did not come"
    if step.p99_ms is not None and step.p99_ms > most_ms:
        return f"p99 is {step.p99_ms:.0f} ms, over {most_ms:.0f} ms"
    if step.came_back is not None and step.came_back < LEAST_BACK:
        return f"{100 * step.came_back:.0f} % of the sound came through"
    return ""


def _server_excuse(step: Step) -> str:
    """What a server that was late has to say for itself; empty when it had the time that it needed."""
    if step.waited < MOST_WAITED or step.cores is None or step.cores >= FULL:
        return ""
    return (
        f"the server waited for its core {100 * step.waited:.0f} % of the time: something else keeps it busy"
    )


def _callers_excuse(step: Step) -> str:
    """What the callers have to say for a server whose answers were late; empty when they were well."""
    if step.callers_cores >= CALLERS_FULL:
        return f"the callers themselves had no time left ({100 * step.callers_cores:.0f} % of their core)"
    if step.callers_late_ms >= CALLERS_LATE_MS:
        late = f"the callers themselves were late (p99 {step.callers_late_ms:.0f} ms)"
        return f"{late}: they are too many for this machine, or something else keeps it busy"
    return ""


def best_of(steps: Sequence[Step]) -> Step | None:
    """The step with the most calls that were held."""
    return max((step for step in steps if step.held), key=lambda step: step.calls, default=None)


def bound_of(steps: Sequence[Step]) -> Step | None:
    """The step with the fewest calls above those that were not; of several the one that blames the server."""
    best = best_of(steps)
    above = [step for step in steps if not step.held and (best is None or step.calls > best.calls)]
    return min(above, key=lambda step: (step.calls, step.cause in EXCUSES), default=None)


def conclusion(steps: Sequence[Step], place: str, most: int | None = None, *, asked: bool = False) -> str:
    """How many calls are held, in one sentence.

    Args:
        steps: those that were measured.
        place: where: "on one core", "over there".
        most: how many the server lets in; None: any number.
        asked: whether somebody said which steps; else they were looked for.
    """
    best, bound = best_of(steps), bound_of(steps)
    if best is None:
        return f"does not hold {_calls(bound.calls)}: {bound.why}" if bound else "nothing was measured"
    late = f" (p99 {best.p99_ms:.0f} ms)" if best.p99_ms is not None else ""
    if bound is None or bound.cause in EXCUSES:
        if best.calls == most:
            return f"holds {_calls(best.calls)} {place}{late}, and its own limit lets in no more"
        if asked and bound is None:
            return f"holds {_calls(best.calls)} {place}{late}"
        more = (
            f"with {bound.calls} {bound.why}"
            if bound
            else "for more there was no time: name them with --calls"
        )
        return f"holds at least {_calls(best.calls)} {place}{late}; {more}"
    return f"holds {_calls(best.calls)} {place}{late}; not {bound.calls}: {bound.why}"


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number} calls"
