"""A queue bounded in seconds or in pictures."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from rtstream.clock import Clock, pass_turn, run_stepped
from rtstream.session.queue import FrameQueue


@dataclass
class Piece:
    name: int
    duration: float = 0.5


def pieces(count: int, duration: float = 0.5) -> list[Piece]:
    return [Piece(number, duration) for number in range(count)]


async def all_of(queue: FrameQueue[Piece]) -> list[int]:
    return [(await queue.pop()).name for _ in range(len(queue))]


def test_without_room_the_oldest_go_and_are_counted() -> None:
    async def main() -> None:
        queue = FrameQueue[Piece](room=2.0)
        for piece in pieces(10):
            queue.push(piece)
        assert queue.dropped == 6 and queue.seconds == 2.0
        assert await all_of(queue) == [6, 7, 8, 9]
        assert queue.seconds == 0.0

    run_stepped(main())


def test_one_is_kept_however_long_it_is() -> None:
    async def main() -> None:
        queue = FrameQueue[Piece](room=2.0)
        queue.push(Piece(1, 100.0))
        assert (len(queue), queue.dropped) == (1, 0)
        queue.push(Piece(2, 100.0))
        assert (len(queue), queue.dropped) == (1, 1)

    run_stepped(main())


def test_pictures_are_bounded_by_number() -> None:
    async def main() -> None:
        queue = FrameQueue[Piece](most=2)
        for piece in pieces(5, 0.0):
            queue.push(piece)
        assert await all_of(queue) == [3, 4]
        assert queue.dropped == 3

    run_stepped(main())


def test_who_gives_waits_while_more_is_ahead_than_may_be() -> None:
    async def main() -> None:
        queue = FrameQueue[Piece]()
        given: list[int] = []

        async def give() -> None:
            for piece in pieces(6):
                await queue.put(piece, 1.0)
                given.append(piece.name)

        giving = asyncio.create_task(give())
        await Clock().sleep(1)
        assert given == [0, 1] and len(queue) == 3
        await queue.pop()
        await Clock().sleep(1)
        assert given == [0, 1, 2] and len(queue) == 3
        queue.clear()
        await Clock().sleep(1)
        assert given[-1] >= 3
        queue.clear()
        await giving

    run_stepped(main())


def test_who_gives_waits_while_more_pictures_are_ahead_than_may_be() -> None:
    async def main() -> None:
        queue = FrameQueue[Piece](most=1)
        await queue.put(Piece(1, 0.0), 60.0)
        giving = asyncio.create_task(queue.put(Piece(2, 0.0), 60.0))
        await Clock().sleep(1)
        assert not giving.done()
        await queue.pop()
        await giving

    run_stepped(main())


def test_giving_one_after_another_lets_others_have_a_turn() -> None:
    async def main() -> None:
        queue = FrameQueue[Piece]()
        turns: list[str] = []

        async def other() -> None:
            for _ in range(5):
                turns.append("other")
                await pass_turn()

        task = asyncio.create_task(other())
        for piece in pieces(5):
            await queue.put(piece, 60.0)
            turns.append("giver")
        await task
        assert turns[1:7] == ["other", "giver", "other", "giver", "other", "giver"]

    run_stepped(main())


def test_who_takes_waits_for_a_frame() -> None:
    async def main() -> None:
        queue = FrameQueue[Piece]()
        for waiting in (queue.pop(), queue.wait()):
            task = asyncio.create_task(waiting)
            await Clock().sleep(1)
            assert not task.done()
            queue.push(Piece(7))
            queue.push(Piece(8))
            await task
            assert len(queue) >= 1
            await queue.wait()
            queue.clear()

    run_stepped(main())


def test_who_stops_waiting_for_a_frame_takes_none() -> None:
    async def main() -> None:
        queue = FrameQueue[Piece]()
        task = asyncio.create_task(queue.pop())
        await Clock().sleep(1)
        task.cancel()
        queue.push(Piece(7))
        await asyncio.wait([task])
        assert task.cancelled() and len(queue) == 1

    run_stepped(main())


@given(st.lists(st.floats(0.001, 1.0), max_size=60), st.floats(0.1, 3.0))
def test_what_goes_in_comes_out_or_is_counted(durations: list[float], room: float) -> None:
    async def main() -> None:
        queue = FrameQueue[Piece](room=room)
        for number, duration in enumerate(durations):
            queue.push(Piece(number, duration))
            assert queue.seconds <= room + 1e-9 or len(queue) == 1
        kept = await all_of(queue)
        assert len(kept) + queue.dropped == len(durations)
        assert kept == list(range(len(durations) - len(kept), len(durations)))

    run_stepped(main())
