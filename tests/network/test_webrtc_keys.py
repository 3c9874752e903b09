"""A telephone's keys over WebRTC: agreed on, sent among the packets of sound, and heard by the handler."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from rtstream import Stream
from rtstream.rtp.keys import payload
from rtstream.transports.audio_sdp import with_keys
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import answering, until
from tests.helpers.webrtc import Caller, caller

pytestmark = pytest.mark.network

OFFERED = "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n"


def offering_keys(sdp: str) -> str:
    """The offer of a browser, which has keys at the clocks of all its codecs."""
    head, line, rest = sdp.partition("m=audio")
    first, found, more = rest.partition("\r\n")
    return head + line + first + " 110 126" + found + more.replace("a=rtpmap:", OFFERED + "a=rtpmap:", 1)


def press(client: Caller, key: str) -> None:
    """Let the client's next packets of sound be those of a key, as when it is pressed."""
    transport: Any = client.pc.getSenders()[0].transport
    send, begun, left = transport._send_rtp, [0], list(range(8))

    async def send_rtp(data: bytes) -> None:
        if left and data[1] & 0x7F == 96:
            step = left.pop(0)
            _, _, sequence, stamp, ssrc = struct.unpack_from("!BBHII", data)
            begun[0] = begun[0] or stamp
            data = struct.pack("!BBHII", 0x80, 110, sequence, begun[0], ssrc)
            data += payload(key, 960 * (step + 1), end=step > 4)
        await send(data)

    transport._send_rtp = send_rtp


@pytest.mark.alone
def test_a_key_that_is_pressed_in_the_browser_reaches_the_handler_once() -> None:
    async def main() -> None:
        pressed: list[str] = []
        stream = Stream(AsyncEcho(), modality="audio", on_dtmf=pressed.append)
        async with answering(stream) as server, caller(server) as client:
            body = await client.offer()
            body["sdp"] = offering_keys(body["sdp"])
            response = await server.post(json=body)
            answer = response.json()["sdp"]
            assert "a=rtpmap:110 telephone-event/48000" in answer and " 126" not in answer
            await client.take(response)
            await client.hears(0.2)
            press(client, "7")
            await until(lambda: pressed)
            await client.hears(0.5)
            assert pressed == ["7"]
            transport: Any = stream.sessions.get(client.id).transport
            assert transport.counted["heard"]["concealed"] < 0.1

    run(main())


def test_an_answer_to_an_offer_without_keys_or_with_keys_at_another_clock_has_none() -> None:
    answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 opus/48000/2\r\n"
    assert with_keys("a=rtpmap:126 telephone-event/8000\r\n", answer) == answer
    assert with_keys("", answer) == answer
    assert with_keys(OFFERED, "v=0\r\n") == "v=0\r\n"
    assert with_keys(OFFERED, answer).count("110") == 3
    assert "SAVPF 96 110\r\n" in with_keys(OFFERED, answer)
