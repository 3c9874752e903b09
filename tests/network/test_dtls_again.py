"""A handshake through a network that loses datagrams."""

from __future__ import annotations

from typing import Any

import pytest
from OpenSSL import SSL

from rtstream import Stream
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import answering
from tests.helpers.webrtc import Caller, caller

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("media_path")]


def lose_dtls(client: Caller, count: int) -> list[bytes]:
    """Let so many of the server's DTLS datagrams not come; those that were lost."""
    transport: Any = client.pc.getSenders()[0].transport.transport
    lost: list[bytes] = []
    for protocol in transport._connection._protocols:
        take = protocol.datagram_received

        def datagram_received(data: bytes, address: Any, take: Any = take) -> None:
            if 19 < data[0] < 64 and len(lost) < count:
                lost.append(data)
            else:
                take(data, address)

        protocol.datagram_received = datagram_received
    return lost


def test_what_the_server_says_of_a_handshake_is_said_again_before_openssl_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SSL.Connection, "DTLSv1_get_timeout", lambda self: None)

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            body = await client.offer()
            lost = lose_dtls(client, 3)
            await client.take(await server.post(json=body))
            await client.hears(0.1)
            assert len(lost) == 3 and len(set(lost)) < 3, "one of them was sent again"

    run(main())
