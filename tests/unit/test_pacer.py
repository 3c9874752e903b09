"""When the next frame may go out."""

from __future__ import annotations

import asyncio

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


def test_what_waits_goes_out_at_moments_that_all_calls_share() -> None:
    assert turns(0.04, [0.0031, *[0.0] * 5]) == [0.0031, 0.0031, 0.0031, 0.03, 0.05, 0.07]


def test_who_may_not_be_fed_ahead_is_fed_in_time() -> None:
    assert turns(0.0, [0.0031, *[0.0] * 3]) == [0.0031, 0.0231, 0.0431, 0.0631]


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


def given(lead: float, script: list[tuple[float, int]], *, held_up: bool = False) -> list[int]:
    """How many frames of 20 ms go out at once after each pause, of so many that a source gives then.

    The others wait their time, each for itself, as in the queue of a session.
    """

    async def main() -> list[int]:
        clock, counts, waiting, there = Clock(), [], 0, asyncio.Event()
        pacer = Pacer(clock, lead)

        async def speak() -> None:
            nonlocal waiting
            while await there.wait():
                await pacer.turn(0.02)
                waiting -= 1
                if not waiting:
                    there.clear()

        speaking = asyncio.create_task(speak())
        for pause, frames in script:
            await clock.sleep(pause)
            counts.append(0)
            for _ in range(frames):
                if pacer.given(0.02, first=not waiting, held_up=held_up):
                    counts[-1] += 1
                else:
                    waiting += 1
                    there.set()
        speaking.cancel()
        return counts

    return run_stepped(main())


LIVE = [(0.02, 1)] * 60


def test_a_live_source_catches_up_with_what_a_stall_held_up() -> None:
    assert given(0.04, [*LIVE, (0.22, 11), *LIVE, (0.22, 11)]) == [1] * 60 + [11] + [1] * 60 + [11]


def test_one_that_began_with_a_stall_catches_up_when_it_has_kept_step_for_a_second() -> None:
    counts = given(0.04, [(0.0, 20), *LIVE])
    assert counts[:40] == [3] + [0] * 39, "it may be a reply"
    assert counts[-8:] == [1] * 8


def test_one_that_gives_whole_replies_is_no_live_one() -> None:
    silence = [(0.02, 0)]
    assert given(0.04, [(0.0, 50), *silence * 75, (0.02, 50)])[-1] == 3
    assert given(0.04, [(0.0, 10), *silence * 25, (0.02, 50)])[-1] == 3


def test_one_that_gives_faster_than_time_is_no_live_one() -> None:
    counts = given(0.04, [(0.02, 2)] * 200)
    assert sum(counts) <= 8


def test_one_that_keeps_step_because_it_is_made_to_wait_is_no_live_one() -> None:
    assert given(0.04, [(0.0, 20), *LIVE, (0.22, 11)], held_up=True)[-1] == 0


def test_a_live_one_that_begins_to_give_more_is_paced_again() -> None:
    assert given(0.04, [*LIVE, (0.02, 50)])[-1] < 8


def test_behind_a_pause_it_may_be_another_reply() -> None:
    assert given(0.04, [*LIVE, (1.5, 50)])[-1] == 3


def test_a_far_end_that_is_not_fed_ahead_is_fed_in_time() -> None:
    assert given(0.0, [*LIVE, (0.22, 11)])[-1] == 1


def test_one_that_gives_less_than_time_takes_is_not_yet_a_live_one() -> None:
    assert given(0.04, [(0.03, 1)] * 80 + [(0.2, 11)])[-1] == 3


def test_what_waits_of_a_live_source_goes_without_waiting_its_turn() -> None:
    async def main() -> None:
        clock = Clock()
        pacer = Pacer(clock, 0.04)
        for _ in range(60):
            assert pacer.given(0.02, first=False, held_up=False) is False
            await clock.sleep(0.02)
        begun = clock.now()
        for _ in range(10):
            await pacer.turn(0.02)
        assert clock.now() == begun
        assert pacer.backlog == pytest.approx(0.2)

    run_stepped(main())
