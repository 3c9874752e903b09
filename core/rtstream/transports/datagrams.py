"""The sockets of all calls in one event loop, read and written together when calls are many."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from ..clock import TICK, shared_moment

MANY = 8  # calls from which a look every `TICK` pays: of fewer, it would hardly find more than one datagram
ROUNDS = 4  # datagrams of one socket that a look takes; the next look is then at once
AT_ONCE = 64  # sockets that one call of the kernel tells of
LARGEST = 4096  # bytes that are read of a datagram; media and DTLS are cut to fit a network's 1500

Read = Callable[[int], tuple[bytes, Any]]
Send = Callable[[bytes, Any], int]
Then = Callable[..., None]  # takes a step of a call and what it is called with

_readers: dict[asyncio.AbstractEventLoop, SharedReader] = {}


class SharedReader:
    """Reads the sockets of many protocols.

    A datagram of a few calls is read when it comes. Of many calls one comes every moment, and each would
    wake the process, walk through the event loop and find the caches cold. So a look every `TICK` takes
    all that came meanwhile, and each step with a packet is done for all calls before the next one is for any:
    all are decrypted, all are decoded, all are heard, and so on, until what is sent because of it leaves.
    That goes on until a look finds nothing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._poll = select.epoll()
        self._sockets: dict[int, tuple[Read, asyncio.DatagramProtocol]] = {}
        self._due: float | None = None  # the next look, while there is one at every tick
        self._steps: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._goes_on = False  # at the end of this turn of the loop, or of the next
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

    def then(self, step: Callable[..., None], *args: Any) -> None:
        """Do a step of one call: at once, or while calls are many behind those steps that others wait for."""
        if self._due is None and not self._steps:
            return step(*args)
        self._steps.append((step, args))
        if not self._goes_on:
            self._go_on_soon()

    def _go_on_soon(self) -> None:
        self._goes_on = True
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._goes_on = False
        self._walk()

    def _walk(self) -> None:
        """Do all steps, and those that follow from them."""
        steps = self._steps
        try:
            while steps:
                step, args = steps.popleft()
                step(*args)
        finally:
            if steps and not self._goes_on:  # one raised
                self._go_on_soon()

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
        self._due = shared_moment(self._loop.time() + TICK / 2)
        self._loop.call_at(self._due, self._tick)

    def _look(self) -> int:
        """Take what has come; how often there was something, one more than `ROUNDS` if there still is."""
        looks = 0
        while not self._poll.closed and (ready := self._poll.poll(0, AT_ONCE)):
            looks += 1
            if looks > ROUNDS:
                break
            for number, _ in ready:
                self._receive(*self._sockets[number])
        self._walk()
        if looks and self._due is not None and not self._goes_on:
            self._go_on_soon()  # behind the tasks that were woken, which send in the next turn of the loop
        return looks

    def _receive(self, read: Read, protocol: asyncio.DatagramProtocol) -> None:
        try:
            data, address = read(LARGEST)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # what an earlier datagram came back with: nobody listens there
            return self._steps.append((protocol.error_received, (error,)))
        self._steps.append((protocol.datagram_received, (data, address)))


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
        self._send, self.then = sock.sendto, reader.then
        self._closing = False
        reader.add(sock, protocol)

    def sendto(self, data: Any, addr: Any = None) -> None:
        if not self._closing:
            self._reader.then(_send, self._send, data, addr, self._protocol)

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


def at_once(step: Callable[..., None], *args: Any) -> None:
    """Do a step of a call that shares no reader."""
    step(*args)


def share(protocol: Any) -> Then:
    """Let the loop's reader read the socket of a protocol, whose transport is asyncio's or uvloop's.

    Where there is no epoll, or no socket (a relay's), everything stays as it is.

    Returns:
        what does a step of the call together with those of others.
    """
    transport = protocol.transport
    sock = transport.get_extra_info("socket")
    if isinstance(transport, SharedSocket):
        return transport.then
    if sock is None or not hasattr(select, "epoll"):
        return at_once
    loop = asyncio.get_running_loop()
    if (reader := _readers.get(loop)) is None:
        reader = _readers[loop] = SharedReader(loop)
    own = socket.socket(fileno=os.dup(sock.fileno()))
    own.setblocking(False)
    transport.set_protocol(asyncio.DatagramProtocol())  # which nobody tells that this transport ends
    transport.close()
    protocol.transport = SharedSocket(reader, loop, protocol, own)
    return reader.then
