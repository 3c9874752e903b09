"""When others have their turn beside a source that need not wait."""

from __future__ import annotations

from collections.abc import Callable

from rtstream.session.fairness import GIVEN_IN_A_TURN, Fairness
from rtstream.session.outcome import Stats


def turns(each: Callable[[Stats], None]) -> list[bool]:
    """After which of twenty sounds others have theirs, if this happens before each."""
    counted = Stats()
    fairness, due = Fairness(counted), []
    for _ in range(20):
        each(counted)
        due.append(fairness.is_due())
    return due


def sent(counted: Stats) -> None:
    counted.frames_out += 1


def heard_and_sent(counted: Stats) -> None:
    counted.frames_in += 1
    counted.frames_out += 1


def test_of_a_source_whose_sounds_leave_at_once_others_have_a_turn_after_eight() -> None:
    assert [number for number, due in enumerate(turns(sent), 1) if due] == [
        GIVEN_IN_A_TURN,
        2 * GIVEN_IN_A_TURN,
    ]


def test_of_one_that_answers_what_is_heard_they_have_had_theirs() -> None:
    assert not any(turns(heard_and_sent))


def test_where_nothing_leaves_they_have_one_each_time() -> None:
    assert all(turns(lambda counted: None))
