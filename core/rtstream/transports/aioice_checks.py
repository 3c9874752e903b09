"""What aioice keeps private of its checks, and its contract, as in `aiortc_inside.py`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from aioice import ice, stun

from .aiortc_inside import holds, reads

if TYPE_CHECKING:
    from aiortc import RTCDtlsTransport

CHECK_SECONDS = 0.02  # RFC 8445 §14.2: between two of our own checks
FIRST_PAUSE = 0.5  # RFC 8489 §6.2.1: seconds until aioice says a request again; then twice that
_PERIODIC = ("_check_periodic", "check_periodic")  # since aioice 0.11, and before

Say = Callable[[Any, Any], None]  # sends a STUN message to an address
Ask = Callable[..., Awaitable[Any]]  # sends a request, says it again, and returns its answer


def _takes(owner: type, name: str, *parameters: str) -> bool:
    return list(inspect.signature(getattr(owner, name)).parameters) == ["self", *parameters]


# Each says of one name whether it is what `Checks` takes it for.
_CONTRACT: dict[str, Callable[[Any], bool]] = {
    "_protocols": lambda connection: isinstance(connection._protocols, list),
    "_nominated": lambda connection: (
        isinstance(connection._nominated, dict) and reads(ice.Connection.close, "_nominated")
    ),
    "query_consent": lambda connection: reads(ice.Connection.connect, "query_consent"),
    "_query_consent_task": lambda connection: (
        hasattr(connection, "_query_consent_task") and reads(ice.Connection.close, "_query_consent_task")
    ),
    "build_request": lambda connection: _takes(ice.Connection, "build_request", "pair", "nominate"),
    "remote_password": lambda connection: hasattr(connection, "remote_password"),
    "remote_addr": lambda connection: isinstance(vars(ice.CandidatePair)["remote_addr"], property),
    "request": lambda connection: (
        reads(ice.Connection.check_start, "request")
        and _takes(ice.StunProtocol, "request", "request", "addr", "integrity_key", "retransmissions")
    ),
    "send_stun": lambda connection: (
        reads(ice.Connection.request_received, "send_stun")
        and _takes(ice.StunProtocol, "send_stun", "message", "addr")
    ),
    "message_class": lambda connection: reads(ice.StunProtocol.datagram_received, "message_class"),
    "transaction_id": lambda connection: reads(ice.StunProtocol.datagram_received, "transaction_id"),
    "RETRY_RTO": lambda connection: stun.RETRY_RTO == FIRST_PAUSE,
}


class Checks:
    """The checks that a connection sends and answers. Make it when the candidates are gathered.

    `known` is whether aioice is what it is taken for. Where it is not, nothing else here may be used.
    """

    def __init__(self, transport: RTCDtlsTransport) -> None:
        self._connection: Any = getattr(transport.transport, "_connection", None)
        self.known = all(holds(check, self._connection) for check in _CONTRACT.values())

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
        what ends those checks; None where aioice is not what it is taken for, and does as it does.
    """
    connection: Any = getattr(transport.transport, "_connection", None)
    connect = getattr(connection, "connect", None)
    name = next((name for name in _PERIODIC if reads(connect, name)), None)
    if name is None or not hasattr(connection, "_check_list"):
        return None
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
