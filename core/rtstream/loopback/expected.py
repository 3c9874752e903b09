"""What a person expects of the turns of a call, and in words how a call falls short of it."""

from __future__ import annotations

from dataclasses import dataclass

from rtstream.loopback.result import Result
from rtstream.loopback.turns import Turn
from rtstream.options import Mode


@dataclass(frozen=True)
class Expected:
    """What is expected of each way.

    Attributes:
        turns: how many turns are answered: a reply is heard, or, where nothing goes back (mode "send"), the
            turn has reached the handler. None: any number.
        max_latency_ms: the longest that the caller may wait for a reply after the end of their speech.
        interrupted_after: a reply is spoken over so many seconds after it began, and falls silent.
    """

    turns: int | None = None
    max_latency_ms: float | None = None
    interrupted_after: float | None = None

    @property
    def silence(self) -> bool:
        """Whether nobody is to be answered: then silence is what is wanted."""
        return self.turns == 0


def disappointment(result: Result, mode: Mode, expected: Expected) -> str:
    """How a call that went well otherwise falls short, in one sentence; empty when it does not."""
    answered = [turn for turn in result.turns if turn.reply is not None or mode == "send"]
    if expected.turns is not None and len(answered) != expected.turns:
        return _number(result, answered, expected.turns)
    if expected.max_latency_ms is not None and expected.turns != 0:
        if late := _late(result.turns, expected.max_latency_ms):
            return late
    if expected.interrupted_after is not None:
        return _not_interrupted(result, expected.interrupted_after)
    return ""


def _number(result: Result, answered: list[Turn], wanted: int) -> str:
    unanswered = len(result.turns) - len(answered)
    more = f"; {unanswered} more had no reply" if unanswered else ""
    if not result.turns:
        more = "; the handler told of none: it takes no turns (ReplyOnPause does), or heard no speech"
    return f"{_turns(len(answered))} answered, not {wanted}{more}"


def _turns(count: int) -> str:
    return "1 turn was" if count == 1 else f"{count or 'no'} turns were"


def _late(turns: list[Turn], limit: float) -> str:
    measured = [
        (turn.latency_ms, number) for number, turn in enumerate(turns, 1) if turn.latency_ms is not None
    ]
    if not measured:
        return f"no turn was answered, so no latency can be held to {limit:g} ms"
    slowest, number = max(measured)
    if slowest <= limit:
        return ""
    return f"turn {number} was answered after {slowest:.0f} ms, more than {limit:g} ms"


def _not_interrupted(result: Result, after: float) -> str:
    if result.spoke_over is None:
        if not (replies := [turn for turn in result.turns if turn.reply is not None]):
            return "there was no reply to speak over"
        return (
            f"the last reply lasted {replies[-1].heard:.2f} s, too short to speak over it after {after:g} s"
        )
    since = result.spoke_over
    if any(turn.interrupted and (turn.reply_ended or 0.0) >= since for turn in result.turns):
        return ""
    return f"the reply was spoken over from {since:.2f} s on, and was not interrupted"
