"""All connections of a stream: places taken, kept, given back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtstream import Stream
from rtstream.clock import Clock, pass_turn
from rtstream.errors import (
    AlreadyConnected,
    ServerStopping,
    TooManyConnections,
    UnknownConnection,
)
from rtstream.session.outcome import EndReason
from rtstream.session.registry import Sessions
from rtstream.session.session import Session
from rtstream.transports.memory import MemoryTransport
from tests.helpers.handlers import AsyncEcho
from tests.helpers.memory import calling, stepped


def test_places_are_counted_and_given_back() -> None:
    sessions = Sessions(2)
    sessions.reserve("a")
    sessions.reserve("b")
    assert len(sessions) == 2 and "a" in sessions
    with pytest.raises(TooManyConnections) as caught:
        sessions.reserve("c")
    assert caught.value.meta == {"limit": 2, "retry_after": 5}
    sessions.release("a")
    sessions.release("a")
    sessions.reserve("c")
    assert "a" not in sessions


def test_an_id_is_taken_once_and_that_is_said_before_the_limit() -> None:
    sessions = Sessions(1)
    sessions.reserve("a")
    with pytest.raises(AlreadyConnected):
        sessions.reserve("a")


def test_without_a_limit_there_is_none() -> None:
    sessions = Sessions(None)
    for number in range(1000):
        sessions.reserve(str(number))
    assert len(sessions) == 1000


def test_whether_there_is_a_place_can_be_asked_without_taking_one() -> None:
    sessions = Sessions(1)
    assert not sessions.full and not Sessions(None).full
    sessions.reserve("a")
    assert sessions.full
    sessions.release("a")
    asyncio.run(sessions.drain(0))
    assert sessions.full  # nobody is taken any more


def test_a_place_is_given_back_when_what_is_done_with_it_fails() -> None:
    sessions = Sessions(1)
    with pytest.raises(ValueError, match="no"), sessions.place("a"):
        raise ValueError("no")
    assert len(sessions) == 0
    with sessions.place("a"):
        pass
    assert len(sessions) == 1


def test_a_reserved_place_has_no_session_yet() -> None:
    sessions = Sessions(1)
    sessions.reserve("a")
    assert list(sessions) == []
    for id in ("a", "b"):
        with pytest.raises(UnknownConnection):
            sessions.get(id)


def test_who_is_live_can_be_looked_up_and_gone_through() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=2)
        async with calling(stream, id="a") as a, calling(stream, id="b") as b:
            assert stream.sessions.get("a") is a.session
            assert [session.id for session in stream.sessions] == ["a", "b"]
            assert stream.connections == {"a": [a.session], "b": [b.session]}
            assert stream.handlers == {"a": a.session.handler, "b": b.session.handler}
        assert list(stream.sessions) == []

    stepped(main())


def test_closing_all_waits_until_all_are_cleaned_up_and_lets_new_ones_come() -> None:
    class Slow(AsyncEcho):
        async def shutdown(self) -> None:
            await Clock().sleep(2)

    async def main() -> None:
        stream = Stream(Slow(), modality="audio", concurrency_limit=3)
        async with calling(stream, id="a") as a, calling(stream, id="b") as b:
            begun = Clock().now()
            await stream.sessions.close_all()
            assert Clock().now() - begun == pytest.approx(2)
            assert len(stream.sessions) == 0
            for call in (a, b):
                session = await call.ended()
                assert session.reason is EndReason.SERVER_STOPPING
        async with calling(stream, id="c") as c:
            await c.hung_up()
        await stream.sessions.close_all()

    stepped(main())


@pytest.mark.parametrize(("leaves_after", "told"), [(1.0, False), (60.0, True)])
def test_draining_lets_calls_end_by_themselves_for_a_while_and_takes_no_new_ones(
    leaves_after: float, told: bool
) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=2)
        async with calling(stream) as call:
            draining = asyncio.create_task(stream.sessions.drain(5))
            await pass_turn()
            with pytest.raises(ServerStopping) as caught:
                await stream.run(MemoryTransport(), "late")
            assert caught.value.meta["retry_after"] == 5
            if leaves_after < 5:
                await Clock().sleep(leaves_after)
                call.line.hang_up()
            await draining
            assert Clock().now() == pytest.approx(min(leaves_after, 5), abs=0.1)
            assert bool(call.told("end_stream")) is told

    stepped(main())


def test_what_was_drained_may_be_opened_again() -> None:
    sessions = Sessions(1)
    asyncio.run(sessions.drain(0))
    with pytest.raises(ServerStopping):
        sessions.reserve("a")
    sessions.reopen()
    sessions.reserve("a")


def test_what_starts_while_the_server_stops_is_ended_at_once() -> None:
    """Its offer was being answered when the stop came."""

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        session = stream._admitted("a", MemoryTransport())
        await stream.sessions.drain(0)
        await stream.sessions.start(session, session.run)
        assert session.reason is EndReason.SERVER_STOPPING

    stepped(main())


def test_a_life_that_fails_frees_its_place() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        session: Session = stream._admitted("a", MemoryTransport())

        async def fails() -> Any:
            raise OSError("broken")

        with pytest.raises(OSError):
            await stream.sessions.start(session, fails)
        assert len(stream.sessions) == 0

    stepped(main())
