"""The reorder buffer: order without delay, patience that follows the network, and nothing twice."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from rtstream.rtp.reorder import LEAST_WAIT, MOST_HELD, MOST_WAIT, Reorder


def through(arrivals: list[tuple[float, int]], buffer: Reorder[int]) -> list[tuple[float, int, int]]:
    """What comes out of a buffer whose deadlines are kept: `(when, missing, number)`."""
    out: list[tuple[float, int, int]] = []
    for at, number in [*sorted(arrivals), (1e9, -1)]:
        while (deadline := buffer.deadline) is not None and deadline <= at:
            out += [(deadline, missing, item) for missing, item in buffer.poll(deadline)]
        if number >= 0:
            out += [(at, missing, item) for missing, item in buffer.push(number, number, at)]
    return out


def test_packets_in_order_go_through_at_once() -> None:
    arrivals = [(0.02 * n, n) for n in range(500)]
    buffer: Reorder[int] = Reorder()
    assert through(arrivals, buffer) == [(at, 0, n) for at, n in arrivals]


def test_one_that_was_overtaken_takes_its_place() -> None:
    out = through([(0, 1), (0.02, 3), (0.025, 2), (0.06, 4)], Reorder())
    assert [(missing, number) for _, missing, number in out] == [(0, 1), (0, 2), (0, 3), (0, 4)]


def test_one_that_is_lost_is_given_up_and_what_is_behind_it_comes_by_the_deadline() -> None:
    out = through([(0, 1), (0.04, 3)], Reorder())
    assert out[-1][1:] == (1, 3)
    assert 0.04 < out[-1][0] <= 0.04 + MOST_WAIT


def test_a_duplicate_is_dropped_wherever_the_first_one_is() -> None:
    buffer: Reorder[int] = Reorder()
    out = through([(0, 1), (0.001, 1), (0.02, 3), (0.021, 3), (0.025, 2), (0.026, 3)], buffer)
    assert [number for _, _, number in out] == [1, 2, 3]
    assert (buffer.duplicates, buffer.late) == (3, 0)


def test_patience_grows_with_the_lateness_seen_and_shrinks_again() -> None:
    buffer: Reorder[int] = Reorder()
    through([(0, 1), (0.02, 3), (0.09, 2)], buffer)
    assert buffer.late == 1
    assert 0.07 < buffer.wait(0.09) <= MOST_WAIT
    assert buffer.wait(10.09) < 0.05
    assert buffer.wait(1000) == LEAST_WAIT
    buffer.push(5, 5, 0.1), buffer.push(4, 4, 0.101)
    assert buffer.wait(0.101) > 0.07, "a small lateness does not make it forget a great one"


def test_a_flood_of_numbers_behind_a_gap_is_not_held_without_bound() -> None:
    buffer: Reorder[int] = Reorder()
    buffer.push(0, 0, 0)
    out = [item for number in range(2, 300) for item in buffer.push(number, number, 0)]
    assert len(out) >= 298 - MOST_HELD


def test_a_great_gap_costs_no_more_than_a_small_one() -> None:
    buffer: Reorder[int] = Reorder()
    buffer.push(0, 0, 0)
    buffer.push(3000, 3000, 1)
    assert buffer.poll(2) == [(2999, 3000)]


@given(st.lists(st.tuples(st.integers(0, 120), st.floats(0, 0.2)), max_size=120))
def test_whatever_comes_comes_out_once_and_in_order(sent: list[tuple[int, float]]) -> None:
    arrivals = [(0.02 * number + delay, number) for number, delay in sent]
    out = through(arrivals, Reorder())
    numbers = [number for _, _, number in out]
    assert numbers == sorted(set(numbers))
    first = min(arrivals)[1] if arrivals else 0
    counted = sum(missing + 1 for _, missing, _ in out)
    assert not out or counted == numbers[-1] - first + 1


def test_at_ten_percent_loss_and_jitter_the_median_delay_is_small_and_nothing_else_is_lost() -> None:
    chance = random.Random(7)
    for jitter, loss in ((0.0, 0.1), (0.06, 0.1), (0.06, 0.3)):
        arrivals = [(0.02 * n + chance.uniform(0, jitter), n) for n in range(3000) if chance.random() >= loss]
        came = {n: at for at, n in arrivals}
        out = through(arrivals, Reorder())
        delays = sorted(at - came[n] for at, _, n in out)
        assert delays[len(delays) // 2] <= 0.1, (jitter, loss)
        assert len(out) >= 0.98 * len(arrivals), (jitter, loss)
    # With loss alone only what stands right behind a gap waits.
