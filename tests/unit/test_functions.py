"""Functions and generators as handlers, apart from a session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from rtstream.handlers.functions import EXHAUSTED, FunctionHandler, GeneratorHandler
from tests.unit.test_forms import logged
from tests.unit.test_handlers import Line


def test_every_yield_of_a_generator_goes_back_for_its_frame() -> None:
    def thrice(frame: Any) -> Iterator[Any]:
        yield from [frame] * 3

    async def async_thrice(frame: Any) -> AsyncIterator[Any]:
        for value in thrice(frame):
            yield value

    (listener,) = FunctionHandler(thrice, ["video"]).listeners().values()
    assert listener.fn(7) == [7, 7, 7] and listener.replies
    (listener,) = FunctionHandler(async_thrice, ["video"]).listeners().values()
    assert asyncio.run(listener.fn(7)) == [7, 7, 7]


def test_a_function_hears_all_kinds_of_its_stream() -> None:
    handler = FunctionHandler(lambda frame: frame, ["audio", "video"])
    assert list(handler.listeners()) == ["audio", "video"]


def test_a_source_gives_what_it_yields_and_then_that_it_is_exhausted() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2

    async def async_source() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        for fn in (source, async_source, logged(source), logged(async_source)):
            handler = GeneratorHandler(fn)
            handler.bind(Line())
            (asked,) = handler.sources()
            given = [asked.fn() for _ in range(3)]
            assert [await value if asyncio.iscoroutine(value) else value for value in given] == [
                1,
                2,
                EXHAUSTED,
            ]

    asyncio.run(main())


def test_a_source_that_never_ran_is_shut_down_without_ado() -> None:
    def source() -> Iterator[int]:
        yield 1

    assert GeneratorHandler(source).shutdown() is None


def test_inputs_without_defaults_are_asked_for_but_not_of_a_telephone() -> None:
    def source(level: int) -> Iterator[int]:
        yield level

    async def main() -> None:
        line, phone = Line(), Line(phone=True)
        GeneratorHandler(source).bind(line)
        GeneratorHandler(source).bind(phone)
        assert len(line.texts) == 1 and phone.texts == []

    asyncio.run(main())
