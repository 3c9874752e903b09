"""What goes wrong in a handler: counted always, told and logged once."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import runpy
import warnings
from pathlib import Path
from typing import Any

import pytest

from rtstream import WebRTCError
from rtstream.clock import Clock, run_stepped
from rtstream.errors import HandlerHung, HandlerRaised, HandlerReturnedNonsense, HandlerUnfit, UsageError
from rtstream.session.reports import AGAIN, HUNG_AFTER, KEPT, Edge, Reports, told, users_code


class Client:
    """What a client was told."""

    def __init__(self) -> None:
        self.texts: list[dict[str, Any]] = []
        self.reports = Reports("one", Clock(), lambda text: self.texts.append(json.loads(text)))


async def raises(error: BaseException) -> None:
    raise error


def test_what_a_call_gives_is_given_and_what_it_raises_is_reported() -> None:
    async def main() -> None:
        client = Client()

        async def seven() -> int:
            return 7

        assert await client.reports.watch(seven()) == 7
        assert await client.reports.watch(raises(ValueError("x"))) is None
        assert client.reports.count == 1 and client.texts[0]["message"] == "x"

    run_stepped(main())


def test_a_failure_can_be_given_to_somebody_else() -> None:
    async def main() -> None:
        client, failures = Client(), list[BaseException]()
        await client.reports.watch(raises(OSError("line")), failed=failures.append)
        assert [str(error) for error in failures] == ["line"]
        assert client.reports.count == 0

    run_stepped(main())


def test_a_call_that_takes_too_long_is_reported_and_goes_on() -> None:
    async def main() -> None:
        client = Client()
        await client.reports.watch(Clock().sleep(HUNG_AFTER - 0.1), hangs=True)
        await client.reports.watch(Clock().sleep(100))
        assert client.reports.count == 0
        await client.reports.watch(Clock().sleep(HUNG_AFTER + 0.1), hangs=True)
        assert isinstance(client.reports.errors[0], HandlerHung)

    run_stepped(main())


def test_a_cancellation_of_ours_goes_on_even_if_it_was_swallowed() -> None:
    async def swallows() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "swallowed"
        return ""

    async def main() -> None:
        client = Client()
        for call in (swallows(), asyncio.Event().wait()):
            task = asyncio.create_task(client.reports.watch(call))
            await Clock().sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert client.reports.count == 0

    run_stepped(main())


def test_an_error_raised_when_cancelled_is_reported_and_the_cancellation_goes_on() -> None:
    async def falls() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("on the way out")

    async def main() -> None:
        client = Client()
        task = asyncio.create_task(client.reports.watch(falls()))
        await Clock().sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.reports.errors[0].what == "on the way out"

    run_stepped(main())


def test_a_cancellation_of_the_users_own_is_an_error() -> None:
    async def main() -> None:
        client = Client()

        async def awaits_a_cancelled_task() -> None:
            own = asyncio.create_task(asyncio.sleep(10))
            own.cancel()
            await own

        assert await client.reports.watch(awaits_a_cancelled_task()) is None
        assert client.reports.errors[0].what == "CancelledError"

    run_stepped(main())


def test_within_says_whether_a_call_came_back() -> None:
    async def main() -> None:
        client = Client()
        assert await client.reports.within(1.0, Clock().sleep(0.5))
        assert not await client.reports.within(1.0, Clock().sleep(5))
        assert await client.reports.within(1.0, raises(ValueError("x")))
        assert client.reports.count == 1
        assert Clock().now() == pytest.approx(1.5)

    run_stepped(main())


def test_within_waits_no_longer_for_a_call_that_will_not_be_cancelled() -> None:
    async def main() -> None:
        let_go = asyncio.Event()

        async def stubborn() -> None:
            while not let_go.is_set():
                try:
                    await let_go.wait()
                except asyncio.CancelledError:
                    pass

        begun = Clock().now()
        assert not await Client().reports.within(1.0, stubborn())
        assert Clock().now() - begun == pytest.approx(1.0)
        let_go.set()
        await Clock().sleep(0.1)

    run_stepped(main())


def test_within_leaves_no_call_behind_when_the_loop_ends_before_it_begins() -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(Client().reports.within(1.0, Clock().sleep(100)))
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_stepped(main())
        gc.collect()


def test_the_same_is_told_again_after_a_while_and_other_things_at_once() -> None:
    async def main() -> None:
        client = Client()
        for _ in range(3):
            client.reports.add(HandlerReturnedNonsense("a"))
        client.reports.add(HandlerReturnedNonsense("b"))
        assert [text["message"] for text in client.texts] == ["a", "b"]
        await Clock().sleep(AGAIN)
        client.reports.add(HandlerReturnedNonsense("a"))
        assert len(client.texts) == 3
        assert client.reports.count == 5

    run_stepped(main())


def test_what_is_remembered_and_kept_is_bounded() -> None:
    async def main() -> None:
        client = Client()
        for number in range(10 * KEPT):
            client.reports.add(HandlerReturnedNonsense(str(number)))
        assert len(client.reports.errors) == KEPT
        assert len(client.reports._told) <= KEPT
        assert client.reports.count == 10 * KEPT

    run_stepped(main())


def test_a_broken_part_is_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        client = Client()
        client.reports.broken(OSError("line"))
        assert client.reports.count == 1 and client.texts == []

    run_stepped(main())
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].session == "one"  # type: ignore[attr-defined]


def error_of(code: str) -> BaseException:
    try:
        exec(compile(code, str(Path("handler.py").resolve()), "exec"))
    except BaseException as error:
        return error
    raise AssertionError("it raised nothing")


def test_an_error_is_told_with_its_kind_and_place() -> None:
    error = told(error_of("x = 1\nraise KeyError('voice')"))
    assert isinstance(error, HandlerRaised)
    assert (error.what, error.why) == ("'voice'", "KeyError at handler.py:2")
    assert isinstance(error.__cause__, KeyError)


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("import json\n\njson.loads('{')", "handler.py:3"),
        ("import numpy as np\nnp.zeros(3).reshape(2)", "handler.py:2"),
    ],
)
def test_an_error_in_a_library_is_told_with_the_users_line_that_called_it(
    tmp_path: Path, code: str, place: str
) -> None:
    file = tmp_path / "handler.py"
    file.write_text(code)
    with pytest.raises(ValueError) as raised:
        runpy.run_path(str(file))
    assert told(raised.value).why.endswith(f" at {place}")


def test_an_error_of_the_call_itself_has_no_place_in_rtstream() -> None:
    async def takes_nothing() -> None: ...

    async def main() -> None:
        client = Client()
        edge = Edge(client.reports, hangs=False)
        await edge.call(takes_nothing, 1)
        assert client.reports.errors[0].why == "TypeError"

    run_stepped(main())


def test_a_generator_that_reads_past_an_end_is_told_with_its_own_line() -> None:
    error = error_of("def reading():\n    yield next(iter(()))\n\nnext(reading())")
    assert told(error).why == "RuntimeError at handler.py:2"


def test_an_error_without_a_place_or_words_is_told_by_its_kind() -> None:
    error = told(ValueError())
    assert (error.what, error.why) == ("ValueError", "ValueError")


def test_an_error_that_cannot_say_what_it_is_is_told_by_its_kind() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert told(Mute()).what == "Mute"


def test_our_own_errors_and_those_for_the_client_keep_their_words() -> None:
    ours = HandlerUnfit("unfit")
    assert told(ours) is ours
    theirs = told(WebRTCError("speak up"))
    assert (theirs.what, theirs.why, theirs.fix) == ("speak up", "", "")


def test_users_code_raises_our_errors_only() -> None:
    with pytest.raises(HandlerRaised) as caught, users_code():
        raise ValueError("x")
    assert isinstance(caught.value.__cause__, ValueError)
    ours = UsageError("usage")
    with pytest.raises(UsageError) as kept, users_code():
        raise ours
    assert kept.value is ours and kept.value.__cause__ is None
    with users_code():
        pass
