"""The rate of pictures finds what a line carries, and what has queued up on it is let go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rtstream.media.video import VideoOptions
from rtstream.video.bandwidth import START, START_GROWTH, Bandwidth
from rtstream.video.governor import Governor
from tests.unit.picture_line import Line

WAY = 0.04  # seconds of a round trip in which nothing waits
SEEDS = range(6)


class Call:
    """Pictures are sent at the rate, and reports are answered once a second."""

    def __init__(self, most: int = 5_000_000) -> None:
        self.bandwidth = Bandwidth(most)
        self.now = 0.0

    @property
    def rate(self) -> float:
        return self.bandwidth.rate

    def run(
        self,
        seconds: int,
        *,
        share: float = 1.0,
        trip: float | None = WAY,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        """Send so much of the rate; no answer comes where `trip` is None."""
        for _ in range(seconds):
            left = self.now + 0.75
            for _ in range(20):
                self.now += 0.05
                self.bandwidth.sent(round(share * self.rate / 20), self.now)
            if trip is not None:
                self.bandwidth.answered(left, self.now - left - trip, self.now)
            each()

    def estimated(self, bitrate: float) -> None:
        self.bandwidth.estimated(round(bitrate), self.now)

    def late(self, queue: float) -> None:
        """A report that leaves now meets a queue of so many seconds, in which nothing is sent."""
        left = self.now
        self.now += WAY + queue
        self.bandwidth.answered(left, 0.0, self.now)


def on_a_line(width: float, seed: int, until: float = 12, **options: float) -> Line:
    return Line(Governor(VideoOptions()), lambda now: width, seed=seed, **options).run(until)  # type: ignore[arg-type]


def middle(numbers: list[float]) -> float:
    return numbers[len(numbers) // 2]


# On a line.


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("least", [0.01, 0.07])
def test_behind_a_narrow_line_neither_pictures_nor_sound_come_late(least: float, seed: int) -> None:
    line = on_a_line(300_000, seed, least=least)
    assert line.ages(0)[-1] < 0.9
    assert middle(line.ages(0, 4)) < 0.3
    assert middle(line.ages(4, 8)) < 0.15 and middle(line.ages(8)) < 0.1
    assert middle(line.late(0)) < 0.1
    assert line.late(4)[-1] < 0.5
    assert len(line.ages(4, 12)) > 8 * 6


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("says", ["estimates", "answers"])
def test_either_of_estimates_and_answers_is_enough(says: str, seed: int) -> None:
    line = on_a_line(300_000, seed, **{"estimates": says == "estimates", "answers": says == "answers"})
    assert line.ages(0)[-1] < 1.0
    assert middle(line.ages(4)) < 0.2
    assert middle(line.late(4)) < 0.15


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_that_does_not_carry_even_the_beginning_is_found_out(seed: int) -> None:
    line = on_a_line(150_000, seed, 20)
    assert middle(line.ages(8)) < 0.2
    assert middle(line.late(8)) < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wide_line_shows_large_pictures_within_some_seconds(seed: int) -> None:
    line = on_a_line(5_000_000, seed)
    whole = next(at for at, _, plan in line.pictures if plan.width == 1280)
    assert whole < 6
    assert line.pictures[-1][2].bitrate > 2_000_000
    assert line.late(0)[-1] < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_way_that_is_long_is_no_queue(seed: int) -> None:
    line = on_a_line(3_000_000, seed, 20, way=0.6, estimates=False)
    assert line.pictures[-1][2].bitrate > 1_500_000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_that_becomes_narrow_is_followed(seed: int) -> None:
    line = Line(Governor(VideoOptions()), lambda now: 3_000_000 if now < 8 else 400_000, seed=seed).run(20)
    assert line.pictures[-1][2].bitrate < 400_000
    assert middle(line.ages(12)) < 0.3 and middle(line.late(12)) < 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_that_becomes_wide_is_filled_slowly(seed: int) -> None:
    line = Line(Governor(VideoOptions()), lambda now: 300_000 if now < 8 else 3_000_000, seed=seed).run(30)
    assert line.pictures[-1][2].bitrate > 350_000
    assert line.late(9)[-1] < 0.2


# What each word does.


def test_the_rate_grows_by_half_each_second_that_is_used_until_it_is_of_no_more_use() -> None:
    call = Call()
    rates = []
    call.run(4, each=lambda: rates.append(call.rate))
    assert rates == pytest.approx([START * START_GROWTH**n for n in range(1, 5)])
    call.bandwidth.useful = 1_500_000
    call.run(5)
    assert call.rate == 1_500_000
    assert Call(150_000).rate == 150_000


def test_what_is_not_used_is_not_proved() -> None:
    call = Call()
    call.run(10, share=0.3)
    assert call.rate == START


def test_a_report_that_left_before_the_last_step_proves_nothing() -> None:
    call = Call()
    call.run(2)
    rate, stepped = call.rate, call.now
    call.run(2, trip=None)
    call.bandwidth.answered(stepped - 0.01, call.now - stepped - WAY, call.now)
    assert call.rate == rate


def test_a_first_answer_that_takes_long_proves_nothing_for_it_may_be_a_queue() -> None:
    call = Call()
    call.run(1, trip=0.5)
    assert call.rate == START
    call.run(1, trip=0.5)
    assert call.rate > START


def test_a_late_answer_ends_the_growth_and_lets_the_queue_leave() -> None:
    call = Call()
    call.run(6)
    rate = call.rate
    call.late(0.4)
    assert call.rate < rate and not call.bandwidth.starting
    call.run(1)
    before = call.rate
    call.run(5)
    assert call.rate == before, "from now on it is estimates and reports without loss that raise it"


def test_pictures_wait_until_the_queue_that_was_told_of_has_gone() -> None:
    call = Call()
    call.run(6)
    left = call.now
    for _ in range(20):
        call.now += 0.05
        call.bandwidth.sent(round(call.rate / 20), call.now)
    call.bandwidth.answered(left, 0.0, call.now)  # a second late, and all that was sent meanwhile waits
    assert 0.9 <= call.bandwidth.wait(call.now) <= 2.0
    call.now += call.bandwidth.wait(call.now)
    assert call.bandwidth.wait(call.now) == pytest.approx(0)


def test_a_way_that_becomes_longer_costs_one_slowing_down_only() -> None:
    call = Call()
    call.run(6)
    rates = []
    call.run(10, trip=WAY + 0.3, each=lambda: rates.append(call.rate))
    assert min(rates) == rates[-1] > 0.5 * START * START_GROWTH**6
    call.bandwidth.lost(0.0, call.now)
    assert call.rate > rates[-1], "it is clean again"


def test_an_estimate_that_still_rises_is_no_limit_and_one_that_falls_is() -> None:
    call = Call()
    call.run(3, each=lambda: call.estimated(call.rate))
    estimate = iter(range(100))
    call.run(4, each=lambda: call.estimated(START * 3.5 * 1.08 ** next(estimate)))
    rate = call.rate
    assert rate > START * START_GROWTH**6
    call.estimated(START * 3.5)
    assert call.rate < 0.7 * rate and not call.bandwidth.starting


@pytest.mark.parametrize("share", [1.0, 0.65])
def test_an_estimate_that_stays_as_it_is_is_kept_to(share: float) -> None:
    call = Call()
    call.run(8, share=share, each=lambda: call.estimated(250_000))
    assert call.rate <= 250_000


def test_a_first_estimate_of_what_is_sent_takes_nothing_away() -> None:
    call = Call()
    call.run(3)
    rate = call.rate
    call.estimated(rate / START_GROWTH)
    assert call.rate == rate and call.bandwidth.starting


def test_an_estimate_that_only_tells_how_little_was_sent_is_no_limit() -> None:
    call = Call()
    call.run(5)
    rate = call.rate
    call.run(5, share=0.05, each=lambda: call.estimated(0.1 * rate))
    assert call.rate >= rate


def test_when_the_line_turns_out_to_be_narrower_what_waits_on_it_may_leave_first() -> None:
    call = Call()
    call.run(5)
    call.estimated(0.3 * call.rate)
    assert 0.4 < call.bandwidth.wait(call.now) <= 2.0


def test_loss_lowers_the_rate_and_none_raises_it() -> None:
    one = Bandwidth(1_000_000)
    for _ in range(4):
        one.lost(0.3, 1.0)
    assert one.rate == pytest.approx(START * 0.85**4)
    one.lost(0.05, 1.0)
    assert one.rate == pytest.approx(START * 0.85**4), "a little is left to retransmission"
    for second in range(40):
        one.lost(0.0, 2.0 + second)
    assert one.rate == 1_000_000
    for _ in range(40):
        one.lost(0.5, 50.0)
    assert one.rate == 50_000


def test_what_is_more_than_the_line_carries_is_not_sent_but_waited_for() -> None:
    """A key frame takes the bits of many pictures, and all that comes behind it would wait."""
    one = Bandwidth(5_000_000)
    one.sent(2 * START, 10.0)
    assert one.wait(10.0) == pytest.approx(1.9)
    assert one.wait(11.0) == pytest.approx(0.9)
    assert one.wait(12.0) == 0
