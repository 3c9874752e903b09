"""An estimate of the far end is a limit where it tells of the network, and not of how little was sent."""

from __future__ import annotations

import pytest

from rtstream.video.estimates import CUT_SECONDS, DEEP, OVER, USED, Estimates

RATE = 1_000_000


def limits(estimates: Estimates, bitrate: int, now: float, sent: float = RATE) -> bool:
    return estimates.limits(bitrate, sent, RATE, now)


@pytest.mark.parametrize(("sent", "limit"), [(1.05 * OVER, True), (0.95 * OVER, False)])
def test_a_first_estimate_is_a_limit_if_clearly_more_than_it_is_sent(sent: float, limit: bool) -> None:
    assert limits(Estimates(), 700_000, 1.0, sent * 700_000) is limit


def test_one_that_rises_takes_nothing_away_until_it_has_come_to_its_end() -> None:
    estimates = Estimates()
    limits(estimates, 500_000, 0.0, sent=0)
    assert not limits(estimates, 600_000, 1.0)
    assert not limits(estimates, 600_000, 1.0 + 0.9 * CUT_SECONDS), "it may still rise"
    assert limits(estimates, 600_000, 1.0 + CUT_SECONDS)
    assert estimates.newest == 600_000


def test_one_that_falls_soon_after_it_rose_is_a_limit_if_more_than_it_is_sent() -> None:
    for sent, limit in ((1.05, True), (0.95, False)):
        estimates = Estimates()
        limits(estimates, 800_000, 0.0, sent=0)
        assert limits(estimates, 700_000, 1.0, sent * OVER * 700_000) is limit


def test_one_that_stays_is_a_limit_if_enough_is_sent_for_it_to_tell_of_the_network() -> None:
    for sent, limit in ((1.05, True), (0.95, False)):
        estimates = Estimates()
        limits(estimates, 700_000, 0.0, sent=0)
        assert limits(estimates, 700_000, CUT_SECONDS, sent * USED * 700_000) is limit


def test_what_waited_may_leave_before_it_cuts_again_unless_it_falls_deep() -> None:
    estimates = Estimates()
    assert limits(estimates, 800_000, 0.0)
    assert not limits(estimates, 700_000, 0.9 * CUT_SECONDS)
    assert limits(estimates, round(0.95 * DEEP * RATE), 0.95 * CUT_SECONDS)
    assert limits(estimates, round(0.9 * DEEP * RATE), 2 * CUT_SECONDS)


def test_an_estimate_of_nothing_at_all_is_one() -> None:
    assert limits(Estimates(), 0, 0.0)
