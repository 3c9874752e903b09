"""What the two callers over a WebSocket share: getting on, and telling a good end from a bad one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake, InvalidStatus

from rtstream.errors import ConnectionRefused, RemoteError
from rtstream.loopback.taken import Taken, unreachable

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0


@asynccontextmanager
async def connected(url: str, route: str) -> AsyncIterator[ClientConnection]:
    """A WebSocket to a route of a stream whose address is `http(s)://…`.

    Raises:
        ServerUnreachable: nobody answers there, or no WebSocket.
        ConnectionRefused: the server answers the handshake with another status than 101.
    """
    address = "ws" + url.removeprefix("http").rstrip("/") + route
    opening = connect(
        address, open_timeout=OPEN_SECONDS, close_timeout=CLOSE_SECONDS, proxy=None, max_size=None
    )
    try:
        socket = await opening
    except InvalidStatus as refusal:
        status = refusal.response.status_code
        raise ConnectionRefused(
            f"{address} refused the connection with HTTP {status}",
            why=refusal.response.body.decode(errors="replace")[:300],
            fix="Check the path in the address: it is where the stream is mounted"
            if status in (403, 404)
            else "",
        ) from refusal
    except (OSError, InvalidHandshake) as failure:
        raise unreachable(address, failure) from failure
    try:
        yield socket
    finally:
        await socket.close()


@contextmanager
def closed_well(taken: Taken) -> Iterator[None]:
    """Listen inside; that the server hung up is noted, and that it did so in anger is an error."""
    try:
        yield
    except ConnectionClosedOK:
        pass
    except ConnectionClosed as end:
        code = end.rcvd.code if end.rcvd else 1006
        if not taken.errors:
            why = end.rcvd.reason if end.rcvd else "it is gone without a word"
            taken.errors.append(RemoteError(f"the server closed the socket with code {code}", why=why))
    finally:
        taken.gone = True
