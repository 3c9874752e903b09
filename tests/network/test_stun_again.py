"""Checks of ICE through a network that loses them."""

from __future__ import annotations

import asyncio
from typing import Any

import aioice.stun
import pytest

from rtstream import Stream
from rtstream.transports import stun_again
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import answering
from tests.helpers.webrtc import Caller, caller

pytestmark = pytest.mark.network


def lose_checks(client: Caller, count: int) -> list[tuple[float, bytes]]:
    """Let so many of the server's checks not come; when they would have, and what they were."""
    transport: Any = client.pc.getSenders()[0].transport.transport
    lost: list[tuple[float, bytes]] = []
    for protocol in transport._connection._protocols:
        take = protocol.datagram_received

        def datagram_received(data: bytes, address: Any, take: Any = take) -> None:
            if data[:2] == b"\x00\x01" and len(lost) < count:  # a binding request
                lost.append((asyncio.get_running_loop().time(), data))
            else:
                take(data, address)

        protocol.datagram_received = datagram_received
    return lost


def test_a_server_whose_checks_are_lost_asks_again_before_aioice_would() -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            body = await client.offer()
            lost = lose_checks(client, 4)
            await client.take(await server.post(json=body))
            await client.hears(0.1)
        pauses = [
            later - at
            for number, (at, data) in enumerate(lost)
            for later, other in lost[number + 1 :]
            if other == data
        ]
        assert pauses and min(pauses) < 0.4

    run(main())


@pytest.mark.parametrize("name", ["RETRY_RTO", "RETRY_MAX"])
def test_an_aioice_with_other_numbers_stays_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.5)
    monkeypatch.setattr(aioice.stun, "RETRY_MAX", 6)
    monkeypatch.setattr(aioice.stun, name, 7)
    stun_again.ask_again_soon()
    assert stun_again.FIRST not in (aioice.stun.RETRY_RTO, aioice.stun.RETRY_MAX)
    assert getattr(aioice.stun, name) == 7
