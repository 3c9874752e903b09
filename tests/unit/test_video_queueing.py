"""What has queued on the line is reckoned from what was sent and from how long answers take."""

from __future__ import annotations

import pytest

from rtstream.video.queueing import LATE, MOST_QUEUED, QUEUED, Backlog, RoundTrips, Sent

WAY = 0.04  # seconds of a round trip in which nothing waits
NEVER = float("-inf")


def answered(trips: RoundTrips, left: float, trip: float, *, drained: float = NEVER) -> str:
    """A report left then, and its answer came after so long, of which it was held for half a second."""
    return trips.answered(left, 0.5, left + 0.5 + trip, drained)


def test_what_was_sent_is_counted_with_both_ends_of_the_time() -> None:
    sent = Sent()
    for tenth in range(10):
        sent.add(100, tenth / 10)
    assert sent.began == 0.0
    assert sent.between(0.2, 0.4) == 300
    assert sent.rate(0.9) == 1000 and sent.rate(1.4) == 600


def test_what_was_sent_long_ago_is_forgotten() -> None:
    sent = Sent()
    sent.add(100, 0.0)
    sent.add(100, Sent.REMEMBERED)
    assert sent.between(0.0, 100.0) == 200
    sent.add(100, Sent.REMEMBERED + 0.1)
    assert sent.between(0.0, 100.0) == 200
    assert sent.began == 0.0


def test_an_answer_as_quick_as_the_quickest_met_no_queue_and_a_later_one_did() -> None:
    trips = RoundTrips()
    assert answered(trips, 1.0, WAY) == "clean"
    assert answered(trips, 2.0, WAY + 0.9 * LATE) == "clean" and trips.clean
    assert answered(trips, 3.0, WAY + 0.3) == "queued" and not trips.clean
    assert (trips.newest.left, trips.before.left) == (3.0, 2.0)
    assert trips.newest.queue == pytest.approx(0.3) and trips.before.queue == pytest.approx(0.9 * LATE)


def test_a_first_answer_is_believed_only_if_it_is_quick() -> None:
    trips = RoundTrips()
    assert answered(trips, 1.0, 0.3) == "unsure", "it may have met a queue"
    assert answered(trips, 2.0, 0.3) == "clean"
    assert answered(trips, 3.0, WAY) == "clean" and trips.quickest == pytest.approx(WAY)


def test_an_answer_to_an_older_report_says_nothing() -> None:
    trips = RoundTrips()
    answered(trips, 2.0, WAY)
    before = trips.newest
    assert answered(trips, 2.0, 1.0) == answered(trips, 1.0, 1.0) == "unsure"
    assert trips.newest == before


def test_a_report_that_left_while_a_queue_drains_meets_it_and_says_nothing_new() -> None:
    trips = RoundTrips()
    answered(trips, 1.0, WAY)
    assert answered(trips, 2.0, WAY + 0.3) == "queued"
    assert answered(trips, 2.5, WAY + 0.3, drained=2.6) == "unsure" and not trips.clean


def test_a_queue_that_nothing_is_done_to_by_letting_it_drain_is_a_longer_way() -> None:
    trips = RoundTrips()
    answered(trips, 1.0, WAY)
    assert answered(trips, 2.0, WAY + 0.3) == "queued"
    assert answered(trips, 3.0, WAY + 0.31, drained=2.5) == "unsure"
    assert trips.clean and trips.quickest == pytest.approx(WAY + 0.31)
    assert answered(trips, 4.0, WAY + 0.6) == "queued", "a queue on the longer way is one again"


def test_a_queue_that_grows_or_comes_back_is_one() -> None:
    trips = RoundTrips()
    answered(trips, 1.0, WAY)
    assert answered(trips, 2.0, WAY + 0.3) == "queued"
    assert answered(trips, 3.0, WAY + 0.5) == "queued", "it has grown"
    assert answered(trips, 4.0, WAY) == "clean"
    assert answered(trips, 5.0, WAY + 0.3) == "queued"


def test_what_is_put_in_leaves_at_the_rate_and_a_little_need_not_be_waited_for() -> None:
    backlog = Backlog()
    assert backlog.wait(1000, 0.0) == 0
    backlog.add(2000, 1000, 10.0)
    assert backlog.wait(1000, 10.0) == pytest.approx(2 - QUEUED)
    backlog.add(1000, 1000, 11.0)
    assert backlog.wait(1000, 11.0) == pytest.approx(2 - QUEUED)
    assert backlog.wait(2000, 11.0) == pytest.approx(1 - QUEUED)
    assert backlog.wait(1000, 20.0) == 0


def test_a_queue_is_let_go_before_more_is_sent_but_not_for_long() -> None:
    backlog = Backlog()
    assert backlog.drained == NEVER
    backlog.drain(500, 1000, 10.0)
    assert backlog.wait(1000, 10.0) == pytest.approx(0.5 - QUEUED) and backlog.drained == 10.5
    backlog.drain(1_000_000, 1000, 10.0)
    assert backlog.wait(1000, 10.0) == pytest.approx(MOST_QUEUED - QUEUED)
    backlog.drain(100, 1000, 11.0)
    assert backlog.drained == 10.0 + MOST_QUEUED, "what was sent is still to leave"
