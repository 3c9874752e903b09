"""Reaches into aioice's checks; what it needs stands in `contract.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from aioice import stun

from .contract import NOMINATION, PERIODIC
from .private_names import known, reads

if TYPE_CHECKING:
    from aiortc import RTCDtlsTransport

CHECK_SECONDS = 0.02  # RFC 8445 §14.2: between two of our own checks

Say = Callable[[Any, Any], None]  # sends a STUN message to an address
Ask = Callable[..., Awaitable[Any]]  # sends a request, says it again, and returns its answer


class Checks:
    """The checks that a connection sends and answers.

    Make it when the candidates are gathered, where `contract.CHECKS` is known.
    """

    def __init__(self, transport: RTCDtlsTransport) -> None:
        ice: Any = transport.transport
        self._connection = ice._connection

    def ask_through(self, wrap: Callable[[Ask, Say], Ask]) -> None:
        """Let what is asked go through a function of ours, on each socket."""
        for protocol in self._connection._protocols:
            protocol.request = wrap(protocol.request, protocol.send_stun)

    def answer_through(self, wrap: Callable[[Say], Say]) -> None:
        """Let what is answered, and was authentic, go through a function of ours."""
        for protocol in self._connection._protocols:
            protocol.send_stun = _answers(wrap(protocol.send_stun), protocol.send_stun)

    def keep_consent_by(self, keep: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let a function of ours run once there is a far end, in the place of aioice's `query_consent`."""
        self._connection.query_consent = keep

    async def ask_for_consent(self) -> bool:
        """Whether the far end answers a check within 3.5 s; it is said again after 0.5 and 1.5 s."""
        pair = self._connection._nominated.get(1)
        if pair is None:
            return False
        request = self._connection.build_request(pair, nominate=False)
        key = self._connection.remote_password.encode()
        try:
            _, address = await pair.protocol.request(
                request, pair.remote_addr, integrity_key=key, retransmissions=2
            )
        except stun.TransactionError:
            return False
        return bool(address == pair.remote_addr)

    async def close(self) -> None:
        """End the connection, from within the function that keeps the consent."""
        self._connection._query_consent_task = None  # which would be cancelled and waited for: our own
        await self._connection.close()


def _answers(say_answer: Say, say: Say) -> Say:
    def send_stun(message: Any, addr: Any) -> None:
        (say_answer if message.message_class == stun.Class.RESPONSE else say)(message, addr)

    return send_stun


def leave_ice_at_once(transport: RTCDtlsTransport) -> Callable[[], None] | None:
    """Let ICE end when a pair is nominated, instead of at the next look every 20 ms.

    aioice's `connect` starts a check, sleeps, and looks again until it has nothing to start. Here it has
    nothing to start as soon as there is a pair to wait for, and the further checks are started beside it.

    Returns:
        what ends those checks; None where aioice is not known, and does as it does.
    """
    if not known(NOMINATION):
        return None
    ice: Any = transport.transport
    connection = ice._connection
    name = next(name for name in PERIODIC if reads(connection.connect, name))
    more: Callable[[], bool] = getattr(connection, name)
    loop, timer = asyncio.get_running_loop(), None

    def again() -> None:
        nonlocal timer
        timer = loop.call_later(CHECK_SECONDS, again) if more() else None

    def check_periodic() -> bool:
        nonlocal timer
        goes_on = more()
        if not goes_on or not connection._check_list:
            return goes_on
        if timer is None:
            timer = loop.call_later(CHECK_SECONDS, again)
        return False

    def end() -> None:
        if timer is not None:
            timer.cancel()

    setattr(connection, name, check_periodic)
    return end
