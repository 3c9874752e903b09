"""Datagram sockets that a shared reader reads, behind what looks like asyncio's transport."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from .shared_reader import SharedReader, Then, another, at_once, reader_here

LARGEST = 4096  # bytes that are read of a datagram; media and DTLS are cut to fit a network's 1500


class SharedSocket(asyncio.DatagramTransport):
    """What stands in the place of asyncio's transport of a socket that a `SharedReader` reads."""

    def __init__(
        self, reader: SharedReader, loop: asyncio.AbstractEventLoop, protocol: Any, sock: socket.socket
    ) -> None:
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        self._reader, self._loop, self._protocol, self._sock = reader, loop, protocol, sock
        self._receive, self._send, self.then = sock.recvfrom, sock.sendto, reader.then
        self._closing = False
        reader.add(sock, self._take)

    def _take(self) -> None:
        try:
            data, address = self._receive(LARGEST)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # what an earlier datagram came back with: nobody listens there
            return self._reader.later(self._protocol.error_received, error)
        self._reader.later(self._protocol.datagram_received, data, address)

    def sendto(self, data: Any, addr: Any = None) -> None:
        if not self._closing:
            self.then(_send, self._send, data, addr, self._protocol)

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


def _send(send: Callable[[bytes, Any], int], data: bytes, address: Any, protocol: Any) -> None:
    try:
        send(data, address)
    except (BlockingIOError, InterruptedError):
        pass  # the network takes no more now: late sound is of no use, and all else is sent again
    except OSError as error:
        protocol.error_received(error)


def share(protocol: Any) -> Then:
    """Let the loop's reader read the socket of a protocol, whose transport is asyncio's or uvloop's.

    Where there is no epoll, or no socket (a relay's), everything stays as it is.

    Returns:
        what does a step of the call together with those of others.
    """
    transport = protocol.transport
    if isinstance(transport, SharedSocket):
        return transport.then
    sock = transport.get_extra_info("socket")
    if sock is None or (reader := reader_here()) is None:
        return at_once
    own = another(sock)
    transport.set_protocol(asyncio.DatagramProtocol())  # which nobody tells that this transport ends
    transport.close()
    protocol.transport = SharedSocket(reader, asyncio.get_running_loop(), protocol, own)
    return reader.then
