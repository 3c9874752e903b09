"""What `rtstream bench` tries next, what it makes of what it is told, and what it concludes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rtstream_cli.capacity import measuring, told
from rtstream_cli.capacity.course import Course, Wish
from rtstream_cli.capacity.ladder import MOST_STEPS, Tried, failed_of, held_of, next_calls
from rtstream_cli.capacity.verdict import Step, best_of, bound_of, conclusion, limit_ms, verdict_on

FULL = {"code": "RT5109", "what": "too many concurrent connections", "why": "", "fix": ""}
WELL = Step(20, 4.0, cores=0.4, p50_ms=20, p95_ms=30, p99_ms=40, asked=20, came_back=1.0)


def climb(holds: Callable[[int], bool], cost: float | None, most: int | None = None) -> list[Tried]:
    """All steps for a server that holds as many calls, each of which costs so many cores."""
    tried: list[Tried] = []
    while (calls := next_calls(tried, most)) is not None:
        cores = None if cost is None else min(calls * cost, 1.0)
        tried.append(Tried(calls, holds(calls), cores))
    return tried


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 24, 60, 131, 500])
@pytest.mark.parametrize("known", [True, False])
def test_the_ladder_finds_how_many_are_held_to_a_seventh_whatever_a_call_costs(
    capacity: int, known: bool
) -> None:
    tried = climb(lambda calls: calls <= capacity, 1 / capacity if known else None)
    held, failed = held_of(tried), failed_of(tried)
    assert tried[0].calls == 1 and len(tried) <= MOST_STEPS
    assert failed is not None and held <= capacity < failed
    if known:
        assert failed <= max(1.16 * held, held + 1), tried


def test_a_step_that_fails_while_the_server_has_time_left_is_tried_once_more_and_no_oftener() -> None:
    tried = [Tried(1, True, 0.02), Tried(10, False, 0.2)]
    assert next_calls(tried) == 10
    assert next_calls([*tried, Tried(10, True, 0.2)]) == 45  # it was bad luck: on from there
    assert next_calls([*tried, Tried(10, False, 0.2)]) == 3  # it was not: in between
    assert next_calls([Tried(1, True, 0.02), Tried(10, False, 0.9)]) == 3  # its core was full: no doubt


def test_no_more_calls_are_tried_than_the_server_lets_in() -> None:
    tried = climb(lambda calls: True, 0.001, most=12)
    assert [one.calls for one in tried] == [1, 10, 12]


def test_behind_a_step_that_did_not_find_room_as_many_are_tried_as_did_and_no_more() -> None:
    tried = [Tried(1, True), Tried(9, False)]
    assert next_calls(tried, most=3) == 3
    assert next_calls([*tried, Tried(3, True)], most=3) is None
    assert next_calls([*tried, Tried(3, False, 1.0)], most=3) == 2  # it has a place for them, and no time
    assert next_calls([Tried(1, True), Tried(3, True), Tried(9, False)], most=3) is None


def test_one_call_that_is_not_held_ends_the_ladder() -> None:
    assert [one.calls for one in climb(lambda calls: False, 1.0)] == [1]


def test_calls_that_are_well_are_held() -> None:
    assert verdict_on(WELL, 200) == (True, "", "")


@pytest.mark.parametrize(
    ("change", "cause", "said"),
    [
        ({"p99_ms": 480.0}, "server", "p99 is 480 ms, over 200 ms"),
        ({"missed": 1}, "server", "1 of 20 answers did not come"),
        ({"came_back": 0.5}, "server", "50 % of the sound came through"),
        ({"refused": 2}, "server", "2 of 20 calls did not come about"),
        ({"gone": 1}, "server", "the server ended 1 of 20 calls: without a word"),
        ({"errors": [{"code": "RT3005", "what": "no good"}]}, "handler", "no good"),
    ],
)
def test_calls_that_are_not_well_are_not_held_and_the_reason_is_told(
    change: dict[str, Any], cause: str, said: str
) -> None:
    held, whose, why = verdict_on(replace(WELL, **change), 200)
    assert (held, whose) == (False, cause) and why.startswith(said)


def test_one_lost_answer_of_many_is_forgiven() -> None:
    assert verdict_on(replace(WELL, asked=100, missed=2), 200)[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"callers_cores": 0.96}, "the callers themselves had no time left (96 % of their core)"),
        ({"callers_late_ms": 35.0}, "the callers themselves were late (p99 35 ms)"),
    ],
)
def test_callers_that_are_at_their_end_are_blamed_and_not_the_handler(
    change: dict[str, Any], said: str
) -> None:
    late = replace(WELL, p99_ms=480.0, **change)
    held, cause, why = verdict_on(late, 200)
    assert (held, cause) == (False, "callers") and said in why
    assert verdict_on(replace(WELL, **change), 200)[0]  # busy callers alone are no reason


def test_a_server_whose_core_others_keep_busy_is_excused_and_one_that_fills_it_itself_is_not() -> None:
    robbed = replace(WELL, p99_ms=480.0, cores=0.3, waited=0.2)
    held, cause, why = verdict_on(robbed, 200)
    assert (held, cause) == (False, "machine")
    assert "the server waited for its core 20 % of the time" in why
    assert verdict_on(replace(robbed, cores=0.97), 200)[1] == "server"
    assert verdict_on(replace(robbed, cores=None), 200)[1] == "server"
    assert verdict_on(replace(robbed, p99_ms=40.0), 200)[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"refused": 10, "errors": [FULL]}, "the server let in 10 of 20 calls"),
        ({"gone": 10, "errors": [FULL]}, "the server let in 10 of 20 calls"),
        (
            {"refused": 5, "errors": [{"code": "RT5100", "what": "it refused with HTTP 503"}]},
            "the server let in 15",
        ),
        ({"gone": 3, "reasons": ["time_limit"]}, "the server ended 3 calls at its time limit"),
    ],
)
def test_limits_of_the_server_are_told_as_such_whatever_else_went_wrong(
    change: dict[str, Any], said: str
) -> None:
    held, cause, why = verdict_on(replace(WELL, missed=10, p99_ms=900.0, **change), 200)
    assert (held, cause) == (False, "limit") and why.startswith(said)


def test_a_telephone_hears_no_reason_so_the_time_limit_is_known_from_the_server() -> None:
    cut = replace(WELL, gone=20)
    assert verdict_on(cut, 200, time_limit=30.0)[1:] == (
        "limit",
        "the server ended 20 calls at its time limit of 30 s",
    )


def test_who_answers_turns_is_held_to_its_own_answer_in_one_call_and_others_to_the_clock() -> None:
    assert limit_ms("turns", 450.0) == 650.0
    assert limit_ms("at once", 6.0) == 200.0
    assert limit_ms("by itself", 0.0) == 60.0


def step(calls: int, held: bool, cause: Any = "server", why: str = "p99 is 480 ms, over 200 ms") -> Step:
    return replace(WELL, calls=calls, held=held, cause="" if held else cause, why="" if held else why)


@pytest.mark.parametrize(
    ("steps", "most", "said"),
    [
        (
            [step(1, True), step(120, True), step(141, False)],
            None,
            "holds 120 calls there (p99 40 ms); not 141: p99 is 480 ms, over 200 ms",
        ),
        ([step(1, False)], None, "does not hold 1 call: p99 is 480 ms, over 200 ms"),
        (
            [step(1, True)],
            None,
            "holds at least 1 call there (p99 40 ms); for more there was no time: name them with --calls",
        ),
        (
            [
                step(1, True),
                step(50, False, "callers", "p99 is 300 ms, but who calls was late"),
            ],
            None,
            "holds at least 1 call there (p99 40 ms); with 50 p99 is 300 ms, but who calls was late",
        ),
        (
            [step(1, True), step(10, True)],
            10,
            "holds 10 calls there (p99 40 ms), and its own limit lets in no more",
        ),
        ([], None, "nothing was measured"),
    ],
)
def test_the_conclusion_is_one_sentence(steps: list[Step], most: int | None, said: str) -> None:
    assert conclusion(steps, "there", most) == said


def test_steps_that_were_asked_for_and_held_are_all_that_is_said() -> None:
    assert conclusion([step(1, True), step(5, True)], "on one core", asked=True) == (
        "holds 5 calls on one core (p99 40 ms)"
    )


def test_of_two_tries_of_the_same_step_one_that_was_held_counts_and_else_the_one_that_blames_the_server() -> (
    None
):
    assert bound_of([step(1, True), step(5, False), step(5, True)]) is None
    excuses: tuple[Any, ...] = ("callers", "machine")
    for late in [step(5, False, cause, "late") for cause in excuses]:
        for tries in ([late, step(5, False)], [step(5, False), late]):
            bound = bound_of([step(1, True), *tries])
            assert bound is not None and bound.cause == "server"
    best = best_of([step(1, True), step(5, False), step(5, True)])
    assert best is not None and best.calls == 5


@pytest.mark.parametrize(
    ("asked", "steps", "code"),
    [
        ((), [step(1, True), step(5, False)], 0),
        ((), [step(1, False)], 1),
        ((), [step(1, False, "machine", "late")], 4),
        ((1, 5), [step(1, True), step(5, True)], 0),
        ((1, 5), [step(1, True), step(5, False)], 1),
        ((1, 5), [step(1, True), step(5, False, "limit", "full")], 1),
        ((1, 5), [step(1, True), step(5, False, "callers", "late")], 4),
    ],
)
def test_the_exit_code_says_whether_what_was_asked_for_is_held_or_cannot_be_told(
    asked: tuple[int, ...], steps: list[Step], code: int
) -> None:
    wish = Wish("@echo", None, None, None, [], "webrtc", "x.wav", asked, 4.0, None, {})
    assert told.exit_code(Course(wish, lambda text: None, steps=steps)) == code


def test_a_step_is_the_sum_of_what_its_callers_tell_and_the_busiest_of_them_counts() -> None:
    one = {"delays": [0.01] * 98, "asked": 100, "missed": 2, "sound": 200.0}
    two = {"delays": [0.5, 0.02], "asked": 2, "missed": 0, "sound": 100.0}
    rest: dict[str, Any] = {"refused": 1, "gone": 0, "reasons": ["x"], "errors": [FULL]}
    efforts = [{"cores": 0.5, "late": 0.001, "seconds": 6.0}, {"cores": 0.2, "late": 0.03, "seconds": 6.0}]
    made = measuring.heard_by([one | rest, two | rest], efforts, calls=50)
    assert (made.p50_ms, made.p95_ms, made.p99_ms) == (10.0, 10.0, 20.0)
    assert (made.asked, made.missed, made.refused) == (102, 2, 2)
    assert (made.callers_cores, made.callers_late_ms) == (0.5, 30.0)
    assert made.errors == [FULL] and made.reasons == ["x"]
    assert measuring.sound_of([one, two], made) == 1.0


def test_what_the_server_used_is_told_for_each_second_of_each_call() -> None:
    before = {"at": 10.0, "cpu": 3.0, "waited": 1.0, "heard": 0.0}
    after = {"at": 14.0, "cpu": 5.0, "waited": 1.2, "heard": 76.0}
    made = measuring.used_by(Step(20, 4.0), before, after)
    assert (made.cpu_ms, made.cores, made.waited) == (25.0, 0.5, 0.05)
    assert measuring.taken_in(made, before, after) == 0.95


@pytest.mark.parametrize(("share", "value"), [(50, 2.0), (95, 4.0), (99, 4.0)])
def test_a_percentile_of_a_few_is_one_that_was_measured(share: int, value: float) -> None:
    assert measuring.percentile([1.0, 2.0, 3.0, 4.0], share) == value
    assert measuring.percentile([], share) is None
