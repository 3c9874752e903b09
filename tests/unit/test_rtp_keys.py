"""Telephone keys (RFC 4733): told once, whatever is repeated or lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rtstream.rtp.keys import KEYS, Keys, Pressed, payload


def test_a_key_is_told_once_when_it_is_let_go_however_often_that_is_said() -> None:
    digits, told = Keys(), []
    for ticks in (160, 320, 480):
        told += digits.take(payload("5", ticks, end=False), 1000)
    for _ in range(3):
        told += digits.take(payload("5", 800, end=True), 1000)
    assert told == [Pressed("5", 0.1)]


def test_the_same_key_again_is_another_key() -> None:
    digits = Keys()
    told = [*digits.take(payload("#", 800, end=True), 1), *digits.take(payload("#", 800, end=True), 2000)]
    assert [digit.key for digit in told] == ["#", "#"]


def test_a_key_whose_end_was_lost_is_told_when_the_next_begins() -> None:
    digits = Keys(48_000)
    assert digits.take(payload("1", 4800, end=False), 1) == []
    assert digits.take(payload("2", 960, end=False), 9000) == [Pressed("1", 0.1)]


@given(st.lists(st.tuples(st.binary(max_size=6), st.integers(0, 5)), max_size=40))
def test_any_bytes_are_keys_or_none(came: list[tuple[bytes, int]]) -> None:
    digits = Keys()
    assert all(digit.key in KEYS for data, stamp in came for digit in digits.take(data, stamp))
