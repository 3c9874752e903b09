"""Reaches below aiortc's media: its sockets, keys and handshakes; what it needs stands in `contract.py`."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aioice.ice
import pylibsrtp
from aiortc import RTCDtlsTransport, RTCSctpTransport, rtcsctptransport

from .contract import ASSOCIATION, CIPHERS, FLIGHTS, PARTINGS
from .datagrams import share
from .faults import FAULTS
from .private_names import known
from .shared_reader import Then, at_once
from .srtp import Change, protecting, unprotecting

LOOPBACK = "127.0.0.1"
ADDRESSES_VARIABLE = "RTSTREAM_ICE_ADDRESSES"

LONGEST = 1500  # bytes: pylibsrtp takes no more, and raises what ends aiortc's DTLS task
SUITES = ("AES128-GCM-SHA256", "CHACHA20-POLY1305", "AES128-SHA", "AES256-SHA")  # those of aiortc
USER_ABORT = 12  # RFC 9260 §3.3.10.12: the cause of an ABORT that nothing but a user's wish led to
STUN_A_SECOND = 100  # from each socket's strangers; an ICE agent checks each pair every 20 ms at most

Send = Callable[[bytes], Awaitable[None]]
Say = Callable[[Any], Awaitable[None]]  # sends a chunk of SCTP

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


class Line:
    """What lies under the media of a peer connection: its sockets, its keys, its far end's address.

    Make it where `contract.OWN_PATH` is known.

    Args:
        transport: the DTLS transport that an RTP sender names as its own.

    `came` counts all datagrams, `dropped` those that nobody was shown, by what is wrong with them; `then`
    does a step of the call, together with those of others if they share a reader.
    """

    def __init__(self, transport: RTCDtlsTransport) -> None:
        self.came = 0
        self.dropped: Counter[str] = Counter()
        self._told: list[Callable[[bytes], None]] = []
        self.transport: Any = transport
        self._connection: Any = transport.transport._connection
        self._pair: Any = None
        self._address: Any = None
        self._strangers, self._second = 0, 0
        self._says: Any = None  # the session of SRTP by which `_protect` works
        self._hears: Any = None
        self._protect: Change
        self._unprotect: Change
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
        handle: Callable[[bytes], Awaitable[None]] = self.transport._handle_rtcp_data

        async def handle_rtcp_data(data: bytes) -> None:
            for told in self._told:
                told(data)
            try:
                await handle(data)
            except FAULTS as error:
                self.dropped[type(error).__name__] += 1

        self.transport._handle_rtcp_data = handle_rtcp_data

    def tell(self, reports: Callable[[bytes], None]) -> None:
        """Show RTCP to one more."""
        self._told.append(reports)

    @property
    def keyed(self) -> bool:
        """Whether there are keys, so that packets may come and go."""
        return self.transport._rx_srtp is not None and self.transport._tx_srtp is not None

    @property
    def address(self) -> Any:
        """Where the far end is; None as long as that is not known."""
        pair = self._connection._nominated.get(1)
        return pair.remote_addr if pair is not None else None

    def unprotect(self, data: bytes) -> bytes | None:
        """Decrypt a packet; None for one that the far end did not send, or has sent before."""
        session = self.transport._rx_srtp
        if session is not self._hears:
            self._hears, self._unprotect = session, unprotecting(session)
        try:
            return self._unprotect(data)
        except pylibsrtp.Error:
            self.dropped["unauthentic"] += 1
            return None

    def send(self, packet: bytes) -> None:
        """Encrypt and send an RTP packet, if there is somebody to send it to."""
        session = self.transport._tx_srtp
        if session is None:
            return
        if session is not self._says:
            self._says, self._protect = session, protecting(session)
        self.then(self._send_protected, self._protect, packet)

    def send_reports(self, packet: bytes) -> None:
        """Encrypt and send an RTCP packet."""
        if self.transport._tx_srtp is not None:
            self._send_protected(self.transport._tx_srtp.protect_rtcp, packet)

    def share_socket(self) -> None:
        """Read and write the socket together with those of other calls."""
        if (pair := self._connection._nominated.get(1)) is not None:
            self.then = share(pair.protocol)

    def _send_protected(self, protect: Change, packet: bytes) -> None:
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


def send_through(transport: RTCDtlsTransport, wrap: Callable[[Send], Send]) -> None:
    """Let a DTLS transport send through a function of ours, where aiortc is known."""
    if known(FLIGHTS):
        ice: Any = transport.transport
        ice._send = wrap(ice._send)


def speak_with_rsa(transport: RTCDtlsTransport) -> None:
    """Agree on the ciphers of a certificate of RSA too, where aiortc is known.

    aiortc agrees on those of ECDSA alone, and then GStreamer, whose certificates are of RSA, cannot call: in
    an answer we are the client of DTLS, and ciphers are of the server's certificate. Browsers have both.
    """
    if not known(CIPHERS):
        return
    dtls: Any = transport
    certificate = dtls._RTCDtlsTransport__local_certificate
    make = certificate._create_ssl_context
    suites = ":".join(f"ECDHE-{kind}-{suite}" for kind in ("ECDSA", "RSA") for suite in SUITES).encode()

    def create_ssl_context(srtp_profiles: Any) -> Any:
        context = make(srtp_profiles)
        context.set_cipher_list(suites)
        return context

    certificate._create_ssl_context = create_ssl_context


def associate_through(association: RTCSctpTransport, wrap: Callable[[Say], Say]) -> None:
    """Let what begins an association be sent through a function of ours, where aiortc is known.

    An INIT carries no verification tag, or it is dropped (RFC 9260 §8.5.1 A). On one that aiortc sends again
    stands the far end's, if the far end's INIT has come: two aiortc whose INIT ACKs were both lost are never
    associated.
    """
    if not known(ASSOCIATION):
        return
    inside: Any = association
    send: Say = inside._send_chunk

    async def send_init(chunk: Any) -> None:
        packet = rtcsctptransport.serialize_packet(inside._local_port, inside._remote_port, 0, chunk)
        await inside.transport._send_data(packet)

    ways = {rtcsctptransport.InitChunk: wrap(send_init), rtcsctptransport.CookieEchoChunk: wrap(send)}

    async def send_chunk(chunk: Any) -> None:
        await ways.get(type(chunk), send)(chunk)

    inside._send_chunk = send_chunk


def tell_of_parting(association: RTCSctpTransport, parted: Callable[[], None]) -> None:
    """Call `parted` when the far end ends an association that stood, where aiortc is known.

    In WebRTC only closing a connection does so (a data channel ends by a reset of its stream), and
    libdatachannel then says nothing of DTLS. One that broke is aborted with a cause, and media go on.
    """
    if not known(PARTINGS):
        return
    inside: Any = association
    receive: Callable[[Any], Awaitable[None]] = inside._receive_chunk

    async def receive_chunk(chunk: Any) -> None:
        if association.state == "connected" and _is_parting(chunk):
            parted()
        await receive(chunk)

    inside._receive_chunk = receive_chunk


def _is_parting(chunk: Any) -> bool:
    if isinstance(chunk, rtcsctptransport.AbortChunk):
        return all(cause == USER_ABORT for cause, _ in chunk.params)
    return isinstance(chunk, rtcsctptransport.ShutdownChunk)
