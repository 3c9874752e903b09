"""The contract: every private name of aiortc and what it stands on, and what is done without it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import queue
from typing import Any

import pylibsrtp
from aioice import ice, stun
from aiortc import (
    RTCCertificate,
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSctpTransport,
    rtcsctptransport,
)
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtcrtpreceiver import NackGenerator

from .private_names import Check, Feature, reads

_SRTP: Any = pylibsrtp  # with `ffi` and `lib`, which it does not declare

FIRST_PAUSE = 0.5  # RFC 8489 §6.2.1: seconds until aioice says a request again; then twice that
PERIODIC = ("_check_periodic", "check_periodic")  # since aioice 0.11, and before


class Probe:
    """Parts of a connection that is never made, to look at; each is made when it is asked for."""

    @functools.cached_property
    def ice(self) -> Any:
        return RTCIceTransport(RTCIceGatherer(iceServers=[]))

    @functools.cached_property
    def connection(self) -> Any:
        return self.ice._connection

    @functools.cached_property
    def dtls(self) -> Any:
        return RTCDtlsTransport(self.ice, [RTCCertificate.generateCertificate()])

    @functools.cached_property
    def sender(self) -> Any:
        return RTCRtpSender("audio", self.dtls)

    @functools.cached_property
    def receiver(self) -> Any:
        return RTCRtpReceiver("video", self.dtls)


_probe = functools.cache(Probe)


def _feature(otherwise: str, names: dict[str, Check]) -> Feature:
    return Feature(otherwise, names, _probe)


# Checks that several names have.


def _takes(function: Any, *parameters: str) -> bool:
    return list(inspect.signature(function).parameters) == ["self", *parameters]


def _is_key(it: Probe, name: str) -> bool:
    return getattr(it.dtls, name) is None and reads(RTCDtlsTransport._setup_srtp, name)


def _reported(it: Probe, name: str) -> bool:
    return reads(RTCRtpSender._run_rtcp, name)


def _in_each_message(it: Probe, name: str) -> bool:
    return reads(ice.StunProtocol.datagram_received, name)


def _in_each_handshake(it: Probe, name: str) -> bool:
    return reads(RTCDtlsTransport.start, name)


def _in_each_chunk(it: Probe, name: str) -> bool:
    return reads(RTCSctpTransport._send_chunk, name)


_CONNECTION: dict[str, Check] = {
    "RTCIceTransport._connection": lambda it, name: isinstance(getattr(it.ice, name), ice.Connection),
}
_SOCKETS: dict[str, Check] = {
    **_CONNECTION,
    "Connection._protocols": lambda it, name: getattr(it.connection, name) == [],
    "Connection._nominated": lambda it, name: (
        getattr(it.connection, name) == {}
        and reads(ice.Connection.sendto, name)
        and reads(ice.Connection.close, name)
    ),
    "CandidatePair.remote_addr": lambda it, name: isinstance(vars(ice.CandidatePair)[name], property),
}
_REPORTED_TO: dict[str, Check] = {
    "RTCDtlsTransport._handle_rtcp_data": lambda it, name: (
        asyncio.iscoroutinefunction(getattr(it.dtls, name)) and reads(RTCDtlsTransport._recv_next, name)
    ),
}

# The contract.

OWN_PATH = _feature(  # `aiortc_inside.Line`, and all that is built on it
    "sound goes through aiortc's own tracks, which is slower and worse under loss",
    {
        **_SOCKETS,
        "StunProtocol.datagram_received": lambda it, name: (
            issubclass(ice.StunProtocol, asyncio.DatagramProtocol) and name in vars(ice.StunProtocol)
        ),
        "RTCDtlsTransport._rx_srtp": _is_key,
        "RTCDtlsTransport._tx_srtp": _is_key,
        **_REPORTED_TO,
        "RTCPeerConnection.__connect": lambda it, name: reads(
            getattr(RTCPeerConnection, name), "sender", "send", "receiver", "receive"
        ),
        "RTCRtpSender._ssrc": lambda it, name: isinstance(getattr(it.sender, name), int),
    },
)
PICTURES = _feature(  # `aiortc_receiver.take_pictures`
    "pictures wait in aiortc's jitter buffer for the next one, and without a bound for its decoder",
    {
        "RTCRtpReceiver.__jitter_buffer": lambda it, name: (
            type(getattr(it.receiver, name)) is JitterBuffer
            and reads(RTCRtpReceiver._handle_rtp_packet, name, "add")
        ),
        "RTCRtpReceiver.__nack_generator": lambda it, name: (
            type(getattr(it.receiver, name)) is NackGenerator
            and reads(RTCRtpReceiver._handle_rtp_packet, name, "missing")
        ),
        "RTCRtpReceiver.__decoder_queue": lambda it, name: (
            type(getattr(it.receiver, name)) is queue.Queue and reads(RTCRtpReceiver.receive, name, "Thread")
        ),
        "RtpPacket._data": lambda it, name: reads(RTCRtpReceiver._handle_rtp_packet, name),
    },
)
GOODBYES = _feature(  # `aiortc_receiver.outlast_goodbye`
    "what comes on a track ends with a goodbye, which browsers say whenever they stop sending",
    {
        **_REPORTED_TO,
        "RTCRtpReceiver._handle_rtcp_packet": lambda it, name: (
            asyncio.iscoroutinefunction(getattr(it.receiver, name))
            and reads(RTCDtlsTransport._handle_rtcp_data, name)
        ),
    },
)
REPORTS = _feature(  # `aiortc_sender.Reports`
    "aiortc reports once a second what pictures were sent, and no answer tells of a queue",
    {
        "RTCRtpSender._send_rtcp": _reported,
        "RTCRtpSender._ssrc": _reported,
        "RTCRtpSender.__ntp_timestamp": _reported,
        "RTCRtpSender.__rtp_timestamp": _reported,
        "RTCRtpSender.__packet_count": _reported,
        "RTCRtpSender.__octet_count": _reported,
        "RTCRtpSender.__cname": _reported,
    },
)
CHECKS = _feature(  # `aioice_checks.Checks`
    "aioice says a check again after half a second, one of consent never, and ends a call after six",
    {
        **_SOCKETS,
        "Connection.query_consent": lambda it, name: reads(ice.Connection.connect, name),
        "Connection._query_consent_task": lambda it, name: (
            hasattr(it.connection, name) and reads(ice.Connection.close, name)
        ),
        "Connection.build_request": lambda it, name: _takes(ice.Connection.build_request, "pair", "nominate"),
        "Connection.remote_password": lambda it, name: hasattr(it.connection, name),
        "StunProtocol.request": lambda it, name: (
            reads(ice.Connection.check_start, name)
            and _takes(ice.StunProtocol.request, "request", "addr", "integrity_key", "retransmissions")
        ),
        "StunProtocol.send_stun": lambda it, name: (
            reads(ice.Connection.request_received, name)
            and _takes(ice.StunProtocol.send_stun, "message", "addr")
        ),
        "Message.message_class": _in_each_message,
        "Message.transaction_id": _in_each_message,
        "stun.RETRY_RTO": lambda it, name: getattr(stun, name) == FIRST_PAUSE,
    },
)
NOMINATION = _feature(  # `aioice_checks.leave_ice_at_once`
    "ICE ends at aioice's next look, up to 20 ms after a pair was nominated",
    {
        **_CONNECTION,
        "Connection._check_periodic": lambda it, name: any(
            reads(ice.Connection.connect, each) for each in PERIODIC
        ),
        "Connection._check_list": lambda it, name: hasattr(it.connection, name),
    },
)
FLIGHTS = _feature(  # `aiortc_inside.send_through`
    "OpenSSL says a flight of DTLS again after a second",
    {
        "RTCIceTransport._send": lambda it, name: (
            hasattr(it.ice, name) and reads(RTCDtlsTransport._write_ssl, name)
        ),
    },
)
CIPHERS = _feature(  # `aiortc_inside.speak_with_rsa`
    "a far end whose certificate is one of RSA is not spoken with, where it leaves the handshake to us",
    {
        "RTCDtlsTransport.__local_certificate": _in_each_handshake,
        "RTCCertificate._create_ssl_context": _in_each_handshake,
    },
)
ASSOCIATION = _feature(  # `aiortc_inside.associate_through`
    "aiortc says what begins an association of SCTP again after three seconds",
    {
        "RTCSctpTransport._send_chunk": lambda it, name: callable(getattr(RTCSctpTransport, name)),
        "RTCSctpTransport._local_port": _in_each_chunk,
        "RTCSctpTransport._remote_port": _in_each_chunk,
        "RTCSctpTransport._remote_verification_tag": _in_each_chunk,
        "RTCDtlsTransport._send_data": _in_each_chunk,
        "rtcsctptransport.serialize_packet": lambda it, name: (
            callable(getattr(rtcsctptransport, name)) and _in_each_chunk(it, name)
        ),
    },
)
PARTINGS = _feature(  # `aiortc_inside.tell_of_parting`
    "a far end that ends its association of SCTP, and says no more, is gone when it has long been silent",
    {"RTCSctpTransport._receive_chunk": lambda it, name: reads(RTCSctpTransport._handle_data, name)},
)
SRTP = _feature(  # `srtp.protecting`, `srtp.unprotecting`
    "pylibsrtp makes its memory anew for each packet",
    {
        "Session._srtp": lambda it, name: (
            getattr(pylibsrtp.Session(), name)[0] != _SRTP.ffi.NULL
            and reads(pylibsrtp.Session.protect, "srtp_protect")
            and reads(pylibsrtp.Session.unprotect, "srtp_unprotect")
            and _SRTP.lib.srtp_err_status_ok == 0
        ),
    },
)
CONTRACT = (
    OWN_PATH,
    PICTURES,
    GOODBYES,
    REPORTS,
    CHECKS,
    NOMINATION,
    FLIGHTS,
    CIPHERS,
    ASSOCIATION,
    PARTINGS,
    SRTP,
)
