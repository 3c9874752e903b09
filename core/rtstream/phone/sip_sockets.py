"""The sockets on which SIP is taken: one for datagrams, and one for connections, on the same port."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Any, cast

from ..errors import BadMessage, MachineError, PortBusy, UsageError
from ..sip.flow import Flow
from ..sip.framing import PONG, Framer
from ..transports.rtp_sockets import bound, listening

MOST_CONNECTIONS = 100
IDLE_SECONDS = 120.0  # after which a connection on which nothing has come is closed
MOST_UNREAD = 1 << 16  # bytes that a far end may leave unread
TRIES = 20

Take = Callable[[bytes, Flow], None]


class SipSockets:
    """UDP and TCP on one port of one address.

    Args:
        take: called with each message and the way that it came.
        in_use: whether a call goes over a connection, by its number; such a one is not closed for being idle.

    Attributes:
        port: the one that is listened on.
    """

    def __init__(self, take: Take, in_use: Callable[[int], bool]) -> None:
        self.port = 0
        self.host = ""
        self._take, self._in_use = take, in_use
        self._datagrams: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[int, _Connection] = {}
        self._count = 0

    async def open(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            PortBusy, MachineError: the port is taken, or not for this user.
            UsageError: `host` is no address of this machine.
        """
        datagrams, connections = _pair(host, port)
        self.host, self.port = datagrams.getsockname()[:2]
        self._datagrams = await listening(datagrams, self._datagram)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), sock=connections
        )

    def send(self, data: bytes, flow: Flow) -> None:
        """Send a message, if its way is still there."""
        if flow.transport == "UDP":
            if self._datagrams is not None:
                self._datagrams.sendto(data, (flow.host, flow.port))
        elif (connection := self._connections.get(flow.connection)) is not None:
            connection.send(data)

    def local(self, flow: Flow) -> str:
        """The address of this machine that a far end sees.

        Raises:
            OSError: it has none that leads there.
        """
        if (connection := self._connections.get(flow.connection)) is not None:
            return str(connection.transport.get_extra_info("sockname")[0])
        if self.host not in ("0.0.0.0", "::"):
            return self.host
        with socket.socket(
            socket.AF_INET6 if ":" in flow.host else socket.AF_INET, socket.SOCK_DGRAM
        ) as probe:
            probe.connect((flow.host, flow.port or 9))  # nothing is sent: the way there is looked up
            return str(probe.getsockname()[0])

    def close(self) -> None:
        """Listen no more."""
        if self._datagrams is not None:
            self._datagrams.close()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections.values()):
            connection.transport.close()

    def _datagram(self, data: bytes, source: tuple[Any, ...]) -> None:
        self._take(data, Flow("UDP", str(source[0]), int(source[1])))


class _Connection(asyncio.Protocol):
    """One far end over TCP."""

    transport: asyncio.Transport

    def __init__(self, owner: SipSockets) -> None:
        self._owner = owner
        self._framer = Framer()
        self._flow = Flow("TCP", "", 0)
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        owner = self._owner
        if len(owner._connections) >= MOST_CONNECTIONS:
            return self.transport.abort()
        owner._count += 1
        host, port = self.transport.get_extra_info("peername")[:2]
        self._flow = Flow("TCP", str(host), int(port), owner._count)
        owner._connections[owner._count] = self
        self._wait()

    def data_received(self, data: bytes) -> None:
        pings = self._framer.pings
        try:
            messages = self._framer.push(data)
        except BadMessage:
            return self.transport.close()
        if not self._framer.waiting:  # who never ends a message is idle all the same
            self._wait()
        for message in messages:
            self._owner._take(message, self._flow)
        for _ in range(min(self._framer.pings - pings, 1)):
            self.send(PONG)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner._connections.pop(self._flow.connection, None)
        if self._idle is not None:
            self._idle.cancel()

    def send(self, data: bytes) -> None:
        if self.transport.get_write_buffer_size() > MOST_UNREAD:
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.write(data)

    def _wait(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._look)

    def _look(self) -> None:
        if self._owner._in_use(self._flow.connection):
            self._wait()
        else:
            self.transport.close()


def _pair(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Bound sockets for datagrams and for connections; with port 0 on any that both can have."""
    tries = 1 if port else TRIES
    while True:
        datagrams = _bound(host, port)
        try:
            return datagrams, _listening(host, int(datagrams.getsockname()[1]))
        except OSError as error:
            datagrams.close()
            tries -= 1
            if not tries:
                raise _refused(host, port, error) from None


def _bound(host: str, port: int) -> socket.socket:
    try:
        return bound(host, port)
    except OSError as error:
        raise _refused(host, port, error) from None


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=MOST_CONNECTIONS)


def _refused(host: str, port: int, error: OSError) -> MachineError | UsageError:
    if error.errno == errno.EADDRINUSE:
        return PortBusy(
            f"port {port} is in use",
            why="another program takes telephone calls there (SIP, over UDP or TCP)",
            fix=f"rtstream phone --sip --sip-port {port + 1 if port < 65535 else 5060}",
        )
    if error.errno == errno.EACCES:
        return MachineError(
            f"port {port} may not be used", why="ports below 1024 are for root", fix="--sip-port 5060"
        )
    return UsageError(
        f"nobody can listen on {host}:{port}",
        why=error.strerror or str(error),
        fix="Give an address of this machine with --host, or leave it out",
    )
