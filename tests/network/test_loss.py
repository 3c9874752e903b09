"""Calls over a network that loses, delays, reorders and doubles packets, both ways."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import numpy as np
import pytest
from aiortc import RTCRtpSender

from rtstream import Stream
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import answering, until
from tests.helpers.webrtc import Caller, caller
from tests.unit.signals import pitch

pytestmark = pytest.mark.network


class Network:
    """What lies between a client and the server: it harms media, seeded, from when it is put in place."""

    def __init__(self, *, loss: float = 0, jitter: float = 0, double: float = 0) -> None:
        self.loss, self.jitter, self.double = loss, jitter, double
        self._chance = random.Random(4)

    def between(self, client: Caller, server_transport: Any) -> None:
        """Take the datagrams of both ends."""
        for end in (client.pc, server_transport._pc):
            pair: Any = end.getTransceivers()[0].sender.transport.transport._connection._nominated[1]
            pair.protocol.transport.sendto = self._through(pair.protocol.transport)

    def _through(self, transport: Any) -> Any:
        sendto = transport.sendto

        def arrive(data: bytes, address: Any) -> None:
            if not transport.is_closing():
                sendto(data, address)

        def send(data: bytes, address: Any = None) -> None:
            if not 127 < data[0] < 192:
                sendto(data, address)
            elif self._chance.random() >= self.loss:
                for _ in range(1 + (self._chance.random() < self.double)):
                    delay = self._chance.uniform(0, self.jitter)
                    asyncio.get_running_loop().call_later(delay, arrive, data, address)

        return send


class Listening(AsyncEcho):
    """Keeps what it hears."""

    heard: list[np.ndarray[Any, Any]]

    async def start_up(self) -> None:
        self.heard = []

    async def receive(self, frame: Any) -> None:
        self.heard.append(frame[1])
        await super().receive(frame)


HARMS: list[Any] = [
    pytest.param(Network(loss=0.1), id="10 % loss"),
    pytest.param(Network(loss=0.3), id="30 % loss"),
    pytest.param(Network(jitter=0.06, double=0.02), id="60 ms jitter, 2 % doubled"),
    pytest.param(Network(loss=0.05, jitter=0.04, double=0.02), id="all together"),
]


@pytest.mark.parametrize("network", HARMS)
def test_the_handler_hears_every_moment_though_packets_are_lost_late_and_doubled(network: Network) -> None:
    async def main() -> None:
        stream = Stream(Listening(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await client.hears(0.2)
            session = stream.sessions.get(client.id)
            transport: Any = session.transport
            heard = session.handler.heard  # type: ignore[attr-defined]
            network.between(client, transport)
            before = len(heard)
            reception = transport._audio.rtp.receiver.reception
            first = reception.expected
            await until(lambda: reception.expected - first >= 150, 20)
            said = reception.expected - first
            # Those behind the last gap wait for a tenth of a second at most.
            await until(lambda: sum(piece.size for piece in heard[before:]) >= (said - 3) * 960, 2)
            sound = np.concatenate([piece[0] for piece in heard[before:]])
            assert sound.size / 960 <= reception.expected - first + 3, "none twice"
            assert pitch(sound[-48_000:], 48_000) == pytest.approx(440, abs=10)
            counted = transport.counted["heard"]
            assert network.loss == 0 or counted["concealed"] > 0
            assert counted["refused"] == counted["restarts"] == 0
            assert transport._audio.rtp.receiver._order.wait(0) <= 0.1

    run(main())


@pytest.mark.usefixtures("media_path")
@pytest.mark.parametrize("codec", ["audio/PCMU", "audio/PCMA", "audio/G722"])
def test_a_client_that_speaks_no_opus_is_heard_and_answered(codec: str) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            known = RTCRtpSender.getCapabilities("audio").codecs
            client.pc.getTransceivers()[0].setCodecPreferences(
                [each for each in known if each.mimeType == codec]
            )
            await client.call()
            await until(lambda: len(client.sounds) >= 40)
            frame = client.sounds[-1]
            rate, channels = frame.sample_rate, len(frame.layout.channels)
            rows = [each.to_ndarray().reshape(-1, channels)[:, 0] for each in client.sounds[-25:]]
            assert pitch(np.concatenate(rows), rate) == pytest.approx(440, abs=10)

    run(main())


def test_reports_reach_the_client_and_the_clients_reach_the_encoder() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            transport: Any = stream.sessions.get(client.id).transport
            (sender,) = client.pc.getSenders()

            await until(lambda: transport.counted["said"].get("round_trip") is not None)
            reports = {each.type: each for each in (await sender.getStats()).values()}
            assert reports["remote-inbound-rtp"].packetsLost == 0
            assert transport.counted["said"]["loss"] == 0
            received = {each.type: each for each in (await client.pc.getReceivers()[0].getStats()).values()}
            assert received["remote-outbound-rtp"].packetsSent > 0

    run(main())
