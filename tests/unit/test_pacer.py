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
