"""Offers: what fits is answered; what does not is refused with a status and a word, and takes no place."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import httpx
import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtstream import Stream
from rtstream.errors import MachineError
from rtstream.rtp.packet import build, parse
from rtstream.rtp.rtcp import is_rtcp
from rtstream.server import offers
from rtstream.session.outcome import EndReason
from rtstream.transports.aiortc_inside import choose_ice_addresses
from tests.conftest import run
from tests.helpers.handlers import AsyncAudioVideoEcho, AsyncEcho, Log, tone
from tests.helpers.server import Server, answering, until
from tests.helpers.webrtc import PictureTrack, ToneTrack, caller
from tests.unit.signals import pitch

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("media_path")]

SLUGS = {
    400: {"invalid_offer", "invalid_candidate_format"},
    413: {"too_large"},
    415: {"unsupported_media_type"},
    422: {"invalid_body", "tracks_do_not_fit"},
}


@cache
def honest_offer() -> str:
    """What aiortc offers with audio, video and a data channel."""

    async def make() -> str:
        choose_ice_addresses()
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        pc.addTrack(ToneTrack())
        pc.addTrack(PictureTrack())
        pc.createDataChannel("text")
        await pc.setLocalDescription(await pc.createOffer())
        sdp = pc.localDescription.sdp
        await pc.close()
        return sdp

    with ThreadPoolExecutor(1) as thread:  # whoever asks first may have a loop running
        return thread.submit(asyncio.run, make()).result()


def without(pattern: str) -> Callable[[str], str]:
    """Leave the lines out that begin like that."""
    return lambda sdp: re.sub(rf"(?m)^{pattern}.*\r\n", "", sdp)


def changed(pattern: str, replacement: str, count: int = 0) -> Callable[[str], str]:
    return lambda sdp: re.sub(rf"(?m){pattern}", replacement, sdp, count=count)


def added(line: str, times: int = 1) -> Callable[[str], str]:
    """Add lines to the end, which is in the last section."""
    return lambda sdp: sdp + "".join(line.format(n=number) + "\r\n" for number in range(times))


def in_first_section(*lines: str) -> Callable[[str], str]:
    """Add lines to the audio section."""
    text = "".join(line + "\r\n" for line in lines)
    return lambda sdp: re.sub(r"(?m)^m=video", lambda found: text + found[0], sdp, count=1)


def many_sections(count: int) -> Callable[[str], str]:
    def make(sdp: str) -> str:
        head, audio = sdp.split("m=audio")[0], "m=audio" + sdp.split("m=audio")[1].split("m=video")[0]
        return head + "".join(re.sub(r"a=mid:0", f"a=mid:{number}", audio) for number in range(count))

    return make


def instead(text: str) -> Callable[[str], str]:
    return lambda sdp: text


REFUSED: dict[str, Callable[[str], str]] = {
    # The first 17 raised through aiortc, with its connection left in the table.
    "m-line without port": changed(r"^m=audio \d+", "m=audio"),
    "m-line port not a number": changed(r"^m=audio \d+", "m=audio x"),
    "no ufrag": without("a=ice-ufrag"),
    "no pwd": without("a=ice-pwd"),
    "fingerprint without value": changed(r"^a=fingerprint:.*\r$", "a=fingerprint:sha-256\r"),
    "garbage candidate": in_first_section("a=candidate:garbage"),
    "garbage rtpmap": changed(r"^a=rtpmap:96 .*\r$", "a=rtpmap:x\r"),
    "setup:holdconn": changed(r"^a=setup:.*\r$", "a=setup:holdconn\r"),
    "no setup": without("a=setup"),
    "no mid": without("a=mid"),
    "no rtcp-mux": without("a=rtcp-mux"),
    "only unknown codecs": changed(r"^a=rtpmap:(\d+) .*\r$", r"a=rtpmap:\1 unknown/8000\r"),
    "garbage ssrc": changed(r"^a=ssrc:\d+ .*\r$", "a=ssrc:x\r"),
    "garbage extmap id": changed(r"^a=extmap:\d+ ", "a=extmap:x "),
    "garbage sctp-port": changed(r"^a=sctp-port:.*\r$", "a=sctp-port:x\r"),
    # These were answered, with a connection that could never come.
    "empty": instead(""),
    "text": instead("hello"),
    "binary": instead("\x00\x01\x02\x7f" * 40),
    "only v=0": instead("v=0\r\n"),
    "no fingerprint": without("a=fingerprint"),
    "fingerprint sha-256 ZZ": changed(r"^a=fingerprint:.*\r$", "a=fingerprint:sha-256 ZZ\r"),
    "fingerprint md5": changed(r"^a=fingerprint:.*\r$", "a=fingerprint:md5 AA:BB\r"),
    "64 audio m-lines": many_sections(64),
    "5,000 candidates": added("a=candidate:{n} 1 udp 1 127.0.0.1 20000 typ host", 5000),
    "33 candidates": added("a=candidate:{n} 1 udp 1 127.0.0.1 20000 typ host", 33),
    "1,000 audio m-lines": many_sections(1000),
    "ufrag of 10,000 characters, thrice": changed(
        r"^a=ice-ufrag:.*\r$", "a=ice-ufrag:" + "x" * 30_000 + "\r"
    ),
    "one line of 1 MB": added("a=x:" + "y" * 1_000_000),
    "100,000 extra attributes": added("a=x", 100_000),
    "2,000 ssrc lines": added("a=ssrc:{n} cname:abcdefghijklmnopqrstuvwxyz", 2000),
    "10 MB of attributes": added("a=x:" + "y" * 1000, 10_000),
    # Ours.
    "m-line port of 5,000 digits": changed(r"^m=audio \d+", "m=audio " + "9" * 5000),
    "m-line port that only looks like a digit": changed(r"^m=audio \d+", "m=audio \u00b2"),
    "no m-line": lambda sdp: sdp.split("m=")[0],
    "an unknown kind only": changed(r"^m=\w+", "m=smell"),
    "a garbage .local candidate": in_first_section("a=candidate:1 1 udp x abc.local x typ host"),
}


def in_last_section(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda sdp: sdp[: sdp.rindex("m=")] + change(sdp[sdp.rindex("m=") :])


ANSWERED: dict[str, Callable[[str], str]] = {
    "what a bundle shares only in its first section": in_last_section(
        without("a=(ice-ufrag|ice-pwd|fingerprint|setup|candidate|end-of-candidates)")
    ),
    "no direction": without("a=sendrecv"),
    "G.711 without rtpmap": without("a=rtpmap:[08] "),
    "fmtp without rtpmap": in_first_section("a=fmtp:18 annexb=no"),
    "extmap with attributes": in_first_section("a=extmap:9 urn:example:extension one two"),
    "ssrc without a value": in_first_section("a=ssrc:1234", "a=ssrc:1234 flag"),
    "a section of text beside": lambda sdp: sdp + "m=text 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:t\r\n",
    "untouched": lambda sdp: sdp,
    "emoji in o=": changed(r"^o=\S+", "o=\U0001f600"),
    "candidate port 99999": in_first_section("a=candidate:9 1 udp 1 127.0.0.1 99999 typ host"),
    "candidate with a host name": in_first_section("a=candidate:9 1 udp 1 host.invalid 9 typ host"),
    "candidate of mDNS": in_first_section(
        "a=candidate:9 1 udp 1 6f2a1c1e-0000-4000-8000-1234567890ab.local 9 typ host"
    ),
    "setup:active": changed(r"^a=setup:.*\r$", "a=setup:active\r"),
    "LF line ends": lambda sdp: sdp.replace("\r\n", "\n"),
    "empty msid": changed(r"^a=msid:.*\r$", "a=msid:\r"),
    "max-message-size of 20 digits": changed(
        r"^a=max-message-size:.*\r$", f"a=max-message-size:{'9' * 20}\r"
    ),
}

EITHER: dict[str, Callable[[str], str]] = {
    "same mid three times": changed(r"^a=mid:.*\r$", "a=mid:0\r"),
    "cut in half": lambda sdp: sdp[: len(sdp) // 2],
    "rtpmap clock 0": changed(r"^a=rtpmap:96 opus/48000/2", "a=rtpmap:96 opus/0/2"),
    "rtpmap clock 99999999999": changed(r"^a=rtpmap:96 opus/48000/2", "a=rtpmap:96 opus/99999999999/2"),
    "garbage fmtp": in_first_section("a=fmtp:garbage"),
    "BUNDLE group of unknown mids": changed(r"^a=group:BUNDLE.*\r$", "a=group:BUNDLE 7 8 9\r"),
    "no BUNDLE": without("a=group:BUNDLE"),
    "protocol RTP/AVP": changed(r"UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "ssrc of 20 digits": changed(r"^a=ssrc:\d+", "a=ssrc:" + "9" * 20),
    "extmap id 300": changed(r"^a=extmap:1 ", "a=extmap:300 "),
    "sctp-port 0": changed(r"^a=sctp-port:.*\r$", "a=sctp-port:0\r"),
    "ice-lite": changed(r"^t=0 0\r$", "t=0 0\r\na=ice-lite\r"),
    "ufrag of 1 character": changed(r"^a=ice-ufrag:.*\r$", "a=ice-ufrag:x\r"),
    "pwd of 1 character": changed(r"^a=ice-pwd:.*\r$", "a=ice-pwd:x\r"),
    "ufrag of 10,000 characters": changed(r"^a=ice-ufrag:.*\r$", "a=ice-ufrag:" + "x" * 10_000 + "\r"),
    "2,000 rtpmap lines": added("a=rtpmap:{n} x/8000", 2000),
    "no fingerprint in the last section": lambda sdp: without("a=fingerprint")(sdp[sdp.rindex("m=") :]).join(
        [sdp[: sdp.rindex("m=")], ""]
    ),
    "no ufrag in the last section": lambda sdp: without("a=ice-ufrag")(sdp[sdp.rindex("m=") :]).join(
        [sdp[: sdp.rindex("m=")], ""]
    ),
}


async def offered(sdp: str, server: Server, **more: Any) -> httpx.Response:
    body = {"type": "offer", "sdp": sdp, "webrtc_id": "one", **more}
    return await server.post(json=body)


def check_refusal(response: httpx.Response) -> None:
    """A refusal has its status, FastRTC's body, and says what to do."""
    body = response.json()
    meta = body["meta"]
    assert response.status_code in SLUGS, response.text
    assert meta["error"] in SLUGS[response.status_code]
    assert body["status"] == "failed" and meta["code"].startswith("RT51") and meta["what"] and meta["fix"]


@pytest.fixture
def stream() -> Stream:
    """For audio and video, with one place."""
    return Stream(AsyncAudioVideoEcho(), modality="audio-video", concurrency_limit=1)


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_offer_is_refused_and_takes_no_place(name: str, stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server:
            response = await offered(REFUSED[name](honest_offer()), server)
            check_refusal(response)
            assert len(stream.sessions) == 0
            honest = await offered(honest_offer(), server)
            assert honest.status_code == 200

    run(main())


@pytest.mark.parametrize("name", ANSWERED)
def test_an_odd_offer_is_answered(name: str, stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server:
            response = await offered(ANSWERED[name](honest_offer()), server)
            assert response.status_code == 200, response.text
            answer = response.json()
            assert answer["type"] == "answer"
            assert "m=audio" in answer["sdp"] and "a=candidate" in answer["sdp"]
            assert len(stream.sessions) == 1
        assert len(stream.sessions) == 0

    run(main())


@pytest.mark.parametrize("name", EITHER)
def test_an_offer_between_is_refused_or_answered_and_leaves_nothing(name: str, stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server:
            response = await offered(EITHER[name](honest_offer()), server)
            if response.status_code == 200:
                assert "m=audio" in response.json()["sdp"]
            else:
                check_refusal(response)
                assert len(stream.sessions) == 0
        assert len(stream.sessions) == 0

    run(main())


@pytest.mark.parametrize("type", ["answer", "pranswer", "rollback", "bogus", "", None, 7])
def test_a_type_that_is_no_offer_is_refused(type: Any, stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server:
            response = await offered(honest_offer(), server, type=type)
            assert response.status_code == 422
            check_refusal(response)
            assert len(stream.sessions) == 0

    run(main())


BODIES: list[Any] = [
    pytest.param(b"", 400, id="empty"),
    pytest.param(b"{", 400, id="half of JSON"),
    pytest.param(b"[" * 100_000, 400, id="100,000 brackets"),
    pytest.param(b"[]", 422, id="a list"),
    pytest.param(b"null", 422, id="null"),
    pytest.param(b'"text"', 422, id="text"),
    pytest.param(b"{}", 422, id="nothing in it"),
    pytest.param(b'{"type": "offer", "webrtc_id": "c"}', 400, id="no sdp"),
    pytest.param(b'{"type": "offer", "sdp": null, "webrtc_id": "c"}', 400, id="sdp null"),
    pytest.param(b'{"type": "offer", "sdp": "v=0"}', 422, id="no id"),
    pytest.param(b'{"type": "offer", "sdp": "v=0", "webrtc_id": ""}', 422, id="empty id"),
    pytest.param(b'{"type": "offer", "sdp": "v=0", "webrtc_id": 7}', 422, id="a number as id"),
    pytest.param(b'{"type": "offer", "sdp": 7, "webrtc_id": "c"}', 422, id="a number as sdp"),
    pytest.param(b'{"type": "offer", "sdp": "\\ud800", "webrtc_id": "c"}', 422, id="a lone surrogate"),
    pytest.param(b'{"type": "offer", "sdp": "v=0", "webrtc_id": "' + b"x" * 300 + b'"}', 422, id="a long id"),
    pytest.param(b"\xff\xfe{}", 400, id="no UTF-8"),
    pytest.param(b'{"type": "offer", "sdp": "' + b"x" * 70_000 + b'", "webrtc_id": "c"}', 422, id="70 kB"),
    pytest.param(b'{"type": "offer", "sdp": "' + b"x" * 1_000_000 + b'", "webrtc_id": "c"}', 413, id="1 MB"),
    pytest.param(
        b'{"type": "ice-candidate", "candidate": "x", "webrtc_id": "c"}', 422, id="candidate as text"
    ),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
def test_a_body_that_is_no_offer_is_refused(body: bytes, status: int, stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server:
            response = await server.post(content=body, headers={"content-type": "application/json"})
            assert response.status_code == status, response.text
            check_refusal(response)
            assert len(stream.sessions) == 0

    run(main())


@pytest.mark.parametrize("kind", ["text/plain", "application/sdp", "application/x-www-form-urlencoded"])
def test_a_body_of_another_type_is_refused(kind: str, stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server:
            response = await server.post(content=b"{}", headers={"content-type": kind})
            assert response.status_code == 415
            check_refusal(response)

    run(main())


TRACKS: list[Any] = [
    ("audio", "send-receive", {"audio": False, "video": True}, "no audio track"),
    ("audio", "send-receive", {"audio": True, "video": True}, "video track"),
    ("video", "send-receive", {"audio": True, "video": True}, "audio track"),
    ("video", "send-receive", {"audio": True, "video": False}, "no video track"),
    ("audio-video", "send-receive", {"audio": False, "video": False}, "no audio and no video track"),
    ("audio", "send", {"listens": True}, "sends nothing"),
]


@pytest.mark.parametrize(("modality", "mode", "wanted", "words"), TRACKS)
def test_tracks_that_do_not_fit_are_refused(modality: Any, mode: Any, wanted: Any, words: str) -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(), modality=modality, mode=mode)
        async with answering(stream) as server, caller(server, **wanted) as client:
            response = await server.post(json=await client.offer())
            assert response.status_code == 422
            assert response.json()["meta"]["error"] == "tracks_do_not_fit"
            assert words in response.json()["meta"]["what"]
            assert len(stream.sessions) == 0

    run(main())


@pytest.mark.parametrize(("direction", "mode"), [("sendonly", "receive"), ("inactive", "send-receive")])
def test_a_direction_that_does_not_fit_is_refused(direction: str, mode: Any) -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(), modality="audio", mode=mode)
        async with answering(stream) as server, caller(server, audio=False) as client:
            client.pc.addTransceiver("audio", direction=direction)
            response = await server.post(json=await client.offer())
            assert response.json()["meta"]["error"] == "tracks_do_not_fit"
            assert f'direction "{"recvonly" if mode == "receive" else "sendrecv"}"' in response.text.replace(
                "\\", ""
            )

    run(main())


def test_extra_tracks_are_answered_where_they_are_allowed_but_do_not_flow() -> None:
    """Nobody reads them, so they would pile up."""

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", allow_extra_tracks=True)
        async with answering(stream) as server, caller(server, video=True) as client:
            client.pc.addTrack(ToneTrack(880))
            await client.call()
            assert (await client.hears(0.2)).any()
            directions = [t.currentDirection for t in client.pc.getTransceivers()]
            assert directions == ["sendrecv", "inactive", "inactive"]

    run(main())


def test_what_comes_of_a_second_sound_all_the_same_is_not_heard_between_the_first() -> None:
    """Pion sends on what was answered as inactive, with the same payload type on the same transport."""

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", allow_extra_tracks=True)
        async with answering(stream) as server, caller(server) as client:
            second: Any = client.pc.addTrack(ToneTrack(880))
            await client.call()
            dtls: Any = client.pc.getSenders()[0].transport
            send = dtls._send_rtp

            async def send_twice(data: bytes) -> None:
                await send(data)
                if (said := parse(data)) is not None and not is_rtcp(data):
                    numbers = said.payload_type, said.sequence, said.timestamp
                    await send(build(*numbers, second._ssrc, said.payload))

            dtls._send_rtp = send_twice
            assert pitch(await client.hears(0.5), 48000) == pytest.approx(440, abs=10)
            transport: Any = stream.sessions.get(client.id).transport
            assert transport.counted.get("heard", {}).get("restarts", 0) == 0

    run(main())


def test_a_stream_that_only_speaks_takes_nothing() -> None:
    def source() -> Any:
        while True:
            yield tone()

    async def main() -> None:
        stream = Stream(source, modality="audio", mode="receive")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await client.hears(0.1)
            assert [t.currentDirection for t in client.pc.getTransceivers()] == ["recvonly"]

    run(main())


@pytest.mark.parametrize("bundle", ["max-bundle", "max-compat", "balanced"])
def test_every_bundle_policy_connects(bundle: str) -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(), modality="audio-video")
        async with answering(stream) as server, caller(server, audio=False, channel=False) as client:
            await client.pc.close()
            client.pc = RTCPeerConnection(RTCConfiguration([], bundlePolicy=RTCBundlePolicy(bundle)))
            client.pc.on("track", client._listen)
            client.pc.addTrack(ToneTrack())
            client.pc.addTrack(PictureTrack())
            client.open_channel()
            await client.call()
            await client.hears(0.1)
            await client.sees()

    run(main())


def test_a_section_that_is_only_bundled_counts_as_offered() -> None:
    """Browsers give such a section port 0 (RFC 9143, section 6)."""

    async def main() -> None:
        stream = Stream(lambda picture: picture, modality="video")
        async with (
            answering(stream) as server,
            caller(server, audio=False, channel=True, video=True) as client,
        ):
            body = await client.offer()
            body["sdp"] = re.sub(r"m=video \d+ (.*)\r\n", r"m=video 0 \1\r\na=bundle-only\r\n", body["sdp"])
            response = await server.post(json=body)
            assert response.status_code == 200, response.text

    run(main())


def test_a_second_offer_with_a_live_id_is_refused_and_the_first_lives_on(stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server, caller(server, video=True, id="same") as client:
            await client.call()
            response = await server.post(json={"type": "offer", "sdp": honest_offer(), "webrtc_id": "same"})
            assert response.status_code == 409
            assert response.json()["meta"]["error"] == "connection_already_exists"
            await client.hears(0.1)

    run(main())


def test_a_full_house_says_so_and_when_to_come_again(stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server, caller(server, video=True) as client:
            await client.call()
            response = await server.post(json={"type": "offer", "sdp": honest_offer(), "webrtc_id": "two"})
            assert response.status_code == 503
            assert response.headers["retry-after"] == "5"
            assert (
                response.json()["meta"] | {"error": "concurrency_limit_reached", "limit": 1}
                == response.json()["meta"]
            )

    run(main())


def test_a_stopping_server_takes_no_offers(stream: Stream) -> None:
    async def main() -> None:
        async with answering(stream) as server:
            await stream.sessions.drain(0)
            response = await offered(honest_offer(), server)
            assert response.status_code == 503
            assert response.json()["meta"]["error"] == "server_stopping"
            assert response.headers["retry-after"] == "5"

    run(main())


def test_an_offer_that_never_connects_is_given_up_shut_down_and_its_place_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offers, "CONNECT_SECONDS", 0.3)

    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            body = await client.offer(candidates=False)
            response = await server.post(json=body)
            assert response.status_code == 200
            session = stream.sessions.get(client.id)
            await server.empty()
            assert session.reason is EndReason.NEVER_CONNECTED
            assert log.count("shutdown") == 1 and log.count("start_up") == 0
            again = await server.post(json=body)
            assert again.status_code == 200

    run(main())


def test_a_refused_offer_makes_no_handler() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with answering(stream) as server:
            sdp = REFUSED["no setup"](honest_offer().split("m=video")[0])
            check_refusal(await offered(sdp, server))
        assert log.events == ["made"]

    run(main())


def test_a_server_that_stops_ends_what_is_still_connecting_at_once() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await server.post(json=await client.offer(candidates=False))
            session = stream.sessions.get(client.id)
            async with asyncio.timeout(3):
                await stream.sessions.close_all()
            assert session.reason is EndReason.SERVER_STOPPING
            assert log.count("shutdown") == 1
            assert len(stream.sessions) == 0

    run(main())


def test_a_connecting_call_can_be_closed_from_outside() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await server.post(json=await client.offer(candidates=False))
            stream.update_connection(client.id)
            await until(lambda: len(stream.sessions) == 0, 3)

    run(main())


@pytest.mark.parametrize(
    "configuration",
    [
        {"iceServers": [], "iceTransportPolicy": "all"},
        {"iceServers": [{"urls": "turn:127.0.0.1:9", "username": "u", "credential": "c", "unknown": 1}]},
        lambda: {"iceServers": []},
    ],
)
def test_the_servers_own_ice_configuration_is_used(configuration: Any) -> None:
    async def resolved() -> Any:
        return configuration() if callable(configuration) else configuration

    async def main() -> None:
        for given_as in (configuration, resolved):
            made = await offers.configuration(given_as)
            wanted = (await resolved())["iceServers"]
            assert [server.urls for server in made.iceServers or []] == [server["urls"] for server in wanted]

    run(main())


def test_an_ice_server_of_the_servers_own_that_is_none_is_not_the_clients_fault() -> None:
    async def main() -> None:
        wrong = {"iceServers": [{"urls": "turn::3478", "username": "u", "credential": "geheim"}]}
        stream = Stream(AsyncEcho(), modality="audio", server_rtc_configuration=lambda: wrong)
        async with answering(stream) as server, caller(server) as client:
            refused = await server.post(json=await client.offer())
            assert refused.status_code == 500 and refused.json()["meta"]["code"] == MachineError.code
            assert "turn::3478" in refused.text and "geheim" not in refused.text
            assert len(stream.sessions) == 0

    run(main())


EDITS = st.lists(
    st.tuples(st.sampled_from(["cut", "drop", "double", "number", "noise"]), st.integers(0, 10**6)),
    min_size=1,
    max_size=4,
)
NUMBERS = ["0", "-1", "65536", "4294967296", "x", ""]


def mutated(sdp: str, edits: list[tuple[str, int]]) -> str:
    """The offer after a few edits, as in a fuzzer."""
    lines = sdp.split("\r\n")
    for kind, seed in edits:
        at = seed % len(lines)
        match kind:
            case "cut":
                lines[at] = lines[at][: seed // 7 % (len(lines[at]) + 1)]
            case "drop":
                del lines[at : at + 1]
                lines = lines or [""]
            case "double":
                lines.insert(seed // 7 % len(lines), lines[at])
            case "number":
                lines[at] = re.sub(r"\d+", NUMBERS[seed // 7 % len(NUMBERS)], lines[at], count=1)
            case _:
                lines[at] = "".join(
                    chr(1 + seed % 300) if i % 10 == seed % 10 else c for i, c in enumerate(lines[at])
                )
    return "\r\n".join(lines)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
def test_mutated_offers_are_answered_or_refused_and_leave_nothing(edits: list[tuple[str, int]]) -> None:
    async def main() -> None:
        stream = Stream(AsyncAudioVideoEcho(), modality="audio-video")
        async with answering(stream) as server:
            response = await offered(mutated(honest_offer(), edits), server)
            if response.status_code != 200:
                check_refusal(response)
                assert len(stream.sessions) == 0

    run(main())


def test_every_refusal_is_json_with_a_status() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream, "/some/where") as server:
            response = await server.post(content=b"{", headers={"content-type": "application/json"})
            assert response.headers["content-type"] == "application/json"
            assert json.loads(response.text)["meta"]["code"] == "RT5101"

    run(main())
