"""What the log tells of calls: enough to find one by its id, and no more than a line for each end of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from rtstream import Stream
from rtstream.clock import Clock
from rtstream.context import Call
from rtstream.errors import HandlerRaised, TooManyConnections
from rtstream.session.outcome import EndReason
from rtstream.session.registry import Sessions
from rtstream.transports.memory import MemoryTransport
from tests.helpers.handlers import AsyncEcho
from tests.helpers.memory import calling, stepped
from tests.unit.signals import sound


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "rtstream")
    return caplog


def test_a_call_is_one_line_when_it_begins_and_one_with_its_reason_when_it_ends(
    log: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with calling(Stream(AsyncEcho(), modality="audio"), id="7f3a") as call:
            await call.talk(*[sound(440, 0.02, 48000)] * 100)
            await call.hung_up()

    stepped(main())
    begun, ended = log.records
    assert begun.getMessage() == "'7f3a' begins over memory; live: 1"
    assert ended.getMessage().startswith("'7f3a' ended after 2.0 s: client_left; frames in 100, out ")
    assert ended.getMessage().endswith("dropped 0; errors 0; live: 0")
    for record in (begun, ended):
        assert (record.name, record.levelname) == ("rtstream.calls", "INFO")
        assert record.session == "7f3a"  # type: ignore[attr-defined]


def test_a_telephone_call_is_told_by_its_carriers_id_and_not_by_its_numbers(
    log: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        call = Call("twilio", "CA12", "+4930123", "+4930456", {"secret": "canary"})
        with stream.sessions.place("MZ1"):
            session = stream.session("MZ1", MemoryTransport(), call)
        session.end(EndReason.TIME_LIMIT)
        await stream.sessions.start(session, session.run)

    stepped(main())
    assert log.records[0].getMessage() == "'MZ1' begins over memory, call 'CA12' of twilio; live: 1"
    assert "time_limit" in log.records[1].getMessage()
    assert "+4930" not in log.text and "canary" not in log.text


def test_an_id_that_a_client_chose_makes_no_line_of_its_own(log: pytest.LogCaptureFixture) -> None:
    id = "x\n2026-01-01 ERROR forged " + "y" * 200

    async def main() -> None:
        async with calling(Stream(AsyncEcho(), modality="audio"), id=id) as call:
            await call.hung_up()

    stepped(main())
    for record in log.records:
        assert "\n" not in record.getMessage() and len(record.getMessage()) < 250


def test_a_connection_that_fails_ends_in_the_log_too(log: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise OSError("broken")

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        session = stream._admitted("a", MemoryTransport())
        with pytest.raises(OSError):
            await stream.sessions.start(session, fails)

    stepped(main())
    assert "'a' ended after 0.0 s: failed" in log.records[-1].getMessage()


def test_a_full_house_is_a_warning_once_until_a_place_was_free_again(log: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=1)
        for _ in range(2):
            async with calling(stream, id="one") as call:
                for _ in range(50):
                    with pytest.raises(TooManyConnections):
                        await stream.run(MemoryTransport())
                await call.hung_up()

    stepped(main())
    warnings = [record.getMessage() for record in log.records if record.levelno == logging.WARNING]
    assert warnings == ["all places are taken: callers are turned away (concurrency_limit=1)"] * 2


def test_a_stopping_server_is_not_called_full(log: pytest.LogCaptureFixture) -> None:
    sessions = Sessions(1)
    asyncio.run(sessions.drain(0))
    assert sessions.full
    sessions.turned_away()
    assert not log.records


def test_a_handler_that_cannot_be_made_is_an_error_with_its_place_and_the_calls_id(
    log: pytest.LogCaptureFixture,
) -> None:
    class Broken(AsyncEcho):
        def copy(self) -> Any:
            raise ValueError("no memory on the GPU")

    async def main() -> None:
        stream = Stream(Broken(), modality="audio")
        with pytest.raises(HandlerRaised):
            await stream.run(MemoryTransport(), "7f3a")
        assert len(stream.sessions) == 0

    stepped(main())
    (record,) = log.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "RT3005: no handler for '7f3a': no memory on the GPU"
    assert record.session == "7f3a"  # type: ignore[attr-defined]
    assert record.exc_info is not None and isinstance(record.exc_info[1], ValueError)


def test_a_handler_that_takes_long_to_make_is_a_warning(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All calls wait for it meanwhile, and nothing else would tell."""
    moments = iter([10.0, 12.3])
    monkeypatch.setattr("rtstream.engine.Clock", lambda: clock_of(lambda: next(moments)))

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        stream.session("slow", MemoryTransport())

    stepped(main())
    (record,) = log.records
    assert record.getMessage().startswith("it took 2.3 s to make the handler of 'slow'")


def clock_of(now: Any) -> Clock:
    clock = Clock()
    clock.now = now
    return clock


def test_two_calls_that_are_given_one_handler_are_an_error(log: pytest.LogCaptureFixture) -> None:
    class Same(AsyncEcho):
        def copy(self) -> Any:
            return self

    async def main() -> None:
        stream = Stream(Same(), modality="audio", concurrency_limit=2)
        async with calling(stream, id="one"):
            pass
        async with calling(stream, id="two"), calling(stream, id="three"):
            pass

    stepped(main())
    (error,) = [record for record in log.records if record.levelno == logging.ERROR]
    assert "the handler of 'three' serves another call already" in error.getMessage()
