"""Whatever ends a connection, it ends once: the handler is shut down, the client told, the place free."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtstream import CloseStream, Stream
from rtstream.clock import Clock, pass_turn
from rtstream.context import get_current_context
from rtstream.media.frames import Heard, Message
from rtstream.session.outcome import EndReason
from rtstream.transports.memory import MemoryTransport
from tests.helpers.handlers import AsyncEcho, Echo, Log, Saying, tone
from tests.helpers.media import Sound, sounds
from tests.helpers.memory import Call, calling, stepped

BOTH = pytest.mark.parametrize("echo", [Echo, AsyncEcho], ids=["sync", "async"])


async def leave(call: Call) -> None:
    call.line.hang_up()


async def say_bye(call: Call) -> None:
    call.say(Message('{"type": "bye"}'))


async def close_it(call: Call) -> None:
    call.session.handler.queue.put_nowait(CloseStream("That is all"))  # type: ignore[attr-defined]


async def wait_for_the_limit(call: Call) -> None:
    await call.ended()


async def stop_the_server(call: Call) -> None:
    await call.stream.sessions.close_all()


async def drain_the_server(call: Call) -> None:
    await call.stream.sessions.drain(0.5)


async def close_from_outside(call: Call) -> None:
    call.stream.update_connection(call.id)


async def cancel_it(call: Call) -> None:
    call.life.cancel()


WAYS = [
    (leave, EndReason.CLIENT_LEFT, None),
    (say_bye, EndReason.CLIENT_LEFT, None),
    (close_it, EndReason.HANDLER_CLOSED, "That is all"),
    (wait_for_the_limit, EndReason.TIME_LIMIT, "The time limit of 3 s is reached"),
    (stop_the_server, EndReason.SERVER_STOPPING, "The server is stopping"),
    (drain_the_server, EndReason.SERVER_STOPPING, "The server is stopping"),
    (close_from_outside, EndReason.HANDLER_CLOSED, "The connection was closed"),
]


@BOTH
@pytest.mark.parametrize(("end", "reason", "words"), WAYS, ids=[way[0].__name__ for way in WAYS])
def test_however_it_ends_it_is_shut_down_once_and_the_client_is_told_why(
    echo: Any, end: Any, reason: EndReason, words: str | None
) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(echo(log), modality="audio", time_limit=3)
        async with calling(stream) as call:
            await call.talk(*sounds(5))
            await call.until_heard(5)
            await end(call)
            session = await call.ended()
        assert session.reason is reason
        assert log.count("start_up") == log.count("shutdown") == 1
        assert log.events[-1] == "shutdown"
        assert call.line.closed
        ended = call.told("end_stream")
        assert ended == ([{"type": "end_stream", "data": words, "reason": reason.value}] if words else [])
        assert len(stream.sessions) == 0

    stepped(main())


def test_what_was_said_at_once_is_heard_after_the_handler_has_begun_to_start_up() -> None:
    """As carriers and programs speak: their first sound comes with the beginning of the call."""

    class Starting(AsyncEcho):
        async def start_up(self) -> None:
            self.queue: asyncio.Queue[Any] = asyncio.Queue()

        async def receive(self, frame: Any) -> None:
            self.queue.put_nowait(frame)

        async def emit(self) -> Any:
            return await self.queue.get()

    async def main() -> None:
        line = MemoryTransport()
        line.say(*sounds(3))
        async with calling(Stream(Starting(Log()), modality="audio"), line) as call:
            await call.until_heard(3)
            assert call.session.errors == []

    stepped(main())


@BOTH
def test_a_connection_that_ends_before_a_word_was_said_is_shut_down_once(echo: Any) -> None:
    async def main() -> None:
        log = Log()
        async with calling(Stream(echo(log), modality="audio")) as call:
            session = await call.hung_up()
        assert session.reason is EndReason.CLIENT_LEFT
        assert log.count("shutdown") == 1

    stepped(main())


class BrokenLine(MemoryTransport):
    """Fails in the midst of the call, as a socket does."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = broken

    async def run(self, hear: Any) -> None:
        if "run" in self.broken:
            raise OSError("the line broke")
        await super().run(hear)

    async def send(self, frame: Any) -> None:
        if "send" in self.broken:
            raise OSError("the line broke")
        await super().send(frame)

    async def send_message(self, text: str) -> None:
        if "send_message" in self.broken:
            raise OSError("the line broke")
        await super().send_message(text)

    async def clear(self) -> None:
        if "clear" in self.broken:
            raise OSError("the line broke")
        await super().clear()

    async def close(self) -> None:
        await super().close()
        if "close" in self.broken:
            raise OSError("the line broke")


@pytest.mark.parametrize(
    "broken",
    [("run",), ("send",), ("send_message",), ("run", "send_message"), ("send", "send_message", "close")],
    ids=" and ".join,
)
def test_a_line_that_breaks_ends_the_connection_and_nothing_else(
    broken: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio", time_limit=5)
        async with calling(stream, BrokenLine(*broken)) as call:
            call.say(*sounds(2), Message("hello"))
            session = await call.ended()
        assert session.reason is EndReason.FAILED
        assert session.stats.errors >= 1
        assert log.count("shutdown") == 1
        assert len(stream.sessions) == 0

    stepped(main())
    assert "the line broke" in caplog.text


def test_a_line_that_breaks_when_it_is_closed_does_not_keep_the_handler_from_its_shutdown() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with calling(stream, BrokenLine("close")) as call:
            session = await call.hung_up()
        assert session.reason is EndReason.CLIENT_LEFT
        assert log.count("shutdown") == 1
        assert len(stream.sessions) == 0

    stepped(main())


class StuckLine(MemoryTransport):
    """A client that does not read: nothing that is sent to it comes to an end."""

    async def send(self, frame: Any) -> None:
        await asyncio.Event().wait()

    async def send_message(self, text: str) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True
        self.hang_up()
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (leave, EndReason.CLIENT_LEFT),
        (wait_for_the_limit, EndReason.TIME_LIMIT),
        (stop_the_server, EndReason.SERVER_STOPPING),
    ],
)
def test_a_client_that_does_not_read_cannot_keep_its_place(end: Any, reason: EndReason) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio", time_limit=10)
        async with calling(stream, StuckLine()) as call:
            call.say(*sounds(5), Message("hello"))
            await Clock().sleep(0.1)
            await end(call)
            session = await call.ended(seconds=20)
        assert session.reason is reason
        assert log.count("shutdown") == 1
        assert len(stream.sessions) == 0

    stepped(main())


def test_a_connection_that_is_cancelled_is_cleaned_up_and_says_that_it_was_cancelled() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        line = MemoryTransport()
        life = asyncio.ensure_future(stream.run(line, "caller"))
        await pass_turn()
        session = stream.sessions.get("caller")
        await Clock().sleep(1)
        life.cancel()
        with pytest.raises(asyncio.CancelledError):
            await life
        assert session.reason is EndReason.SERVER_STOPPING
        assert log.count("shutdown") == 1
        assert line.closed
        assert len(stream.sessions) == 0

    stepped(main())


def test_the_first_reason_counts() -> None:
    async def main() -> None:
        async with calling(Stream(AsyncEcho(), modality="audio")) as call:
            call.session.end(EndReason.TIME_LIMIT, "first")
            call.session.end(EndReason.FAILED, "second")
            session = await call.ended()
        assert session.reason is EndReason.TIME_LIMIT
        assert call.told("end_stream")[0]["data"] == "first"

    stepped(main())


def test_what_was_given_before_close_stream_is_played_to_its_end() -> None:
    async def main() -> float:
        things = [tone(seconds=1.0), (tone(seconds=0.5), CloseStream("bye"))]
        async with calling(Stream(Saying(*things), modality="audio"), MemoryTransport(lead=0.3)) as call:
            session = await call.ended()
            assert session.reason is EndReason.HANDLER_CLOSED
            assert session.stats.seconds_out == pytest.approx(1.5)
        return Clock().now()

    assert stepped(main()) == pytest.approx(1.5, abs=0.1)


def test_after_close_stream_the_handler_is_not_asked_again() -> None:
    class Closing(Saying):
        async def emit(self) -> Any:
            self.asked += 1
            return CloseStream()

    async def main() -> None:
        async with calling(Stream(Closing(), modality="audio")) as call:
            handler = call.session.handler
            await call.ended()
        assert isinstance(handler, Closing)
        assert handler.asked == 1

    stepped(main())


def test_close_stream_ends_a_call_whose_pictures_would_go_on_for_ever() -> None:
    from tests.session.test_cells import AsyncShow

    class Closing(AsyncShow):
        async def emit(self) -> Any:
            await Clock().sleep(0.5)
            return CloseStream("cut")

    async def main() -> None:
        async with calling(Stream(Closing(), modality="audio-video")) as call:
            session = await call.ended(seconds=5)
        assert session.reason is EndReason.HANDLER_CLOSED

    stepped(main())


def test_a_function_may_close_the_stream_too() -> None:
    def answer(frame: Sound) -> Any:
        return frame, CloseStream("enough")

    async def main() -> None:
        async with calling(Stream(answer, modality="audio")) as call:
            call.say(*sounds(1))
            session = await call.ended()
        assert session.reason is EndReason.HANDLER_CLOSED
        assert len(call.heard()) == 1

    stepped(main())


def test_a_source_that_is_exhausted_ends_the_connection_when_all_of_it_was_played() -> None:
    def source() -> Any:
        for _ in range(10):
            yield tone(seconds=0.1)

    async def main() -> float:
        async with calling(Stream(source, modality="audio", mode="receive")) as call:
            session = await call.ended()
        assert session.reason is EndReason.SOURCE_ENDED
        assert session.stats.seconds_out == pytest.approx(1.0)
        assert call.told("end_stream")[0]["reason"] == "source_ended"
        return Clock().now()

    assert stepped(main()) == pytest.approx(1.0, abs=0.1)


def test_the_time_limit_is_counted_from_the_connection_and_told() -> None:
    async def main() -> None:
        async with calling(Stream(AsyncEcho(), modality="audio", time_limit=2.5)) as call:
            begun = Clock().now()
            session = await call.ended()
            assert Clock().now() - begun == pytest.approx(2.5, abs=0.05)
        assert session.reason is EndReason.TIME_LIMIT

    stepped(main())


def test_a_telephone_is_told_nothing_but_is_hung_up() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", time_limit=1)
        async with calling(stream, MemoryTransport(phone=True, rate=8000)) as call:
            call.say(Message("x"))
            session = await call.ended()
        assert session.reason is EndReason.TIME_LIMIT
        assert call.line.messages == []
        assert call.line.closed

    stepped(main())


def test_shutdown_that_raises_is_reported_and_the_place_is_free() -> None:
    class Falling(AsyncEcho):
        async def shutdown(self) -> None:
            await super().shutdown()
            raise ValueError("cannot let go")

    async def main() -> None:
        log = Log()
        stream = Stream(Falling(log), modality="audio")
        async with calling(stream) as call:
            session = await call.hung_up()
        assert [error.what for error in session.errors] == ["cannot let go"]
        assert log.count("shutdown") == 1
        assert len(stream.sessions) == 0

    stepped(main())


@pytest.mark.parametrize("coroutine", [True, False], ids=["async", "sync"])
def test_shutdown_that_hangs_is_reported_and_the_place_is_free(coroutine: bool) -> None:
    import threading

    class Hanging(AsyncEcho):
        async def shutdown(self) -> None:
            await asyncio.Event().wait()

    class HangingSync(Echo):
        def shutdown(self) -> None:
            threading.Event().wait()

    async def main() -> None:
        stream = Stream(Hanging() if coroutine else HangingSync(), modality="audio")
        async with calling(stream) as call:
            session = await call.hung_up()
        assert [error.code for error in session.errors] == ["RT3007"]
        assert len(stream.sessions) == 0

    stepped(main())


def test_shutdown_knows_its_connection() -> None:
    seen: list[str] = []

    class Asking(AsyncEcho):
        async def shutdown(self) -> None:
            seen.append(get_current_context().webrtc_id)

    async def main() -> None:
        async with calling(Stream(Asking(), modality="audio"), id="who") as call:
            await call.hung_up()

    stepped(main())
    assert seen == ["who"]


def test_a_connection_that_was_never_made_is_abandoned_with_one_shutdown() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        line = MemoryTransport()
        session = stream._admitted("caller", line)
        await session.abandon(EndReason.NEVER_CONNECTED)
        assert session.reason is EndReason.NEVER_CONNECTED
        assert log.events == ["made", "made", "shutdown"]
        assert line.closed

    stepped(main())


def test_texts_that_wait_are_sent_before_the_goodbye() -> None:
    class Talkative(AsyncEcho):
        async def start_up(self) -> None:
            for number in range(5):
                await self.send_message(f'{{"type": "log", "data": {number}}}')
            self.queue.put_nowait(CloseStream())

    async def main() -> None:
        async with calling(Stream(Talkative(), modality="audio")) as call:
            await call.ended()
        assert [message.get("data") for message in call.told()] == [0, 1, 2, 3, 4, "Stream closed"]

    stepped(main())


def test_a_task_that_refuses_to_be_cancelled_does_not_hold_up_the_end() -> None:
    class Stubborn(AsyncEcho):
        free = asyncio.Event()

        async def receive(self, frame: Sound) -> None:
            while not self.free.is_set():
                try:
                    await self.free.wait()
                except asyncio.CancelledError:
                    continue

    async def main() -> None:
        log = Log()
        Stubborn.free = asyncio.Event()
        async with calling(Stream(Stubborn(log), modality="audio")) as call:
            await call.talk(*sounds(2))
            session = await call.hung_up()
        assert session.reason is EndReason.CLIENT_LEFT
        assert log.count("shutdown") == 1
        Stubborn.free.set()
        await Clock().sleep(1)

    stepped(main())


def test_words_heard_after_the_end_change_nothing() -> None:
    class Late(MemoryTransport):
        hear: Any = None

        async def run(self, hear: Any) -> None:
            self.hear = hear
            await super().run(hear)

    async def main() -> None:
        line = Late()
        async with calling(Stream(AsyncEcho(), modality="audio"), line) as call:
            await pass_turn()
            await call.hung_up()
        late: list[Heard] = [*sounds(1), Message("late")]
        for frame in late:
            line.hear(frame)
        await Clock().sleep(1)
        assert call.heard() == []

    stepped(main())
