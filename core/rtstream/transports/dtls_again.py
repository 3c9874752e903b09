"""Sends the flights of a DTLS handshake again soon: aiortc leaves that to OpenSSL, which waits a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from .aiortc_inside import FAULTS, Send, send_through

if TYPE_CHECKING:
    from aiortc import RTCDtlsTransport

FIRST = 0.1  # seconds until a flight is sent again (browsers: 0.05); each pause is twice the one before


def insist(transport: RTCDtlsTransport) -> Callable[[], None]:
    """Repeat each flight of a handshake until the far end has answered it; returns what ends that.

    What is sent again is the same datagram, which a network may double as well: a record that had come is
    dropped by its number (RFC 6347 §4.1.2.6). Where aiortc is not what it is taken for, it does as it does.
    """
    again = _Again(transport)
    send_through(transport, again.through)
    return again.end


class _Again:
    """The flight that was sent last, and when it is sent again."""

    def __init__(self, transport: RTCDtlsTransport) -> None:
        self._transport = transport
        self._send: Send
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Future[None] | None = None

    def through(self, send: Send) -> Send:
        """Send, and remember what was sent."""
        self._send = send

        async def send_and_remember(data: bytes) -> None:
            await send(data)
            if self._shakes_hands and 19 < data[0] < 64:  # RFC 7983: DTLS
                self.end()
                self._in(FIRST, data)

        return send_and_remember

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @property
    def _shakes_hands(self) -> bool:
        return self._transport.state == "connecting"

    def _in(self, pause: float, data: bytes) -> None:
        self._timer = asyncio.get_running_loop().call_later(pause, self._again, pause, data)

    def _again(self, pause: float, data: bytes) -> None:
        if self._shakes_hands:
            self._sending = asyncio.ensure_future(self._quietly(data))
            self._in(2 * pause, data)

    async def _quietly(self, data: bytes) -> None:
        try:
            await self._send(data)
        except FAULTS:  # the connection went meanwhile, which others find out
            pass
