"""The sockets of all calls in one event loop, read and written together when calls are many."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Callable
from typing import Any

from ..clock import TICK, shared_moment

MANY = 8  # calls from which a look every `TICK` pays: of fewer, it would hardly find more than one datagram
VERY_MANY = 32  # calls of which it finds enough after half a tick
ROUNDS = 4  # datagrams of one socket that a look takes; the next look is then at once
AT_ONCE = 64  # sockets that one call of the kernel tells of
LARGEST = 4096  # bytes that are read of a datagram; media and DTLS are cut to fit a network's 1500

Read = Callable[[int], tuple[bytes, Any]]
Send = Callable[[bytes, Any], int]

_readers: dict[asyncio.AbstractEventLoop, SharedReader] = {}


class SharedReader:
    """Reads the sockets of many protocols.

    A datagram of a few calls is read when it comes. Of many calls one comes every moment, and each would
    wake the process, walk through the event loop and find the caches cold. So a look every `TICK` takes
    all that came meanwhile, one after another, and what is sent because of it leaves together, too. That
    goes on until a look finds nothing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._poll = select.epoll()
        self._sockets: dict[int, tuple[Read, asyncio.DatagramProtocol]] = {}
        self._due: float | None = None  # the next look, while there is one at every tick
        self._outbox: list[tuple[Send, bytes, Any, asyncio.DatagramProtocol]] = []
        self._flushes = False  # at the end of this turn of the loop, or of the next
        loop.add_reader(self._poll.fileno(), self._came)

    def add(self, sock: socket.socket, protocol: asyncio.DatagramProtocol) -> None:
        """Hand what comes on a socket to a protocol, from now on."""
        self._sockets[sock.fileno()] = sock.recvfrom, protocol
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def remove(self, sock: socket.socket) -> None:
        """Leave a socket alone; without any this reader ends."""
        del self._sockets[sock.fileno()]
        self._poll.unregister(sock.fileno())
        if not self._sockets:
            self._loop.remove_reader(self._poll.fileno())
            self._poll.close()
            del _readers[self._loop]

    def send(self, send: Send, data: bytes, address: Any, protocol: asyncio.DatagramProtocol) -> None:
        """Send a datagram: at once, or while calls are many with the others of this turn of the loop."""
        if self._due is None:
            return _send(send, data, address, protocol)
        if not self._flushes:
            self._flush_soon()
        self._outbox.append((send, data, address, protocol))

    def _flush_soon(self) -> None:
        self._flushes = True
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushes = False
        outbox, self._outbox = self._outbox, []
        for letter in outbox:
            _send(*letter)

    def _came(self) -> None:
        """Something has come, after a while of nothing or of little."""
        try:
            self._look()
        finally:
            if len(self._sockets) >= MANY:
                self._loop.remove_reader(self._poll.fileno())
                self._look_later()

    def _tick(self) -> None:
        if self._poll.closed or self._due is None:
            return
        looks = 1
        try:
            looks = self._look()
        finally:
            if not self._poll.closed:
                self._look_again(looks)

    def _look_again(self, looks: int) -> None:
        assert self._due is not None
        if not looks:
            self._due = None
            self._loop.add_reader(self._poll.fileno(), self._came)
        elif looks > ROUNDS:
            self._loop.call_soon(self._tick)
        else:
            self._look_later()

    def _look_later(self) -> None:
        pause = TICK / 2 if len(self._sockets) >= VERY_MANY else TICK
        self._due = shared_moment(self._loop.time() + pause / 2, pause)
        self._loop.call_at(self._due, self._tick)

    def _look(self) -> int:
        """Take what has come; how often there was something, one more than `ROUNDS` if there still is."""
        looks = 0
        while not self._poll.closed and (ready := self._poll.poll(0, AT_ONCE)):
            looks += 1
            if looks > ROUNDS:
                break
            for number, _ in ready:
                if (found := self._sockets.get(number)) is not None:  # not closed by one before it
                    _receive(*found)
        if looks and self._due is not None and not self._flushes:
            self._flush_soon()  # behind the tasks that were woken, which send in the next turn of the loop
        return looks


def _receive(read: Read, protocol: asyncio.DatagramProtocol) -> None:
    try:
        data, address = read(LARGEST)
    except (BlockingIOError, InterruptedError):
        return
    except OSError as error:  # what an earlier datagram came back with: nobody listens there
        return protocol.error_received(error)
    protocol.datagram_received(data, address)


def _send(send: Send, data: bytes, address: Any, protocol: asyncio.DatagramProtocol) -> None:
    try:
        send(data, address)
    except (BlockingIOError, InterruptedError):
        pass  # the network takes no more now: late sound is of no use, and all else is sent again
    except OSError as error:
        protocol.error_received(error)


class SharedSocket(asyncio.DatagramTransport):
    """What stands in the place of asyncio's transport of a socket that a `SharedReader` reads."""

    def __init__(
        self, reader: SharedReader, loop: asyncio.AbstractEventLoop, protocol: Any, sock: socket.socket
    ) -> None:
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        self._reader, self._loop, self._protocol, self._sock = reader, loop, protocol, sock
        self._send = sock.sendto
        self._closing = False
        reader.add(sock, protocol)

    def sendto(self, data: Any, addr: Any = None) -> None:
        if not self._closing:
            self._reader.send(self._send, data, addr, self._protocol)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._let_go)  # behind what this turn of the loop still sends

    abort = close

    def _let_go(self) -> None:
        self._reader.remove(self._sock)
        self._sock.close()
        self._protocol.connection_lost(None)


def share(protocol: Any) -> None:
    """Let the loop's reader read the socket of a protocol, whose transport is asyncio's or uvloop's.

    Where there is no epoll, or no socket (a relay's), everything stays as it is.
    """
    transport = protocol.transport
    sock = transport.get_extra_info("socket")
    if sock is None or isinstance(transport, SharedSocket) or not hasattr(select, "epoll"):
        return
    loop = asyncio.get_running_loop()
    if (reader := _readers.get(loop)) is None:
        reader = _readers[loop] = SharedReader(loop)
    own = socket.socket(fileno=os.dup(sock.fileno()))
    own.setblocking(False)
    transport.set_protocol(asyncio.DatagramProtocol())  # which nobody tells that this transport ends
    transport.close()
    protocol.transport = SharedSocket(reader, loop, protocol, own)
