"""Additional outputs on their way to whoever reads them."""

from __future__ import annotations

import asyncio
import json

from rtstream import AdditionalOutputs
from rtstream.clock import Clock, run_stepped
from rtstream.session.feed import KEPT, Feed


def test_what_was_put_is_taken_in_order_and_then_waited_for() -> None:
    async def main() -> None:
        feed = Feed(lambda text: None)
        for number in range(3):
            feed.put(AdditionalOutputs(number))
        taken = [await feed.next() for _ in range(3)]
        assert [outputs.args for outputs in taken if outputs] == [(0,), (1,), (2,)]
        waiting = asyncio.create_task(feed.next())
        await Clock().sleep(1)
        assert not waiting.done()
        feed.put(AdditionalOutputs("late"))
        late = await waiting
        assert late is not None and late.args == ("late",)

    run_stepped(main())


def test_after_the_end_the_rest_can_be_read_and_then_it_is_over_for_all() -> None:
    async def main() -> None:
        feed = Feed(lambda text: None)
        waiting = [asyncio.create_task(feed.next()) for _ in range(2)]
        await Clock().sleep(1)
        feed.put(AdditionalOutputs(1))
        feed.end()
        first, second = await asyncio.gather(*waiting)
        assert first is not None and second is None
        assert await feed.next() is None

    run_stepped(main())


def test_what_nobody_reads_is_bounded() -> None:
    async def main() -> None:
        feed = Feed(lambda text: None)
        for number in range(KEPT + 3):
            feed.put(AdditionalOutputs(number))
        oldest = await feed.next()
        assert oldest is not None and oldest.args == (3,)

    run_stepped(main())


def test_a_client_that_takes_the_outputs_is_sent_them_and_nobody_else_is() -> None:
    async def main() -> None:
        told: list[str] = []
        feed = Feed(told.append)
        feed.put(AdditionalOutputs(1))
        feed.deliver()
        feed.put(AdditionalOutputs("two", 3))
        feed.end()
        assert [json.loads(text) for text in told] == [
            {"type": "fetch_output", "data": []},
            {"type": "output", "data": [1]},
            {"type": "output", "data": ["two", 3]},
        ]
        assert await feed.next() is None

    run_stepped(main())
