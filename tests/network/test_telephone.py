"""Telephone calls: a carrier that speaks Twilio Media Streams, and its webhook."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

from rtstream import AdditionalOutputs, CloseStream, Stream, Warning, WebRTCError
from rtstream.session.outcome import EndReason
from rtstream.transports import stopping
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho, Echo, Interrupted, Log, tone
from tests.helpers.memory import left_threads
from tests.helpers.server import answering, mounted, serving, until
from tests.helpers.sockets import SocketCaller, socket_caller, spoken_to
from tests.unit.signals import pitch

pytestmark = pytest.mark.network


def only_twilios(client: SocketCaller) -> None:
    """Everything that came is of the carrier's own protocol, and for this call."""
    assert {message["event"] for message in client.messages} <= {"media", "clear", "mark"}
    assert {message["streamSid"] for message in client.messages} <= {client.id}


@pytest.mark.parametrize("echo", [Echo, AsyncEcho], ids=["sync", "async"])
@pytest.mark.parametrize("rate", [8000, 24000, 48000])
def test_an_echo_comes_back_over_the_telephone(echo: Any, rate: int) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(echo(log, input_sample_rate=rate, output_sample_rate=rate), modality="audio")
        async with serving(stream) as server:
            async with socket_caller(server, phone=True) as client:
                await client.start()
                await client.talk(0.5)
                assert pitch((await client.hears(0.4))[800:], 8000) == pytest.approx(440, abs=6)
                session = stream.sessions.get(client.id)
                assert session.phone and session.context.websocket is not None
                await client.send(event="stop", streamSid=client.id)
                assert await client.closed() == (1000, "")
                only_twilios(client)
            await server.empty()
        assert log.count("shutdown") == 1

    run(main())
    assert not left_threads()


def test_the_carrier_is_sent_nothing_but_its_own_protocol() -> None:
    class Talkative(AsyncEcho):
        async def start_up(self) -> None:
            await self.send_message('{"type": "log", "data": "hello"}')
            Warning("careful")
            self.queue.put_nowait(AdditionalOutputs(1))
            self.queue.put_nowait(tone(seconds=0.1))
            raise WebRTCError("not for a telephone")

    async def main() -> None:
        stream = Stream(Talkative(), modality="audio")
        async with serving(stream) as server, socket_caller(server, phone=True) as client:
            await client.start()
            await client.hears(0.1)
            assert (await stream.fetch_latest_output(client.id)).args == (1,)
            only_twilios(client)

    run(main())


def test_a_greeting_is_heard_at_once() -> None:
    class Greeting(AsyncEcho):
        async def start_up(self) -> None:
            self.queue.put_nowait(tone(5000, seconds=0.2))

    async def main() -> None:
        async with serving(Stream(Greeting(), modality="audio")) as server:
            async with socket_caller(server, phone=True) as client:
                await client.start()
                assert (await client.hears(0.2)).max() > 4000

    run(main())


def test_an_interruption_clears_what_the_carrier_holds_before_any_new_sound() -> None:
    async def main() -> None:
        async with serving(Stream(Interrupted(), modality="audio")) as server:
            async with socket_caller(server, phone=True) as client:
                await client.start()
                await client.hears(0.1)
                await client.say(np.zeros(160, np.int16))
                await client.told("event", "clear")
                await until(lambda: client.sound[-1] < 0)
                only_twilios(client)
                events = [message["event"] for message in client.messages]
                before = len([e for e in events[: events.index("clear")] if e == "media"])
                assert (client.sound[: before * 160] > 0).all()
                assert (client.sound[before * 160 :] <= 0).all()

    run(main())


def test_a_caller_of_whom_nothing_more_comes_is_heard_to_be_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "LOOK", 0.1)
    monkeypatch.setattr(stopping, "SILENT", 0.2)

    class Ears(AsyncEcho):
        heard: ClassVar[list[Any]] = []

        async def receive(self, frame: Any) -> None:
            self.heard.append(frame[1])

    def silent() -> int:
        return sum(not frame.any() for frame in Ears.heard)

    async def main() -> None:
        async with serving(Stream(Ears(input_sample_rate=8000), modality="audio")) as server:
            async with socket_caller(server, phone=True) as client:
                await client.start()
                for _ in range(2):  # when it does and how much: tests/unit/test_stopping.py
                    await client.talk(0.1)
                    await until(lambda: silent() >= 10)
                    Ears.heard.clear()

    run(main())


ENDS: list[Any] = [
    ("handler", EndReason.HANDLER_CLOSED),
    ("limit", EndReason.TIME_LIMIT),
    ("server", EndReason.SERVER_STOPPING),
    ("leaves", EndReason.CLIENT_LEFT),
    ("vanishes", EndReason.CLIENT_LEFT),
]


@pytest.mark.parametrize(("way", "reason"), ENDS)
def test_a_call_ends_once_and_is_hung_up(way: str, reason: EndReason) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(Echo(log), modality="audio", time_limit=1 if way == "limit" else None)
        async with serving(stream) as server, socket_caller(server, phone=True) as client:
            await client.start()
            session = await server.live(client.id)
            await until(lambda: log.count("start_up"))
            await client.talk(0 if way == "limit" else 0.1)
            match way:
                case "handler":
                    session.handler.queue.put_nowait(CloseStream())  # type: ignore[attr-defined]
                case "server":
                    await stream.sessions.close_all()
                case "leaves":
                    await client.websocket.close()
                case "vanishes":
                    client.websocket.transport.abort()
            await server.empty()
            if way not in ("leaves", "vanishes"):
                assert await client.closed() == (1000, "")
            only_twilios(client)
        assert session.reason is reason
        assert log.count("start_up") == log.count("shutdown") == 1

    run(main())
    assert not left_threads()


@pytest.mark.parametrize(
    ("start", "sid"),
    [
        ({"event": "start", "streamSid": "MZ1", "start": {"callSid": "CA1"}}, "MZ1"),
        ({"event": "start", "start": {"streamSid": "MZ2"}}, "MZ2"),
    ],
)
def test_the_stream_sid_is_the_id_wherever_it_stands(start: dict[str, Any], sid: str) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with serving(stream) as server, socket_caller(server, phone=True) as client:
            await client.send(**start)
            await until(lambda: sid in stream.sessions)

    run(main())


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('{"event": "start"}', 1003),
        ('{"event": "start", "streamSid": 7}', 1003),
        ("not json", 1003),
        ("{}", 1003),
        ('{"event": "media", "media": {"payload": "!"}}', 1003),
        (b"\x00", 1003),
        ('{"event": "media", "media": {"payload": "' + "A" * 70_000 + '"}}', 1009),
    ],
)
def test_a_malformed_message_closes_the_socket_without_a_foreign_word(said: Any, code: int) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        start = json.dumps({"event": "start", "streamSid": "one"})
        for texts in ([said], [start, said]):
            closed = await spoken_to(mounted(stream), "/telephone/handler", texts)
            assert closed.code == code
            assert closed.said == []
            assert len(stream.sessions) == 0

    run(main())


def test_a_carriers_other_events_are_ignored_and_a_second_start_changes_nothing() -> None:
    async def main() -> None:
        async with serving(Stream(AsyncEcho(), modality="audio")) as server:
            async with socket_caller(server, phone=True) as client:
                await client.start()
                await client.send(event="dtmf", dtmf={"digit": "5"})
                await client.send(event="mark", mark={"name": "x"})
                await client.send(event="start", streamSid="another")
                await client.talk(0.2)
                await client.hears(0.1)
                only_twilios(client)

    run(main())


def url_in(text: str) -> str:
    response = fromstring(text.partition("?>")[2])
    assert [child.tag for child in response] == ["Connect"]
    return response[0][0].attrib["url"]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:42245", "ws://127.0.0.1:42245/phone/telephone/handler"),
        ("localhost:8000", "ws://localhost:8000/phone/telephone/handler"),
        ("[::1]:8000", "ws://[::1]:8000/phone/telephone/handler"),
        ("call.example.com", "wss://call.example.com/phone/telephone/handler"),
        ("call.example.com:8443", "wss://call.example.com:8443/phone/telephone/handler"),
        ("a&b\"<>'.example.com", None),
        ("[::1", None),
        ("x:y", None),
        ("x:99999", None),
        ("", None),
        ("exa mple", None),
    ],
)
def test_the_webhook_is_answered_with_the_address_that_it_came_to(host: str, url: str | None) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream, "/phone") as server:
            response = await server.post("/telephone/incoming", headers={"host": host})
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("application/xml")
            address, _, ticket = url_in(response.text).rpartition("/")
            assert address == url if url is not None else address.endswith("/phone/telephone/handler")
            assert len(ticket) > 100

    run(main())


def test_a_telephone_counts_like_everybody_else() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with serving(stream) as server, socket_caller(server, phone=True) as one:
            await one.start()
            await until(lambda: len(stream.sessions) == 1)
            async with socket_caller(server, phone=True) as two:
                await two.start()
                assert await two.closed() == (1013, "concurrency_limit_reached")
                assert two.messages == []

    run(main())
