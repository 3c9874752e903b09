"""Datagrams that no honest client sends: the call goes on, nobody is told of each, and counters tell."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from typing import Any

import pytest

from rtstream import Stream
from rtstream.transports.webrtc import WebRtcTransport
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.hostile import hostile
from tests.helpers.server import answering, until
from tests.helpers.webrtc import Caller, caller

pytestmark = pytest.mark.network

COUNT = 6000


def port_of(client: Caller) -> tuple[str, int]:
    """Where the server's end of a call listens, as its answer tells everybody."""
    found = re.search(r"a=candidate:\S+ 1 udp \d+ (127\.\S+|\d+\.\S+) (\d+)", client.pc.remoteDescription.sdp)
    assert found is not None
    return found[1], int(found[2])


async def attack(client: Caller, count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        address = port_of(client)
        for data in hostile(count):
            stranger.sendto(data, address)
            await asyncio.sleep(0)  # the loop reads one at a time


@pytest.mark.usefixtures("media_path")
@pytest.mark.parametrize("video", [False, True], ids=["audio", "audio-video"])
def test_hostile_datagrams_end_no_call_and_fill_no_log(video: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        said_by_loop: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: said_by_loop.append(context))
        stream = Stream(AsyncEcho(), modality="audio", allow_extra_tracks=True)
        async with answering(stream) as server, caller(server, video=video) as client:
            await client.call()
            await client.hears(0.2)
            caplog.clear()
            await attack(client, COUNT)
            await client.hears(0.5)
            assert client.pc.connectionState == "connected"
            assert len(stream.sessions) == 1
        assert said_by_loop == []

    with caplog.at_level(logging.INFO):
        run(main())
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.alone  # of a machine that is busy: strangers are counted by the second
def test_what_was_dropped_is_counted_by_what_is_wrong_with_it() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await client.hears(0.2)
            await attack(client, 700)
            await client.hears(0.2)
            transport = stream.sessions.get(client.id).transport
            assert isinstance(transport, WebRtcTransport)
            dropped = transport.counted["dropped"]
            assert dropped["empty"] == 1
            assert dropped["oversized"] >= 2
            assert dropped["unauthentic"] >= 90
            assert dropped["truncated"] >= 60
            assert dropped["flood"] > 50, "strangers' STUN costs hashes"
            heard = transport.counted["heard"]
            assert heard["malformed"] == heard["foreign"] == heard["refused"] == 0
            assert heard["received"] > 10

    run(main())


def test_a_packet_sent_twice_is_heard_once() -> None:
    """SRTP's replay window answers it before the buffer has to."""

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            pair: Any = None
            await client.call()
            pair = client.pc.getSenders()[0].transport.transport._connection._nominated[1]
            send = pair.protocol.transport.sendto
            pair.protocol.transport.sendto = lambda data, address: (send(data, address), send(data, address))
            transport: Any = stream.sessions.get(client.id).transport
            await until(lambda: transport.counted["dropped"].get("unauthentic", 0) > 20)
            heard = transport.counted["heard"]
            assert heard["duplicates"] == 0 and heard["concealed"] == 0
            pair.protocol.transport.sendto = send

    run(main())
