"""The sockets of a call's sound: an even port for RTP and the odd one above it for RTCP (RFC 3550 §11)."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

FIRST_PORT, LAST_PORT = 20_000, 29_998  # even ones of these: below what systems give out by themselves
TRIES = 50
ROOM = 1 << 18  # bytes that the system keeps while the loop is busy

Hear = Callable[[bytes, tuple[Any, ...]], None]


class Door(asyncio.DatagramProtocol):
    """Hands on what comes to a socket, and takes no notice of what could not be delivered."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._hear(data, addr)

    def error_received(self, exc: Exception) -> None:
        """The far end has closed its port: it hangs up, or is gone, which is noticed elsewhere."""


def bound_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Sockets for RTP and RTCP on an address of this machine.

    Raises:
        OSError: there are none.
    """
    failure = OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    for _ in range(TRIES):
        port = random.randrange(FIRST_PORT, LAST_PORT + 1, 2)
        with ExitStack() as failing:
            try:
                rtp = failing.enter_context(bound(host, port))
                reports = bound(host, port + 1)
            except OSError as error:
                failure = error
                continue
            failing.pop_all()
            return rtp, reports
    raise failure


def bound(host: str, port: int) -> socket.socket:
    """A UDP socket on an address of this machine. Raises OSError."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if door.family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        door.setblocking(False)
        door.bind((host, port))
    except OSError:
        door.close()
        raise
    return door


async def listening(door: socket.socket, hear: Hear) -> asyncio.DatagramTransport:
    """Hand what comes to a socket to `hear`, until the transport is closed."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Door(hear), sock=door)
    return transport
