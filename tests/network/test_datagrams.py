"""Sockets that are read together, over loopback, on both event loops where both are there."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from rtstream.transports import shared_reader
from rtstream.transports.datagrams import LARGEST, SharedSocket, share
from rtstream.transports.shared_reader import MANY
from tests.helpers.loops import LOOPS, named
from tests.helpers.server import until


class Protocol(asyncio.DatagramProtocol):
    """Echoes what comes, and tells what happened."""

    transport: Any

    def __init__(self) -> None:
        self.came: list[bytes] = []
        self.errors: list[Exception] = []
        self.lost = asyncio.Event()
        self.refuses = False
        self.closes: Callable[[], Any] = lambda: None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.came.append(data)
        self.closes()
        if self.refuses:
            raise ValueError("a bug")
        self.transport.sendto(data, addr)

    def error_received(self, exc: Exception) -> None:
        self.errors.append(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        assert exc is None
        self.lost.set()


class Lines:
    """So many shared sockets, each with a client."""

    async def open(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        self.protocols, self.clients = [], []
        for _ in range(count):
            _, protocol = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            client.connect(protocol.transport.get_extra_info("sockname"))
            client.setblocking(False)
            self.protocols.append(protocol)
            self.clients.append(client)

    def share(self) -> None:
        for protocol in self.protocols:
            share(protocol)

    async def echoed(self, number: int) -> bytes:
        async with asyncio.timeout(5):
            return await asyncio.get_running_loop().sock_recv(self.clients[number], 10_000)

    async def close(self) -> None:
        for protocol in self.protocols:
            protocol.transport.close()
        async with asyncio.timeout(5):
            await asyncio.gather(*(protocol.lost.wait() for protocol in self.protocols))
        for client in self.clients:
            client.close()


@pytest.fixture(params=LOOPS, ids=named)
def on_lines(request: pytest.FixtureRequest) -> Callable[[int, Callable[[Lines], Awaitable[None]]], None]:
    def run(count: int, test: Callable[[Lines], Awaitable[None]]) -> None:
        async def main() -> None:
            lines = Lines()
            await lines.open(count)
            try:
                await test(lines)
            finally:
                await lines.close()
            assert not shared_reader._readers, "a reader without sockets ends"

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main())

    return run


@pytest.mark.parametrize("count", [1, MANY - 1, MANY, 3 * MANY, 8 * MANY + 1])
def test_every_datagram_is_echoed_whether_calls_are_few_or_many(on_lines: Any, count: int) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        for turn in range(3):
            for number, client in enumerate(lines.clients):
                client.send(b"%d of %d" % (turn, number))
            for number in range(count):
                assert await lines.echoed(number) == b"%d of %d" % (turn, number)

    on_lines(count, test)


def test_what_came_before_a_socket_is_shared_is_not_lost(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.clients[0].send(b"early")
        lines.share()
        assert await lines.echoed(0) == b"early"

    on_lines(1, test)


def test_a_burst_on_one_socket_is_read_in_order_and_holds_up_no_other(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        for count in range(100):
            lines.clients[0].send(b"%d" % count)
        lines.clients[1].send(b"other")
        assert await lines.echoed(1) == b"other"
        assert [await lines.echoed(0) for _ in range(100)] == [b"%d" % count for count in range(100)]

    on_lines(MANY, test)


def test_after_a_pause_the_first_datagram_is_read_when_it_comes(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        reader = next(iter(shared_reader._readers.values()))
        for number in range(3):
            lines.clients[number].send(b"talk")
            await lines.echoed(number)
        await until(lambda: reader._due is None)
        lines.clients[0].send(b"again")
        assert await lines.echoed(0) == b"again"
        assert len(lines.protocols[0].came) == 2

    on_lines(MANY, test)


def test_steps_keep_their_order_when_the_only_socket_is_left_and_taken_up_again(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        reader = shared_reader.reader_here()
        assert reader is not None
        done: list[int] = []
        sock = shared_reader.another(lines.clients[0])
        reader.add(sock, lambda: None)
        reader._due = 0.0  # as while many call
        reader.remove(sock)
        reader.then(done.append, 1)
        again = shared_reader.reader_here()
        assert again is not None
        again.add(sock, lambda: None)
        again.then(done.append, 2)
        await until(lambda: len(done) == 2)
        again.remove(sock)
        again.then(done.append, 3)
        await until(lambda: not shared_reader._readers)
        sock.close()
        again.then(done.append, 4)
        assert done == [1, 2, 3, 4], "who still knows one that has ended waits for nobody"

    on_lines(1, test)


def test_steps_keep_their_order_when_calls_fall_silent(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        done: list[int] = []
        reader = next(iter(shared_reader._readers.values()))
        reader._due = 0.0  # as while many call
        reader.then(done.append, 1)
        reader.then(lambda: reader.then(done.append, 4))
        reader.then(done.append, 2)
        reader._due = None  # as when a look finds nothing
        reader.then(done.append, 3)
        assert done == [], "they wait for those of others, and the last one for them"
        await until(lambda: len(done) == 4)
        assert done == [1, 2, 3, 4], "a step is done for all before the next one is for any"

    on_lines(MANY, test)


def test_steps_that_follow_from_others_do_not_wake_the_loop_once_more(
    on_lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[None] = []
    go_on_soon = shared_reader.SharedReader._go_on_soon

    def counted(reader: shared_reader.SharedReader) -> None:
        woken.append(None)
        go_on_soon(reader)

    monkeypatch.setattr(shared_reader.SharedReader, "_go_on_soon", counted)

    async def test(lines: Lines) -> None:
        lines.share()
        done: list[int] = []
        reader = next(iter(shared_reader._readers.values()))
        reader._due = 0.0  # as while many call
        reader.then(lambda: reader.then(lambda: reader.then(done.append, 1)))
        await until(lambda: done)
        await asyncio.sleep(0)
        assert len(woken) == 1
        reader._due = None

    on_lines(MANY, test)


def test_a_protocol_that_raises_does_not_end_the_reading_of_others(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        told: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        lines.share()
        lines.protocols[0].refuses = True
        for client in lines.clients:
            client.send(b"x")
        for number in range(1, MANY):
            assert await lines.echoed(number) == b"x"
        assert any(isinstance(context.get("exception"), ValueError) for context in told)

    on_lines(MANY, test)


def test_an_address_where_nobody_listens_is_told_to_the_protocol(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind(("127.0.0.1", 0))
            address = nobody.getsockname()
        protocol = lines.protocols[0]
        protocol.transport._sock.connect(address)  # only then Linux tells
        protocol.transport.sendto(b"x", address)
        await until(lambda: protocol.errors)
        assert isinstance(protocol.errors[0], ConnectionRefusedError)

    on_lines(1, test)


def test_what_no_network_takes_is_told_to_the_protocol(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        lines.protocols[0].transport.sendto(bytes(70_000), ("127.0.0.1", 9))
        assert isinstance(lines.protocols[0].errors[0], OSError)

    on_lines(1, test)


def test_a_datagram_that_is_longer_than_any_network_takes_comes_cut_to_be_told_by_its_length(
    on_lines: Any,
) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        lines.clients[0].send(bytes(LARGEST + 1))
        assert len(await lines.echoed(0)) == LARGEST

    on_lines(1, test)


def test_a_closed_socket_sends_nothing_and_tells_its_protocol_once(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        transport, protocol = lines.protocols[0].transport, lines.protocols[0]
        assert not transport.is_closing()
        transport.close()
        transport.close()
        assert transport.is_closing()
        transport.sendto(b"late", lines.clients[0].getsockname())
        await protocol.lost.wait()
        with suppress(ConnectionRefusedError), pytest.raises(BlockingIOError):
            lines.clients[0].recv(10)

    on_lines(2, test)


def test_a_socket_closed_by_another_in_the_same_look_is_passed_over(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        reader = next(iter(shared_reader._readers.values()))
        first, second = lines.protocols[0], lines.protocols[1]
        first.closes = lambda: reader._sockets.pop(second.transport._sock.fileno())
        lines.clients[1].send(b"second")
        lines.clients[0].send(b"first")
        taken = reader._sockets[second.transport._sock.fileno()]
        await until(lambda: second.transport._sock.fileno() not in reader._sockets)
        reader._sockets[second.transport._sock.fileno()] = taken

    on_lines(2, test)


def test_a_socket_is_shared_once(on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        lines.share()
        transport = lines.protocols[0].transport
        assert isinstance(transport, SharedSocket)
        lines.share()
        assert lines.protocols[0].transport is transport

    on_lines(1, test)


def test_a_relay_which_has_no_socket_stays_as_it_is() -> None:
    class Relay(asyncio.DatagramTransport):
        pass

    class Relayed:
        transport = Relay()

    relayed = Relayed()
    share(relayed)
    assert isinstance(relayed.transport, Relay)


def test_without_epoll_everything_stays_as_it_is(monkeypatch: pytest.MonkeyPatch, on_lines: Any) -> None:
    async def test(lines: Lines) -> None:
        with monkeypatch.context() as patched:
            patched.delattr("select.epoll")
            lines.share()
        lines.clients[0].send(b"as before")
        assert await lines.echoed(0) == b"as before"
        assert not isinstance(lines.protocols[0].transport, SharedSocket)

    on_lines(1, test)
