"""WebSockets past uvicorn's queue: every message in order, on both event loops, and calls without it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from rtstream import Stream
from rtstream.errors import BadMessage
from rtstream.media.g711 import ulaw_decode
from rtstream.session.outcome import EndReason
from rtstream.transports import uvicorn_inside
from rtstream.transports.private_names import known, private
from rtstream.transports.shared_reader import MANY
from rtstream.transports.uvicorn_inside import SOCKETS, Direct
from tests.conftest import run
from tests.helpers.certificates import loopback_certificate
from tests.helpers.handlers import AsyncEcho, Log
from tests.helpers.loops import LOOPS, named
from tests.helpers.renaming import rename
from tests.helpers.server import Server, mounted, serving, until
from tests.helpers.sockets import SocketCaller, socket_caller
from tests.unit.signals import pitch

pytestmark = pytest.mark.network

Run = Any  # runs a coroutine on one of the event loops
Calls = Any  # makes a client


@pytest.fixture(params=LOOPS, ids=named)
def on_loop(request: pytest.FixtureRequest) -> Run:
    def on(main: Coroutine[Any, Any, None]) -> None:
        run(main, loop=request.param)

    return on


@pytest.fixture(params=[None, "deflate"], ids=["plain", "compressed"])
def calls(request: pytest.FixtureRequest) -> Calls:
    """Clients whose messages are plain, as a carrier's, or compressed, as a browser's (RFC 7692)."""
    return partial(socket_caller, compression=request.param)


class Numbers(AsyncEcho):
    """Keeps what it hears, of which each frame is one number over and over."""

    def __init__(self, log: Log | None = None, **more: Any) -> None:
        super().__init__(log, **{**more, "input_sample_rate": 8000, "output_sample_rate": 8000})

    async def receive(self, frame: Any) -> None:
        self.log.frames.append(int(frame[1][0, 0]))


TOLD = [int(sample) for sample in ulaw_decode(bytes(range(0x80, 0xB0)))]  # which mu-law has exactly


def direct_of(server: Server, id: str) -> Any:
    """The direct way of a call; None if its messages go through the app."""
    way = server.stream.sessions.get(id).transport._way  # type: ignore[attr-defined]
    return way if isinstance(way, Direct) else None


@asynccontextmanager
async def told_numbers(calls: Calls, log: Log, *, phone: bool = True) -> AsyncIterator[SocketCaller]:
    """A call that has begun and whose handler keeps what it hears; it has ended behind the block."""
    async with serving(Stream(Numbers(log), modality="audio")) as server:
        async with calls(server, phone=phone, rate=8000) as client:
            await client.start()
            yield client
        await server.empty()


def frame_of(number: int) -> NDArray[np.int16]:
    return np.full(160, number, np.int16)


def test_a_call_takes_the_direct_way_and_leaves_it_when_it_ends(on_loop: Run, calls: Calls) -> None:
    async def main() -> None:
        async with serving(Stream(AsyncEcho(), modality="audio")) as server:
            async with calls(server, phone=True) as client:
                await client.start()
                await client.talk(0.3)
                assert pitch(await client.hears(0.2), 8000) == pytest.approx(440, abs=5)
                direct = direct_of(server, client.id)
                assert direct._listens and direct._reader is not None
                session = server.stream.sessions.get(client.id)
            await server.empty()
            assert session.reason is EndReason.CLIENT_LEFT
            assert not direct._listens and direct._reader is None

    on_loop(main())


def test_messages_of_all_kinds_are_taken_in_their_order(on_loop: Run, calls: Calls) -> None:
    async def main() -> None:
        log = Log()
        async with told_numbers(calls, log) as client:
            for place, number in enumerate(TOLD):
                text = client.spoken(frame_of(number))
                third = len(text) // 3
                # In fragments (RFC 6455 §5.4), between which a ping may stand.
                parts = [text[:third], text[third : 2 * third], text[2 * third :]]
                await client.websocket.send(text if place % 3 else parts)
                if place % 5 == 0:
                    await client.websocket.ping()
            await until(lambda: len(log.frames) >= len(TOLD))
        assert log.frames == TOLD

    on_loop(main())


def test_what_a_far_end_asks_is_answered_between_its_sounds(on_loop: Run, calls: Calls) -> None:
    async def main() -> None:
        log = Log()
        async with told_numbers(calls, log, phone=False) as client:
            for number in TOLD:
                await client.say(frame_of(number))
                await client.send(event="ping")
            await until(lambda: len(log.frames) >= len(TOLD))
            await until(lambda: sum(each.get("event") == "pong" for each in client.messages) == len(TOLD))
        assert log.frames == TOLD

    on_loop(main())


def test_each_of_many_calls_hears_its_own_sound_in_order(on_loop: Run, calls: Calls) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=MANY + 2)
        async with serving(stream) as server:
            async with asyncio.TaskGroup() as all_calls:
                for number in range(MANY + 2):
                    all_calls.create_task(one(server, 300 + 40 * number))
            await server.empty()

    async def one(server: Server, hertz: int) -> None:
        async with calls(server, phone=True) as client:
            await client.start()
            await client.talk(0.6, hertz)
            sound = await client.hears(0.5)
            assert pitch(sound, 8000) == pytest.approx(hertz, abs=8)
            assert direct_of(server, client.id)._listens

    on_loop(main())


def written(client: SocketCaller, texts: Sequence[str]) -> bytes:
    """What a client's socket would be given to say these texts."""
    protocol = client.websocket.protocol
    for text in texts:
        protocol.send_text(text.encode())
    return b"".join(protocol.data_to_send())


def test_what_comes_at_once_with_the_start_is_heard_first_and_nobody_else_reads_the_socket(
    on_loop: Run, calls: Calls
) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(Numbers(log), modality="audio")
        async with serving(stream) as server, calls(server, rate=8000) as client:
            said = [client.spoken(frame_of(number)) for number in TOLD]
            begun = json.dumps({"event": "start", "websocket_id": client.id})
            socket: Any = client.websocket.transport
            socket.write(written(client, [begun, *said[:12]]))
            rest = written(client, said[12:])
            for at in range(0, len(rest), 99):  # each message in pieces
                socket.write(rest[at : at + 99])
                await asyncio.sleep(0)
            await until(lambda: len(log.frames) >= len(TOLD))
            direct = direct_of(server, client.id)
            assert direct._reader is not None and not direct._transport.is_reading()
        assert log.frames == TOLD

    on_loop(main())


def test_a_message_that_uvicorn_has_a_part_of_stays_with_it(on_loop: Run) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(Numbers(log), modality="audio")
        async with serving(stream) as server, socket_caller(server, rate=8000, compression=None) as client:
            begun = written(client, [json.dumps({"event": "start", "websocket_id": client.id})])
            message = {**json.loads(client.spoken(frame_of(TOLD[0]))), "name": "Á" * 100}
            frame = Frame(Opcode.TEXT, json.dumps(message, ensure_ascii=False).encode())
            whole = unmasked_as_a_client_may_send_it(frame)
            half = whole.index("Á".encode()) + 1  # what comes then is 81 c3, as a masked frame begins
            client.websocket.transport.write(begun + whole[:half])
            await until(lambda: client.id in stream.sessions)
            await until(lambda: (direct := direct_of(server, client.id)) is not None and direct._listens)
            client.websocket.transport.write(
                whole[half:] + written(client, [client.spoken(frame_of(TOLD[1]))])
            )
            await until(lambda: len(log.frames) >= 2)
        assert log.frames[:2] == TOLD[:2]

    on_loop(main())


def unmasked_as_a_client_may_send_it(frame: Frame) -> bytes:
    """A frame masked with zeros: RFC 6455 §5.3 leaves the key to the client."""
    size = len(frame.data)
    return bytes((0x80 | frame.opcode, 0x80 | 126, *size.to_bytes(2, "big"), 0, 0, 0, 0)) + bytes(frame.data)


def test_what_goes_through_the_queue_does_not_overtake_what_is_taken(on_loop: Run) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(Numbers(log), modality="audio", concurrency_limit=2)
        async with serving(stream) as server, socket_caller(server) as other:
            await other.start()
            await until(lambda: other.id in stream.sessions and direct_of(server, other.id)._listens)
            async with socket_caller(server, rate=8000, compression=None) as client:
                await client.start()
                await client.say(frame_of(TOLD[0]))
                await until(lambda: log.frames)
                direct = direct_of(server, client.id)
                reader = direct._reader
                asked = written(client, ['{"event": "ping"}', client.spoken(frame_of(TOLD[1]))])
                third = client.spoken(frame_of(TOLD[2])).encode()
                client.websocket.protocol.send_text(third[:9], fin=False)
                client.websocket.protocol.send_continuation(third[9:], fin=True)
                direct._came(asked + written(client, []))  # the answer to the first is left to the task
                reader._due = 0.0  # as while many call
                await until(lambda: len(log.frames) >= 3)
        assert log.frames[:3] == TOLD[:3]

    on_loop(main())


def test_while_messages_wait_in_uvicorns_queue_no_more_are_read(on_loop: Run, calls: Calls) -> None:
    async def main() -> None:
        log = Log()
        async with serving(Stream(Numbers(log), modality="audio")) as server:
            async with calls(server, phone=True, rate=8000) as client:
                await client.start()
                await client.say(frame_of(0))
                await until(lambda: log.frames)
                first, *others = [client.spoken(frame_of(number)) for number in TOLD]
                client.websocket.protocol.send_text(first[:9].encode(), fin=False)
                client.websocket.protocol.send_continuation(first[9:].encode(), fin=True)
                direct = direct_of(server, client.id)
                direct._came(written(client, others))  # at once, before the app can take one
                assert not direct._protocol.queue.empty() and not direct._transport.is_reading()
                await until(lambda: len(log.frames) > len(TOLD))
        assert log.frames[: len(TOLD) + 1] == [0, *TOLD]

    on_loop(main())


def test_what_is_wrong_is_refused_behind_the_sound_before_it(on_loop: Run, calls: Calls) -> None:
    async def main() -> None:
        log = Log()
        async with told_numbers(calls, log) as client:
            await client.say(frame_of(0))
            await until(lambda: log.frames)  # the call takes sound
            for number in TOLD:
                await client.say(frame_of(number))
            await client.websocket.send("{nonsense")
            code, why = await client.closed()
            assert code == BadMessage.close_code, why
        assert log.frames[-len(TOLD) :] == TOLD

    on_loop(main())


def test_what_waits_to_be_said_is_said_before_the_line_is_closed(on_loop: Run, calls: Calls) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with serving(stream) as server, calls(server) as client:
            await client.start()
            await client.talk(0.1)
            transport: Any = stream.sessions.get(client.id).transport
            transport._way._reader._due = 0.0  # as while many call
            transport._way.then(transport._way.send, json.dumps({"event": "last"}))
            assert not transport._way._protocol.close_sent
            await transport.close()
            await client.closed()
            assert client.messages[-1]["event"] == "last"

    on_loop(main())


@pytest.mark.parametrize("count", [1, MANY + 1], ids=["few calls", "many calls"])
def test_the_last_words_come_before_the_end(on_loop: Run, calls: Calls, count: int) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=count)
        async with serving(stream) as server, asyncio.TaskGroup() as all_calls:
            ready = [asyncio.Event() for _ in range(count)]
            for event in ready:
                all_calls.create_task(one(server, event))
            for event in ready:
                await event.wait()
            await stream.sessions.close_all()

    async def one(server: Server, ready: asyncio.Event) -> None:
        async with calls(server) as client:
            await client.start()
            await client.talk(0.2)
            await client.hears(0.1)
            ready.set()
            await client.closed()
            assert [each for each in client.messages if each.get("type") == "end_stream"]

    on_loop(main())


def test_a_text_that_is_none_ends_its_call_as_the_library_does(on_loop: Run, calls: Calls) -> None:
    async def main() -> None:
        async with serving(Stream(AsyncEcho(), modality="audio")) as server:
            async with calls(server, phone=True) as client:
                await client.start()
                await client.talk(0.1)
                await client.hears(0.06)
                client.websocket.transport.write(Frame(Opcode.TEXT, b"\xff").serialize(mask=True))
                code, _ = await client.closed()
                assert code == 1007
            await server.empty()

    on_loop(main())


@pytest.mark.parametrize("how", ["closes", "hangs up", "is cut off"])
def test_a_far_end_that_goes_ends_its_call(on_loop: Run, calls: Calls, how: str) -> None:
    async def main() -> None:
        async with serving(Stream(AsyncEcho(), modality="audio")) as server:
            async with calls(server, phone=True) as client:
                await client.start()
                await client.talk(0.1)
                await client.hears(0.06)
                session = server.stream.sessions.get(client.id)
                transport: Any = client.websocket.transport
                if how == "closes":
                    await client.websocket.close()
                elif how == "hangs up":
                    transport.write_eof()
                else:
                    sock = transport.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    transport.abort()
                await server.empty()
        assert session.reason is EndReason.CLIENT_LEFT

    on_loop(main())


def test_a_far_end_that_does_not_read_is_waited_for_and_gets_everything(on_loop: Run) -> None:
    texts = [f"{number:06}" * 20_000 for number in range(60)]

    async def main() -> None:
        class Talkative(AsyncEcho):
            async def start_up(self) -> None:
                for text in texts:
                    await self.send_message(text)

        async with serving(Stream(Talkative(), modality="audio")) as server:
            async with server.dial(max_size=None, max_queue=1, compression=None) as websocket:
                await websocket.send(json.dumps({"event": "start", "websocket_id": "slow"}))
                await until(lambda: _is_full(server))
                assert [await websocket.recv() for _ in texts] == texts

    def _is_full(server: Server) -> bool:
        if "slow" not in server.stream.sessions:
            return False
        direct = direct_of(server, "slow")
        return direct is not None and not direct._protocol.writable.is_set()

    on_loop(main())


def test_over_tls_a_call_is_taken_directly_and_read_by_asyncio(tmp_path: Path) -> None:
    _, certificate = loopback_certificate(tmp_path)
    trusting = ssl.create_default_context(cadata=certificate)

    keys: dict[str, Any] = {
        "ssl_certfile": tmp_path / "certificate.pem",
        "ssl_keyfile": str(tmp_path / "key.pem"),
    }

    async def main() -> None:
        log = Log()
        stream = Stream(Numbers(log), modality="audio")
        async with serving(stream, **keys) as server:
            address = server.url("/telephone/handler", "wss")
            async with connect(address, ssl=trusting, proxy=None) as websocket:
                client = SocketCaller(websocket, "secret", phone=True, rate=8000)
                await client.start()
                for number in TOLD:
                    await client.say(frame_of(number))
                await until(lambda: len(log.frames) == len(TOLD))
                direct = direct_of(server, client.id)
                assert direct._listens and direct._reader is None
                await websocket.close()
                await client.reading
        assert log.frames == TOLD

    run(main())


async def an_echo_comes_back(app: Any = None, stream: Stream | None = None) -> Any:
    """Call, hear the echo, hang up; whether it went the direct way."""
    stream = stream or Stream(AsyncEcho(), modality="audio")
    async with serving(stream, app=app) as server:
        async with socket_caller(server, phone=True) as client:
            await client.start()
            await client.talk(0.3)
            assert pitch(await client.hears(0.2), 8000) == pytest.approx(440, abs=5)
            direct = direct_of(server, client.id)
            await client.send(event="stop")
            assert await client.closed() == (1000, "")
        await server.empty()
    return direct is not None


@pytest.mark.usefixtures("contract_anew")
@pytest.mark.parametrize("name", SOCKETS.names)
def test_without_a_name_of_uvicorns_messages_go_its_own_way(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        assert await an_echo_comes_back() is False
        assert not known(SOCKETS)

    import uvicorn.protocols.websockets.websockets_sansio_impl  # noqa: F401  # to be renamed in

    if private(name) in ("receive", "transport", "parser"):  # which too much else is called
        monkeypatch.setitem(SOCKETS.names, name, lambda it, name: False)
    else:
        rename(private(name), ("uvicorn", "starlette"), monkeypatch)
    run(main())


def test_what_stands_between_the_server_and_the_app_sees_every_message() -> None:
    stream = Stream(AsyncEcho(), modality="audio")
    app = mounted(stream)
    seen: list[str] = []

    def watched(inner: Any) -> Any:
        async def outer(scope: Any, receive: Any, send: Any) -> None:
            async def watched_receive() -> Any:
                message = await receive()
                seen.append(message["type"])
                return message

            await inner(scope, watched_receive, send)

        return outer

    app.add_middleware(lambda app: watched(app))

    async def main() -> None:
        assert await an_echo_comes_back(app, stream) is False

    run(main())
    assert seen.count("websocket.receive") > 10


def test_where_no_more_files_can_be_opened_asyncio_reads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(sock: Any) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(uvicorn_inside, "another", none_left)

    async def main() -> None:
        assert await an_echo_comes_back() is True

    run(main())


def test_a_server_that_is_not_uvicorn_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, uvicorn_inside.MODULE, raising=False)
    assert uvicorn_inside.direct(None, lambda way, said: None) is None  # type: ignore[arg-type]
