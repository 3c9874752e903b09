"""Sends the flights of the handshakes of DTLS and SCTP again soon: OpenSSL waits a second, aiortc three."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from .again import Again
from .aiortc_inside import associate_through, send_through
from .faults import FAULTS

if TYPE_CHECKING:
    from aiortc import RTCDtlsTransport, RTCSctpTransport

T = TypeVar("T")

FIRST = 0.1  # seconds until a flight is sent again; browsers: 0.05


def insist(transport: RTCDtlsTransport) -> Callable[[], None]:
    """Repeat each flight of DTLS until the far end has answered it; returns what ends that.

    What is sent again is the same datagram, which a network may double as well: a record that had come is
    dropped by its number (RFC 6347 §4.1.2.6). Where aiortc is not known, it does as it does.
    """
    flights = _Flights(transport)
    send_through(transport, flights.through)
    return flights.end


def insist_on_association(association: RTCSctpTransport) -> Callable[[], None]:
    """Repeat what begins an association of SCTP, INIT and COOKIE ECHO (RFC 9260 §5.1), in the same way."""
    flights = _Flights(association)
    associate_through(association, flights.through)
    return flights.end


class _Flights:
    """Those of one handshake, of which the one that was sent last is sent again."""

    def __init__(self, of: RTCDtlsTransport | RTCSctpTransport) -> None:
        self._of = of
        self._again = Again(FIRST)
        self._sending: asyncio.Future[None] | None = None
        self.end = self._again.end

    def through(self, send: Callable[[T], Awaitable[None]]) -> Callable[[T], Awaitable[None]]:
        """Send, and remember what was sent."""

        async def send_and_remember(flight: T) -> None:
            await send(flight)
            if self._goes_on:
                self._again.begin(lambda: self._say(send, flight))

        return send_and_remember

    @property
    def _goes_on(self) -> bool:
        return self._of.state == "connecting"

    def _say(self, send: Callable[[T], Awaitable[None]], flight: T) -> None:
        if self._goes_on:
            self._sending = asyncio.ensure_future(_quietly(send, flight))
        else:
            self.end()


async def _quietly(send: Callable[[T], Awaitable[None]], flight: T) -> None:
    try:
        await send(flight)
    except FAULTS:  # the connection went meanwhile, which others find out
        pass
