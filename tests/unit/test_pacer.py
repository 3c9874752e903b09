"""When the next frame may go out."""

from __future__ import annotations

import pytest

from rtstream.clock import Clock, run_stepped
from rtstream.session.pacer import Pacer


def turns(lead: float, gaps: list[float]) -> list[float]:
    """The moments at which frames of 20 ms go out that come after these gaps."""

    async def main() -> list[float]:
        clock, moments = Clock(), []
        pacer = Pacer(clock, lead)
        for gap in gaps:
            await clock.sleep(gap)
            await pacer.turn(0.02)
            moments.append(round(clock.now(), 6))
        return moments

    return run_stepped(main())


def test_frames_go_out_in_step_whenever_they_come() -> None:
    assert turns(0.0, [0.0] * 5) == [0.0, 0.02, 0.04, 0.06, 0.08]


def test_no_more_than_the_lead_goes_out_ahead() -> None:
    assert turns(0.05, [0.0] * 6) == [0.0, 0.0, 0.0, 0.01, 0.03, 0.05]


def test_one_that_comes_late_goes_out_at_once_and_the_next_are_timed_from_there() -> None:
    assert turns(0.0, [0.0, 1.0, 0.0, 0.0]) == [0.0, 1.0, 1.02, 1.04]


def test_the_backlog_is_what_went_out_and_was_not_played() -> None:
    async def main() -> None:
        clock = Clock()
        pacer = Pacer(clock, 0.2)
        assert pacer.backlog == 0.0
        for _ in range(5):
            await pacer.turn(0.02)
        assert pacer.backlog == pytest.approx(0.1)
        await clock.sleep(0.06)
        assert pacer.backlog == pytest.approx(0.04)
        await clock.sleep(1)
        assert pacer.backlog == 0.0

    run_stepped(main())


def test_after_a_reset_nothing_is_owed() -> None:
    async def main() -> None:
        pacer = Pacer(Clock(), 1.0)
        for _ in range(20):
            await pacer.turn(0.02)
        pacer.reset()
        assert pacer.backlog == 0.0
        await pacer.turn(0.02)
        assert Clock().now() == 0.0

    run_stepped(main())


def taken(lead: float, script: list[tuple[float, int]]) -> list[int]:
    """How many frames of 20 ms may go at once after each pause, of so many that are there."""

    async def main() -> list[int]:
        clock, counts = Clock(), []
        pacer = Pacer(clock, lead)
        for pause, frames in script:
            await clock.sleep(pause)
            counts.append(0)
            for _ in range(frames):
                if not pacer.take(0.02):
                    await pacer.turn(0.02)
                    break
                counts[-1] += 1
        return counts

    return run_stepped(main())


LIVE = [(0.02, 1)] * 60


def test_a_live_source_catches_up_with_what_a_stall_held_up() -> None:
    assert taken(0.04, [*LIVE, (0.22, 11), *LIVE]) == [1] * 60 + [11] + [1] * 60


def test_it_catches_up_no_more_than_so_much_and_again_when_it_was_in_step_for_a_while() -> None:
    counts = taken(0.04, [*LIVE, (0.92, 46), *LIVE, (0.22, 11)])
    assert counts[60] == (0.3 + 0.04) / 0.02
    assert counts[-1] == 11


def test_one_that_is_given_whole_replies_is_not_a_live_one() -> None:
    assert taken(0.04, [(0.0, 50), (0.5, 50)])[1] == 3


def test_behind_a_pause_nothing_is_caught_up() -> None:
    assert taken(0.04, [*LIVE, (1.5, 50)])[-1] == 3


def test_a_far_end_that_is_not_fed_ahead_is_not_made_to_catch_up() -> None:
    assert taken(0.0, [*LIVE, (0.22, 11)])[-1] == 1
