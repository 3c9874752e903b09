"""What is said again, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from rtstream.clock import run_stepped
from rtstream.transports.again import Again


def said(use: Callable[[Again, Callable[[], None]], None], again: Again) -> list[float]:
    """When something was said, that was begun at 0."""
    times: list[float] = []

    async def main() -> None:
        use(again, lambda: times.append(asyncio.get_running_loop().time()))
        await asyncio.sleep(100)

    run_stepped(main())
    return times


def test_each_pause_is_twice_the_one_before_until_it_was_said_often_enough() -> None:
    times = said(lambda again, say: again.begin(say), Again(0.1, 4))
    assert times == pytest.approx([0.1, 0.3, 0.7, 1.5])


def test_what_begins_takes_the_place_of_what_was_said_before() -> None:
    def use(again: Again, say: Callable[[], None]) -> None:
        again.begin(say)
        again.begin(lambda: None)

    assert said(use, Again(0.1)) == []


def test_what_is_said_may_end_it() -> None:
    def use(again: Again, say: Callable[[], None]) -> None:
        def once() -> None:
            say()
            again.end()

        again.begin(once)

    assert said(use, Again(0.1)) == pytest.approx([0.1])


def test_what_never_began_can_end() -> None:
    assert said(lambda again, _: again.end(), Again(0.1)) == []
