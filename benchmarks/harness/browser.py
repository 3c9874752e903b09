"""A browser's part of a WebRTC call: aiortc negotiates, and the media then goes past it.

Packets are made before the clock starts and sent by hand; what returns is stamped on arrival and read
when all is over, so that the caller measures the server and not itself. For that, and only here in the
benchmarks, it reaches into aiortc for the nominated ICE pair and the SRTP sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pylibsrtp
from aioice import ice
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtstream.transports.aioice_checks import leave_ice_at_once

if TYPE_CHECKING:
    import httpx
    from numpy.typing import NDArray

    from .network import Relay

STEP = 0.02
PATIENCE = 20.0


def keep_ice_on_loopback() -> None:
    """Offer 127.0.0.1 alone, which aioice would leave out."""
    ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Unsaid(MediaStreamTrack):
    """Keeps a sender open and never gives it anything."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    async def recv(self) -> Any:
        await asyncio.get_running_loop().create_future()


@dataclass
class Times:
    """Moments in the life of a call, on the monotonic clock; 0 for never."""

    posted: float = 0.0
    answered: float = 0.0
    connected: float = 0.0
    echoed: float = 0.0


@dataclass(frozen=True)
class Packet:
    """One RTP packet that came back, decrypted."""

    arrived: float
    sequence: int
    timestamp: int
    payload: bytes


class Call:
    """One peer connection; one in a `hurry` does not look for its pair every 20 ms, as aioice does.

    All that it sends and is sent goes through the relay, where there is one. `texts` are the messages that
    came on its data channel.
    """

    def __init__(self, kind: str = "audio", *, hurry: bool = False, relay: Relay | None = None) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.times = Times()
        self._kind = kind
        self._hurry = hurry
        self._relay = relay
        self.texts: list[str] = []
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._came: list[tuple[float, bytes]] = []
        self._write: Callable[[bytes], None] = lambda packet: None
        self._payload_type = self._ssrc = self._ticks = 0
        self._sequence, self._timestamp = random.randrange(1 << 14), random.randrange(1 << 30)

    async def open(self, client: httpx.AsyncClient) -> None:
        """Offer, take the answer, and return when media can flow.

        Raises:
            ConnectionError: it was refused, or never came about.
        """
        pc = self._pc
        self.channel = pc.createDataChannel("text")  # FastRTC sends no media without one
        self.channel.on("message", self.texts.append)
        transceiver = pc.addTransceiver(Unsaid(self._kind), direction="sendrecv")
        self._offer_more(pc)
        if self._hurry:
            leave_ice_at_once(transceiver.sender.transport)
        connected = asyncio.get_running_loop().create_future()

        def changed() -> None:
            if pc.connectionState == "connected" and not connected.done():
                self.times.connected = time.monotonic()
                self._take_over(transceiver.sender)
                connected.set_result(None)
            elif pc.connectionState in ("failed", "closed") and not connected.done():
                connected.set_exception(ConnectionError(pc.connectionState))

        pc.on("connectionstatechange", changed)
        await pc.setLocalDescription(await pc.createOffer())
        sdp = pc.localDescription.sdp if self._relay is None else self._relay.offered(pc.localDescription.sdp)
        body = {"sdp": sdp, "type": "offer", "webrtc_id": self.id}
        self.times.posted = time.monotonic()
        response = await client.post("/webrtc/offer", json=body, timeout=PATIENCE)
        self.times.answered = time.monotonic()
        answer = response.json()
        if "sdp" not in answer:
            raise ConnectionError(f"{response.status_code} {answer}")
        described = answer["sdp"] if self._relay is None else await self._relay.answered(answer["sdp"])
        await pc.setRemoteDescription(RTCSessionDescription(described, answer["type"]))
        async with asyncio.timeout(PATIENCE):
            await connected

    def _offer_more(self, pc: RTCPeerConnection) -> None:
        """Offer what else the call carries; for those who inherit."""

    def send(self, payload: bytes, ticks: int, *, marker: bool = False) -> None:
        """Send one RTP packet, its timestamp so many ticks after the first one's."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        kind = int(marker) << 7 | self._payload_type
        stamp = (self._timestamp + ticks) & 0xFFFFFFFF
        self._write(struct.pack("!BBHLL", 0x80, kind, self._sequence, stamp, self._ssrc) + payload)

    async def talk(self, seconds: float, packets: Sequence[bytes], *, until_echo: bool = False) -> float:
        """Send audio packets, 20 ms apart; stop at the first echo if asked to. Returns when it began."""
        begin = time.monotonic()
        for count in range(round(seconds / STEP)):
            self.send(packets[count % len(packets)], self._ticks)
            self._ticks += 960
            due = begin + (count + 1) * STEP
            while (left := due - time.monotonic()) > 0:
                if self._came and not self.times.echoed:
                    self.times.echoed = self._came[0][0]
                if self.times.echoed and until_echo:
                    return begin
                await asyncio.sleep(min(left, 0.001) if until_echo else left)
        return begin

    @property
    def packets_heard(self) -> int:
        return len(self._came)

    def packets(self) -> Iterator[Packet]:
        """What came back, in the order of arrival."""
        unprotect = self._srtp.unprotect
        for arrived, data in self._came:
            with contextlib.suppress(pylibsrtp.Error):
                plain = unprotect(data)
                first, _, sequence, stamp, _ = struct.unpack_from("!BBHLL", plain)
                start = 12 + 4 * (first & 15)
                if first & 16:  # a header extension, RFC 3550 §5.3.1
                    start += 4 + 4 * struct.unpack_from("!H", plain, start + 2)[0]
                yield Packet(arrived, sequence, stamp, plain[start:])

    async def close(self) -> None:
        await self._pc.close()
        if self._relay is not None:
            self._relay.close()

    @property
    def live(self) -> bool:
        """Whether the connection stands."""
        return bool(self._pc.connectionState == "connected")

    @property
    def far_end(self) -> tuple[str, int]:
        """Where its datagrams go."""
        return self._far_end

    @property
    def sequence(self) -> int:
        """The number of the packet that was sent last."""
        return self._sequence

    def _take_over(self, sender: Any) -> None:
        """From here on datagrams with media are read and written by us."""
        dtls = sender.transport
        pair = dtls.transport._connection._nominated[1]
        self._far_end = pair.remote_addr
        protocol, address = pair.protocol, pair.remote_addr
        before, came, now = protocol.datagram_received, self._came, time.monotonic

        def datagram_received(data: bytes, source: Any) -> None:
            if 127 < data[0] < 192 and not 192 <= data[1] <= 223:  # RTP but not RTCP, RFC 5761 §4
                came.append((now(), data))
            else:
                before(data, source)

        protocol.datagram_received = datagram_received
        protect, socket = dtls._tx_srtp.protect, protocol.transport
        self._srtp = dtls._rx_srtp
        self._write = lambda packet: None if socket.is_closing() else socket.sendto(protect(packet), address)
        self._ssrc = sender._ssrc
        self._payload_type = int(self._pc.getTransceivers()[0]._codecs[0].payloadType or 0)


@lru_cache
def opus(kind: str = "murmur") -> list[bytes]:
    """A second of mono Opus in packets of 20 ms: a murmur, or silence."""
    t = np.arange(48000) / 48000
    loud = 4000 if kind == "murmur" else 0
    wave = np.sum([np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 8)], axis=0)
    return coded((loud * wave).astype(np.int16))


def coded(samples: NDArray[np.int16]) -> list[bytes]:
    """Sound at 48 kHz as mono Opus in packets of 20 ms."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 48000, "mono", "s16", 32000
    packets: list[bytes] = []
    for at in range(0, samples.size - 959, 960):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, at
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def decoded(packets: Iterable[Packet]) -> Iterator[tuple[float, NDArray[np.int16]]]:
    """The mono sound at 48 kHz of each packet, and when it arrived."""
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout, decoder.format = 48000, "mono", "s16"
    for packet in packets:
        for frame in decoder.decode(av.Packet(packet.payload)):
            yield packet.arrived, frame.to_ndarray()[0]
