"""A network that is made up, seeded: what becomes of each packet, and a relay that does it to calls."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BURST = 4.0  # packets in a row, on average


@dataclass(frozen=True)
class Network:
    """What happens to packets on their way: loss and doubling are shares, jitter and overtaking seconds."""

    name: str
    loss: float = 0.0
    bursts: bool = False
    jitter: float = 0.0
    overtaken: float = 0.0
    doubled: float = 0.0

    def fates(self, seed: int) -> Iterator[list[float]]:
        """For each packet how late its copies arrive; none for one that is lost."""
        chance, bad = random.Random(seed), False
        while True:
            if self.bursts:  # Gilbert's two states
                leave = 1 / BURST if bad else self.loss / BURST / (1 - self.loss)
                bad = bad != (chance.random() < leave)
                lost = bad
            else:
                lost = chance.random() < self.loss
            copies = 0 if lost else 1 + (chance.random() < self.doubled)
            yield [
                chance.uniform(0, self.jitter) + 0.03 * (chance.random() < self.overtaken)
                for _ in range(copies)
            ]


CLEAN = Network("none")


class Relay:
    """Stands between a client and its server on 127.0.0.1, and does to each datagram what a network would.

    Use: `offered` what the client says and `answered` what the server says, so that they know of nobody but
    the relay; then change `network` at will. `lost` holds the RTP sequence numbers that the client sent and
    the server never got.
    """

    def __init__(self, network: Network = CLEAN, seed: int = 1) -> None:
        self.lost: set[int] = set()
        self._seed, self._client, self._server = seed, None, None
        self._near: Any = None
        self._far: Any = None
        self.set(network)

    def set(self, network: Network) -> None:
        """From now on it is another network."""
        self.network = network
        self._up, self._down = network.fates(self._seed), network.fates(self._seed + 1)

    def offered(self, sdp: str) -> str:
        """The offer without the client's own addresses."""
        return re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", sdp)

    async def answered(self, sdp: str) -> str:
        """The answer with the relay's address for the server's."""
        ((host, port),) = set(re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) ", sdp))
        self._server, loop = (host, int(port)), asyncio.get_running_loop()
        for side, take in (("_near", self._from_client), ("_far", self._from_server)):
            transport, _ = await loop.create_datagram_endpoint(
                lambda take=take: _Side(take), local_addr=(host, 0)
            )
            setattr(self, side, transport)
        own = self._near.get_extra_info("sockname")[1]
        return re.sub(rf"(a=candidate:\S+ 1 udp \d+ {re.escape(host)}) {port} ", rf"\1 {own} ", sdp)

    def close(self) -> None:
        for side in (self._near, self._far):
            if side is not None:
                side.close()

    def _from_client(self, data: bytes, address: Any) -> None:
        self._client = address
        late = next(self._up)
        if not late and 127 < data[0] < 192 and not 192 <= data[1] <= 223:
            self.lost.add(int.from_bytes(data[2:4]))
        self._pass(late, self._far, data, self._server)

    def _from_server(self, data: bytes, address: Any) -> None:
        if self._client is not None:
            self._pass(next(self._down), self._near, data, self._client)

    def _pass(self, late: list[float], side: Any, data: bytes, to: Any) -> None:
        for each in late:
            if each <= 0:
                side.sendto(data, to)
            else:
                asyncio.get_running_loop().call_later(each, self._send, side, data, to)

    def _send(self, side: Any, data: bytes, to: Any) -> None:
        if not side.is_closing():
            side.sendto(data, to)


class _Side(asyncio.DatagramProtocol):
    def __init__(self, take: Any) -> None:
        self.datagram_received = take
