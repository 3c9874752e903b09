"""Which connection the running code belongs to."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from rtstream import Context, get_current_context
from rtstream.context import Line, current_line


class Somewhere:
    def __init__(self, id: str) -> None:
        self.context = Context(id)


def test_outside_a_handler_there_is_no_context() -> None:
    with pytest.raises(RuntimeError, match="^No context found"):
        get_current_context()


def test_a_context_names_its_connection_and_has_a_socket_only_on_one() -> None:
    assert Context("x") == Context(webrtc_id="x", websocket=None)


def test_tasks_have_the_context_of_who_began_them() -> None:
    async def session(id: str) -> list[str]:
        current_line.set(cast(Line, Somewhere(id)))

        async def own() -> str:
            return get_current_context().webrtc_id

        return [await own(), *await asyncio.gather(own(), asyncio.create_task(own()))]

    async def main() -> Any:
        return await asyncio.gather(session("one"), session("two"))

    assert asyncio.run(main()) == [["one"] * 3, ["two"] * 3]
