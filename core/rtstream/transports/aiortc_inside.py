"""The one place that touches what aiortc and aioice keep private, each name pinned by a contract check."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aioice.ice
import pylibsrtp
from aiortc import (
    RTCCertificate,
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSctpTransport,
    rtcsctptransport,
)
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport

from .datagrams import Then, at_once, share

LOOPBACK = "127.0.0.1"
ADDRESSES_VARIABLE = "RTSTREAM_ICE_ADDRESSES"

LONGEST = 1500  # bytes: pylibsrtp takes no more, and raises what ends aiortc's DTLS task
STUN_A_SECOND = 100  # from each socket's strangers; an ICE agent checks each pair every 20 ms at most

# What aioice and aiortc raise on datagrams that no honest client sends: all of these were seen.
FAULTS = (
    struct.error,
    ValueError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,
    TypeError,
    OSError,
    ArithmeticError,
)

T = TypeVar("T")
Send = Callable[[bytes], Awaitable[None]]
Say = Callable[[Any], Awaitable[None]]  # sends a chunk of SCTP

_CHUNK_NAMES = "_remote_verification_tag", "_local_port", "_remote_port", "_send_data", "serialize_packet"

_original: Callable[[bool, bool], list[str]] = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    if given := os.environ.get(ADDRESSES_VARIABLE):
        return [address.strip() for address in given.split(",") if address.strip()]
    return _original(use_ipv4, use_ipv6) or [LOOPBACK]


def choose_ice_addresses() -> None:
    """Let `RTSTREAM_ICE_ADDRESSES` (a comma list) say which own addresses ICE offers.

    Without it aioice chooses, which leaves out 127.0.0.1: then a machine with no network could not even
    talk to itself, so there 127.0.0.1 stands in.
    """
    aioice.ice.get_host_addresses = _host_addresses


# The contract. Each check says of one private name whether it is what `Line` takes it for.


class _Probe:
    """A connection that is never made, to look at."""

    def __init__(self) -> None:
        gatherer = RTCIceGatherer(iceServers=[])
        self.ice = RTCIceTransport(gatherer)
        self.dtls = RTCDtlsTransport(self.ice, [RTCCertificate.generateCertificate()])
        self.sender = RTCRtpSender("audio", self.dtls)
        self.connection: Any = getattr(self.ice, "_connection", None)


def reads(function: Any, name: str) -> bool:
    """Whether a function looks a name up, so that what stands there instead is called."""
    return name in getattr(getattr(function, "__code__", None), "co_names", ())


_CONTRACT: dict[str, Callable[[_Probe], bool]] = {
    "RTCPeerConnection.__connect": lambda probe: all(
        reads(getattr(RTCPeerConnection, "_RTCPeerConnection__connect", None), name)
        for name in ("sender", "send", "receiver", "receive")
    ),
    "RTCRtpSender._ssrc": lambda probe: isinstance(getattr(probe.sender, "_ssrc", None), int),
    "RTCIceTransport._connection": lambda probe: isinstance(probe.connection, aioice.ice.Connection),
    "RTCDtlsTransport._rx_srtp": lambda probe: (
        getattr(probe.dtls, "_rx_srtp", 0) is None and reads(RTCDtlsTransport._setup_srtp, "_rx_srtp")
    ),
    "RTCDtlsTransport._tx_srtp": lambda probe: (
        getattr(probe.dtls, "_tx_srtp", 0) is None and reads(RTCDtlsTransport._setup_srtp, "_tx_srtp")
    ),
    "RTCDtlsTransport._handle_rtcp_data": lambda probe: (
        asyncio.iscoroutinefunction(getattr(probe.dtls, "_handle_rtcp_data", None))
        and reads(RTCDtlsTransport._recv_next, "_handle_rtcp_data")
    ),
    "Connection._nominated": lambda probe: (
        getattr(probe.connection, "_nominated", None) == {}
        and reads(aioice.ice.Connection.sendto, "_nominated")
    ),
    "Connection._protocols": lambda probe: getattr(probe.connection, "_protocols", None) == [],
    "CandidatePair.remote_addr": lambda probe: isinstance(
        getattr(aioice.ice.CandidatePair, "remote_addr", None), property
    ),
    "StunProtocol.datagram_received": lambda probe: (
        issubclass(aioice.ice.StunProtocol, asyncio.DatagramProtocol)
        and "datagram_received" in vars(aioice.ice.StunProtocol)
    ),
}


def broken_names() -> list[str]:
    """The private names that are not what they are taken for; none if audio may go its own path."""
    try:
        probe = _Probe()
    except FAULTS as error:
        return [f"a transport cannot be made ({error})"]
    return [name for name, check in _CONTRACT.items() if not holds(check, probe)]


def holds(check: Callable[[T], bool], of: T) -> bool:
    """Whether a check of a contract says yes, and does not fail."""
    try:
        return check(of)
    except FAULTS:
        return False


class Line:
    """What lies under the media of a peer connection: its sockets, its keys, its far end's address.

    Args:
        transport: the DTLS transport that an RTP sender names as its own.

    `came` counts all datagrams, `dropped` those that nobody was shown, by what is wrong with them; `then` does
    a step of the call, together with those of others if they share a reader.
    """

    def __init__(self, transport: RTCDtlsTransport) -> None:
        self.came = 0
        self.dropped: Counter[str] = Counter()
        self._told: list[Callable[[bytes], None]] = []
        self._dtls: Any = transport
        self._connection: Any = transport.transport._connection
        self._pair: Any = None
        self._address: Any = None
        self._strangers, self._second = 0, 0
        self.then: Then = at_once

    def open(
        self,
        media: Callable[[bytes], bool] = lambda data: False,
        reports: Callable[[bytes], None] = lambda data: None,
    ) -> None:
        """Let no datagram get through to aiortc with harm. Call it when the candidates are gathered.

        Args:
            media: is shown whatever may be RTP, first; False leaves it to aiortc.
            reports: is shown RTCP, decrypted, beside aiortc.
        """
        self.tell(reports)
        loop = asyncio.get_running_loop()
        for protocol in self._connection._protocols:
            protocol.datagram_received = self._guarded(protocol, media, loop.time)
        handle: Callable[[bytes], Awaitable[None]] = self._dtls._handle_rtcp_data

        async def handle_rtcp_data(data: bytes) -> None:
            for told in self._told:
                told(data)
            try:
                await handle(data)
            except FAULTS as error:
                self.dropped[type(error).__name__] += 1

        self._dtls._handle_rtcp_data = handle_rtcp_data

    def tell(self, reports: Callable[[bytes], None]) -> None:
        """Show RTCP to one more."""
        self._told.append(reports)

    @property
    def keyed(self) -> bool:
        """Whether there are keys, so that packets may come and go."""
        return self._dtls._rx_srtp is not None and self._dtls._tx_srtp is not None

    def unprotect(self, data: bytes) -> bytes | None:
        """Decrypt a packet; None for one that the far end did not send, or has sent before."""
        try:
            return bytes(self._dtls._rx_srtp.unprotect(data))
        except pylibsrtp.Error:
            self.dropped["unauthentic"] += 1
            return None

    def send(self, packet: bytes) -> None:
        """Encrypt and send an RTP packet, if there is somebody to send it to."""
        if self._dtls._tx_srtp is not None:
            self.then(self._send_protected, self._dtls._tx_srtp.protect, packet)

    def send_reports(self, packet: bytes) -> None:
        """Encrypt and send an RTCP packet."""
        if self._dtls._tx_srtp is not None:
            self._send_protected(self._dtls._tx_srtp.protect_rtcp, packet)

    def share_socket(self) -> None:
        """Read and write the socket together with those of other calls."""
        if (pair := self._connection._nominated.get(1)) is not None:
            self.then = share(pair.protocol)

    def _send_protected(self, protect: Callable[[bytes], bytes], packet: bytes) -> None:
        pair = self._connection._nominated.get(1)
        if pair is None:
            return
        if pair is not self._pair:  # a property, and asked for with each packet
            self._pair, self._address = pair, pair.remote_addr
        pair.protocol.transport.sendto(protect(packet), self._address)

    def _guarded(
        self, protocol: Any, media: Callable[[bytes], bool], now: Callable[[], float]
    ) -> Callable[[bytes, Any], None]:
        """A socket's `datagram_received` that nothing anybody sends gets past with harm."""
        original = protocol.datagram_received
        dropped = self.dropped

        def datagram_received(data: bytes, address: Any) -> None:
            self.came += 1
            if not data:
                dropped["empty"] += 1  # aiortc would index into it, and end the call
            elif 127 < data[0] < 192:  # RFC 7983: RTP and RTCP
                if len(data) > LONGEST:
                    dropped["oversized"] += 1
                elif not media(data):
                    original(data, address)
            elif data[0] < 4 and self._too_many(address, now()):
                dropped["flood"] += 1
            else:
                try:
                    original(data, address)
                except FAULTS as error:
                    dropped[type(error).__name__] += 1

        return datagram_received

    def _too_many(self, address: Any, now: float) -> bool:
        """Whether strangers sent more STUN in this second than ICE needs: each request costs two hashes."""
        pair = self._connection._nominated.get(1)
        if pair is not None and pair.remote_addr == address[:2]:
            return False
        if int(now) != self._second:
            self._second, self._strangers = int(now), 0
        self._strangers += 1
        return self._strangers > STUN_A_SECOND


def send_through(transport: RTCDtlsTransport, wrap: Callable[[Send], Send]) -> bool:
    """Let a DTLS transport send through a function of ours; False where aiortc is another."""
    ice: Any = transport.transport
    send: Send | None = getattr(ice, "_send", None)
    if send is None or not reads(getattr(RTCDtlsTransport, "_write_ssl", None), "_send"):
        return False
    ice._send = wrap(send)
    return True


def associate_through(association: RTCSctpTransport, wrap: Callable[[Say], Say]) -> bool:
    """Let what begins an association be sent through a function of ours; False where aiortc is another.

    An INIT carries no verification tag, or it is dropped (RFC 9260 §8.5.1 A). On one that aiortc sends again
    stands the far end's, if the far end's INIT has come: two aiortc whose INIT ACKs were both lost are never
    associated.
    """
    inside: Any = association
    send: Say | None = getattr(inside, "_send_chunk", None)
    if send is None or not all(reads(RTCSctpTransport._send_chunk, name) for name in _CHUNK_NAMES):
        return False

    async def send_init(chunk: Any) -> None:
        packet = rtcsctptransport.serialize_packet(inside._local_port, inside._remote_port, 0, chunk)
        await inside.transport._send_data(packet)

    ways = {rtcsctptransport.InitChunk: wrap(send_init), rtcsctptransport.CookieEchoChunk: wrap(send)}

    async def send_chunk(chunk: Any) -> None:
        await ways.get(type(chunk), send)(chunk)

    inside._send_chunk = send_chunk
    return True
