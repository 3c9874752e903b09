"""Handshakes of DTLS and SCTP through a network that loses datagrams."""

from __future__ import annotations

from typing import Any

import pytest
from aiortc import RTCCertificate, rtcsctptransport
from aiortc.rtcdtlstransport import generate_certificate
from aiortc.rtcsctptransport import CookieEchoChunk, InitAckChunk
from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import SSL

from rtstream import Stream
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import answering, until
from tests.helpers.webrtc import Caller, Take, caller, connection_of, intercept

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("media_path")]


def lose_dtls(client: Caller, count: int) -> list[bytes]:
    """Let so many of the server's DTLS datagrams not come; those that were lost."""
    lost: list[bytes] = []

    def handle(take: Take, data: bytes, address: Any) -> None:
        if 19 < data[0] < 64 and len(lost) < count:
            lost.append(data)
        else:
            take(data, address)

    intercept(connection_of(client), handle)
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


def lose_chunks(client: Caller, kind: type, *, sent: int = 0, received: int = 0) -> None:
    """Let so many chunks of a kind that the client sends, and that it is sent, be lost."""
    association: Any = client.pc.sctp
    association._send_chunk = losing(association._send_chunk, kind, sent)
    association._receive_chunk = losing(association._receive_chunk, kind, received)


def losing(pass_on: Any, kind: type, count: int) -> Any:
    """Pass chunks on, but for the first so many of a kind."""
    lost: list[Any] = []

    async def lose(chunk: Any) -> None:
        if type(chunk) is kind and len(lost) < count:
            lost.append(chunk)
        else:
            await pass_on(chunk)

    return lose


@pytest.mark.parametrize(("kind", "sent", "received"), [(InitAckChunk, 1, 1), (CookieEchoChunk, 3, 3)])
def test_a_data_channel_opens_soon_when_what_begins_the_association_is_lost_both_ways(
    kind: type, sent: int, received: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtcsctptransport, "SCTP_RTO_INITIAL", 3600.0)  # what is lost, aiortc says no more

    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            body = await client.offer()
            lose_chunks(client, kind, sent=sent, received=received)
            await client.take(await server.post(json=body))
            channel = client.open_channel("another")
            channel.on("open", lambda: channel.send("hello"))
            await until(lambda: any("hello" in str(message) for message in client.messages))

    run(main())


class RsaCertificate(RTCCertificate):
    """A certificate as GStreamer makes it, and the ciphers that go with it."""

    @classmethod
    def make(cls) -> RsaCertificate:
        key: Any = rsa.generate_private_key(65537, 2048)
        return cls(key=key, cert=generate_certificate(key))

    def _create_ssl_context(self, srtp_profiles: Any) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(b"ECDHE-RSA-AES128-GCM-SHA256")
        return context


def test_a_far_end_whose_certificate_is_one_of_rsa_is_spoken_with() -> None:
    """GStreamer's webrtcbin makes such, and so does a page by `RTCPeerConnection.generateCertificate`."""

    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            transport: Any = client.pc.getSenders()[0].transport
            transport._RTCDtlsTransport__local_certificate = RsaCertificate.make()
            await client.call()
            await client.hears(0.1)

    run(main())
