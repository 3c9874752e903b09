"""What is expected of the turns of a call, and the sentence that says how it falls short."""

from __future__ import annotations

import pytest

from rtstream.loopback.expected import Expected, disappointment
from rtstream.loopback.result import Result
from rtstream.loopback.turns import Turn
from rtstream.options import Mode

ANSWERED = Turn(1.0, 2.0, reply=2.4, reply_ended=3.4, latency_ms=400.0, heard=1.0)
SLOW = Turn(4.0, 5.0, reply=5.7, reply_ended=6.7, latency_ms=700.0, heard=1.0)
UNANSWERED = Turn(7.0, 8.0)
STOPPED = Turn(1.0, 2.0, reply=2.4, reply_ended=3.4, latency_ms=400.0, heard=1.0, interrupted=True)


def told(*turns: Turn, mode: Mode = "send-receive", over: float | None = None, **expected: float) -> str:
    result = Result("direct", turns=list(turns), spoke_over=over)
    return disappointment(result, mode, Expected(**expected))  # type: ignore[arg-type]


def test_who_expects_nothing_is_never_disappointed() -> None:
    assert told() == told(UNANSWERED) == told(ANSWERED, SLOW) == ""


@pytest.mark.parametrize(
    "turns, wanted, sentence",
    [
        ((ANSWERED, SLOW), 2, ""),
        ((ANSWERED,), 2, "1 turn was answered, not 2"),
        ((ANSWERED, SLOW), 1, "2 turns were answered, not 1"),
        ((ANSWERED, UNANSWERED), 2, "1 turn was answered, not 2; 1 more had no reply"),
        ((), 0, ""),
        ((ANSWERED,), 0, "1 turn was answered, not 0"),
    ],
)
def test_the_number_of_answered_turns_is_told(turns: tuple[Turn, ...], wanted: int, sentence: str) -> None:
    assert told(*turns, turns=wanted) == sentence


def test_a_handler_that_takes_no_turns_is_told_so() -> None:
    assert told(turns=1).startswith(
        "no turns were answered, not 1; the handler told of none: it takes no turns"
    )


def test_where_nothing_goes_back_a_turn_that_reached_the_handler_counts() -> None:
    assert told(UNANSWERED, turns=1, mode="send") == ""


@pytest.mark.parametrize(
    "turns, limit, sentence",
    [
        ((ANSWERED, SLOW), 700, ""),
        ((ANSWERED, SLOW), 699, "turn 2 was answered after 700 ms, more than 699 ms"),
        ((SLOW, ANSWERED), 300, "turn 1 was answered after 700 ms, more than 300 ms"),
        ((UNANSWERED,), 300, "no turn was answered, so no latency can be held to 300 ms"),
        ((), 300, "no turn was answered, so no latency can be held to 300 ms"),
    ],
)
def test_the_slowest_turn_is_named_and_nothing_is_never_quick(
    turns: tuple[Turn, ...], limit: float, sentence: str
) -> None:
    assert told(*turns, max_latency_ms=limit) == sentence


def test_where_nobody_is_to_be_answered_no_latency_is_missed() -> None:
    assert told(turns=0, max_latency_ms=300) == ""


@pytest.mark.parametrize(
    "turns, over, sentence",
    [
        ((STOPPED,), 3.0, ""),
        ((ANSWERED,), 3.0, "the reply was spoken over from 3.00 s on, and was not interrupted"),
        ((STOPPED, SLOW), 6.0, "the reply was spoken over from 6.00 s on, and was not interrupted"),
        ((ANSWERED,), None, "the last reply lasted 1.00 s, too short to speak over it after 2 s"),
        ((UNANSWERED,), None, "there was no reply to speak over"),
    ],
)
def test_a_reply_that_is_spoken_over_must_be_there_and_fall_silent(
    turns: tuple[Turn, ...], over: float | None, sentence: str
) -> None:
    assert told(*turns, over=over, interrupted_after=2.0) == sentence
