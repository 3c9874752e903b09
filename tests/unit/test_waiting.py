"""Waiting for what a handler's own tasks put into a queue."""

from __future__ import annotations

import asyncio
import queue
from typing import Any

import pytest

from rtstream import wait_for_item
from rtstream.errors import OptionError


def test_an_item_is_had_at_once_and_its_absence_after_the_time() -> None:
    async def main() -> None:
        waiting: asyncio.Queue[int] = asyncio.Queue()
        waiting.put_nowait(7)
        assert await wait_for_item(waiting) == 7
        assert await wait_for_item(waiting, timeout=0.001) is None

    asyncio.run(main())


@pytest.mark.parametrize("kind", [queue.Queue, queue.LifoQueue, queue.SimpleQueue])
def test_a_queue_for_threads_is_refused_and_does_not_stop_the_loop(kind: Any) -> None:
    async def main() -> None:
        with pytest.raises(OptionError, match="given a") as caught:
            await wait_for_item(kind())
        assert "asyncio.Queue()" in (caught.value.fix or "")

    asyncio.run(main())
