"""Calls over a WebSocket in FastRTC's dialect, through uvicorn."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection

from rtstream import AdditionalOutputs, CloseStream, Stream, get_current_context
from rtstream.session.outcome import EndReason
from rtstream.transports import websocket
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho, Echo, Interrupted, Log, tone
from tests.helpers.memory import left_threads
from tests.helpers.server import mounted, read_all, serving, until
from tests.helpers.sockets import socket_caller, spoken_to
from tests.unit.signals import pitch

pytestmark = pytest.mark.network

MEDIA = {"event": "media", "media": {"payload": "//////////8="}}


@pytest.mark.parametrize("echo", [Echo, AsyncEcho], ids=["sync", "async"])
def test_an_echo_comes_back_over_a_socket(echo: Any) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(echo(log), modality="audio")
        async with serving(stream) as server:
            async with socket_caller(server) as client:
                await client.start()
                await client.talk(0.4)
                assert pitch(await client.hears(0.3), 48000) == pytest.approx(440, abs=5)
                session = stream.sessions.get(client.id)
                await client.send(event="stop")
                assert await client.closed() == (1000, "")
            await server.empty()
        assert session.reason is EndReason.CLIENT_LEFT
        assert log.count("shutdown") == 1

    run(main())
    assert not left_threads()


def test_the_client_speaks_at_the_handlers_input_rate_and_hears_its_output_rate() -> None:
    rates: set[int] = set()

    class Rated(AsyncEcho):
        async def receive(self, frame: Any) -> None:
            rates.add(frame[0])
            await super().receive(frame)

    async def main() -> None:
        handler = Rated(input_sample_rate=16000, output_sample_rate=24000)
        async with serving(Stream(handler, modality="audio")) as server:
            async with socket_caller(server, rate=16000) as client:
                await client.start()
                await client.talk(0.4)
                assert pitch(await client.hears(0.3, 24000), 24000) == pytest.approx(440, abs=5)
        assert rates == {16000}

    run(main())


def test_messages_and_outputs_travel_on_the_socket() -> None:
    class Talkative(AsyncEcho):
        async def start_up(self) -> None:
            assert get_current_context().websocket is not None
            await self.send_message('{"type": "log", "data": "hello"}')
            self.queue.put_nowait(AdditionalOutputs("a", 1))

    async def main() -> None:
        stream = Stream(Talkative(), modality="audio")
        async with serving(stream) as server, socket_caller(server) as client:
            await client.start()
            assert (await client.told("type", "log"))["data"] == "hello"
            await client.told("type", "fetch_output")
            assert (await stream.fetch_latest_output(client.id)).args == ("a", 1)
            await client.send(event="ping")
            assert await client.told("event", "pong") == {"event": "pong"}

    run(main())


def test_clear_queue_is_told_before_any_new_sound() -> None:
    async def main() -> None:
        async with (
            serving(Stream(Interrupted(), modality="audio")) as server,
            socket_caller(server) as client,
        ):
            await client.start()
            await client.hears(0.1)
            await client.say(np.zeros(960, np.int16))
            await client.told("event", "clear")
            await until(lambda: client.sound[-1] < 0)
            events = [message["event"] for message in client.messages]
            before = len([e for e in events[: events.index("clear")] if e == "media"])
            assert (client.sound[: before * 960] > 0).all()
            assert (client.sound[before * 960 :] < 0).all()

    run(main())


ENDS: list[Any] = [
    ("handler", EndReason.HANDLER_CLOSED),
    ("limit", EndReason.TIME_LIMIT),
    ("server", EndReason.SERVER_STOPPING),
    ("outside", EndReason.HANDLER_CLOSED),
    ("leaves", EndReason.CLIENT_LEFT),
    ("vanishes", EndReason.CLIENT_LEFT),
]


@pytest.mark.parametrize(("way", "reason"), ENDS)
@pytest.mark.parametrize("echo", [Echo, AsyncEcho], ids=["sync", "async"])
def test_a_call_ends_once_and_its_client_is_told_and_hung_up_on(
    echo: Any, way: str, reason: EndReason
) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(echo(log), modality="audio", time_limit=1 if way == "limit" else None)
        async with serving(stream) as server, socket_caller(server) as client:
            await client.start()
            session = await server.live(client.id)
            await until(lambda: log.count("start_up"))
            await client.talk(0 if way == "limit" else 0.1)
            match way:
                case "handler":
                    session.handler.queue.put_nowait(CloseStream("enough"))  # type: ignore[attr-defined]
                case "server":
                    await stream.sessions.close_all()
                case "outside":
                    stream.update_connection(client.id)
                case "leaves":
                    await client.websocket.close()
                case "vanishes":
                    client.websocket.transport.abort()
            await server.empty()
            if way not in ("leaves", "vanishes"):
                assert (await client.told("type", "end_stream"))["reason"] == reason.value
                assert await client.closed() == (1000, "")
        assert session.reason is reason
        assert log.count("start_up") == log.count("shutdown") == 1

    run(main())
    assert not left_threads()


def refused(websocket: ClientConnection, messages: list[str]) -> tuple[int, str, dict[str, Any]]:
    """How a refusal looks to a client: close code, reason, and what was said."""
    said = json.loads(messages[-1])
    assert said["status"] == "failed"
    return websocket.close_code or 0, websocket.close_reason or "", said["meta"]


MALFORMED: dict[str, tuple[Any, int]] = {
    "no JSON": ("not json", 1003),
    "a list": ("[]", 1003),
    "a number": ("7", 1003),
    "nothing": ("", 1003),
    "no event": ("{}", 1003),
    "event of no text": ('{"event": 7}', 1003),
    "media without media": ('{"event": "media"}', 1003),
    "media of text": ('{"event": "media", "media": "x"}', 1003),
    "no payload": ('{"event": "media", "media": {}}', 1003),
    "payload of a number": ('{"event": "media", "media": {"payload": 7}}', 1003),
    "payload of no base64": ('{"event": "media", "media": {"payload": "!!!"}}', 1003),
    "payload of half base64": ('{"event": "media", "media": {"payload": "abc"}}', 1003),
    "payload of umlauts": ('{"event": "media", "media": {"payload": "äöü"}}', 1003),
    "deep": ("[" * 20_000, 1003),
    "binary": (b"\x00\x01", 1003),
    "70 kB": ('{"event": "media", "media": {"payload": "' + "A" * 70_000 + '"}}', 1009),
}
NO_START: dict[str, tuple[Any, int]] = {
    "start without id": ('{"event": "start"}', 1003),
    "start with an empty id": ('{"event": "start", "websocket_id": ""}', 1003),
    "start with a number": ('{"event": "start", "websocket_id": 7}', 1003),
    "start with a long id": (json.dumps({"event": "start", "websocket_id": "x" * 300}), 1003),
}


@pytest.mark.parametrize("name", [*MALFORMED, *NO_START])
def test_a_malformed_first_message_closes_the_socket_with_its_code_and_takes_no_place(name: str) -> None:
    message, code = {**MALFORMED, **NO_START}[name]

    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        closed = await spoken_to(mounted(stream), "/websocket/offer", [message])
        said = json.loads(closed.said[-1])
        assert closed.code == code and said["status"] == "failed"
        assert closed.reason == said["meta"]["error"] == ("too_large" if code == 1009 else "invalid_message")
        assert said["meta"]["code"] in ("RT5104", "RT5105") and said["meta"]["what"] and said["meta"]["fix"]
        assert len(stream.sessions) == 0
        assert log.events == ["made"]

    run(main())


START = json.dumps({"event": "start", "websocket_id": "one"})


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_message_in_a_call_ends_it_with_its_code_and_frees_the_place(name: str) -> None:
    message, code = MALFORMED[name]

    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        closed = await spoken_to(mounted(stream), "/websocket/offer", [START, message])
        assert closed.code == code
        assert closed.reason == ("too_large" if code == 1009 else "invalid_message")
        assert any('"status": "failed"' in text for text in closed.said)
        assert len(stream.sessions) == 0
        assert log.count("shutdown") == 1

    run(main())


@pytest.mark.parametrize("name", ["no JSON", "binary", "70 kB"])
def test_the_codes_arrive_at_a_real_client(name: str) -> None:
    message, code = MALFORMED[name]

    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with serving(stream) as server, server.dial() as early, socket_caller(server) as late:
            await early.send(message)
            assert refused(early, await read_all(early))[0] == code
            await late.start()
            await until(lambda: log.count("start_up"))
            await late.websocket.send(message)
            assert (await late.closed())[0] == code
            assert late.messages[-1]["status"] == "failed"
            await server.empty()

    run(main())


def test_unknown_events_are_ignored() -> None:
    async def main() -> None:
        async with serving(Stream(AsyncEcho(), modality="audio")) as server, socket_caller(server) as client:
            await client.send(event="whatever", x=1)
            await client.send(**MEDIA)
            await client.start()
            await client.send(event="mark", name="m")
            await client.talk(0.2)
            await client.hears(0.1)

    run(main())


FUZZED = mounted(Stream(AsyncEcho(), modality="audio"))


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    said=st.one_of(
        st.text(max_size=60),
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["event", "media", "payload", "websocket_id", "streamSid", "start"]),
                    inner | st.sampled_from(["start", "media", "stop", "ping", "AAAA"]),
                    max_size=4,
                )
            ),
        ).map(json.dumps),
    )
)
def test_whatever_is_said_ends_in_a_proper_close_code_and_without_a_trace(said: str | bytes) -> None:
    """In process: the server's side of the socket is played by a queue."""

    async def main() -> None:
        for route in ("/websocket/offer", "/telephone/handler"):
            closed = await spoken_to(FUZZED, route, [said, json.dumps({"event": "stop"})])
            assert closed.code in (1000, 1003, 1009)

    run(main())


def test_a_socket_that_says_nothing_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "START_SECONDS", 0.2)

    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with serving(stream) as server, server.dial() as socket:
            await socket.send('{"event": "ping"}')
            closed = refused(socket, await read_all(socket))
            assert closed[0] == 1003
            assert "start" in closed[2]["what"]
        assert log.events == ["made"]

    run(main())


@pytest.mark.parametrize("way", ["close", "abort", "stop"])
def test_a_socket_that_leaves_before_its_start_leaves_nothing(way: str) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with serving(stream) as server, server.dial() as socket:
            await socket.send('{"event": "ping"}')
            assert await socket.recv() == '{"event": "pong"}'
            if way == "close":
                await socket.close()
            elif way == "abort":
                socket.transport.abort()
            else:
                await socket.send('{"event": "stop"}')
                assert await read_all(socket) == []
            await socket.wait_closed()
        assert log.events == ["made"]

    run(main())


def test_a_full_house_and_a_taken_id_are_told_and_the_live_call_goes_on() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=2)
        async with serving(stream) as server:
            async with socket_caller(server, id="one") as one, socket_caller(server, id="one") as again:
                await one.start()
                await one.talk(0.1)
                await again.start()
                assert await again.closed() == (1008, "connection_already_exists")
                async with socket_caller(server, id="two") as two, socket_caller(server, id="three") as three:
                    await two.start()
                    await until(lambda: len(stream.sessions) == 2)
                    await three.start()
                    assert await three.closed() == (1013, "concurrency_limit_reached")
                    assert three.messages[-1]["meta"]["limit"] == 2
                    await one.talk(0.2)
                    assert len(await one.hears(0.2))
                await until(lambda: len(stream.sessions) == 1)
            await server.empty()

    run(main())


def test_a_stopping_server_says_so() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with serving(stream) as server, socket_caller(server) as client:
            await stream.sessions.drain(0)
            await client.start()
            assert await client.closed() == (1012, "server_stopping")

    run(main())


def test_a_stream_of_pictures_refuses_a_socket_with_words() -> None:
    async def main() -> None:
        stream = Stream(lambda picture: picture, modality="video")
        async with serving(stream) as server, server.dial() as socket:
            closed = refused(socket, await read_all(socket))
            assert closed[0] == 1008 and closed[1] == "tracks_do_not_fit"

    run(main())


def test_a_handler_that_cannot_be_made_is_told_and_takes_no_place() -> None:
    class Broken(AsyncEcho):
        def copy(self) -> Any:
            raise RuntimeError("no key in the environment")

    async def main() -> None:
        stream = Stream(Broken(), modality="audio")
        async with serving(stream) as server, socket_caller(server) as client:
            await client.start()
            code, _ = await client.closed()
            assert code == 1011
            assert client.messages[-1]["meta"]["code"] == "RT3005"
            assert client.messages[-1]["meta"]["what"] == "no key in the environment"
            assert len(stream.sessions) == 0

    run(main())


def test_a_factory_makes_one_handler_for_a_call() -> None:
    """None is made only to be asked for its rate."""
    made: list[AsyncEcho] = []

    def factory() -> AsyncEcho:
        made.append(AsyncEcho(input_sample_rate=16000, output_sample_rate=16000))
        return made[-1]

    async def main() -> None:
        async with serving(Stream(factory, modality="audio")) as server:
            async with socket_caller(server, rate=16000) as client:
                await client.start()
                await client.talk(0.2)
                assert pitch(await client.hears(0.15), 16000) == pytest.approx(440, abs=10)
        assert len(made) == 1

    run(main())


def test_a_client_that_does_not_read_cannot_outlive_the_time_limit() -> None:
    """Its TCP window is full, so nothing that is sent to it comes to an end."""

    class Loud(AsyncEcho):
        async def emit(self) -> Any:
            await self.send_message(json.dumps({"type": "log", "data": "x" * 60_000}))
            return tone(seconds=0.02)

    async def main() -> None:
        log = Log()
        stream = Stream(Loud(log), modality="audio", time_limit=1.0)
        async with serving(stream) as server:
            async with server.dial(max_queue=1, max_size=None) as socket:
                await socket.send(json.dumps({"event": "start", "websocket_id": "deaf"}))
                await until(lambda: len(stream.sessions) == 1)
                socket.transport.pause_reading()
                await until(lambda: len(stream.sessions) == 0, 15)
                socket.transport.abort()
        assert log.count("shutdown") == 1

    run(main(), timeout=30)
