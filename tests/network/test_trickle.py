"""Candidates: short ones, early ones, late ones, none at all, and those that are none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtstream import Stream
from rtstream.server.sdp import MOST_CANDIDATES
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import Server, answering, until
from tests.helpers.webrtc import Caller, caller

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("media_path")]


def eight_words(candidate: str) -> str:
    """As Firefox writes a host candidate: nothing after its type."""
    short = candidate.split(" generation")[0]
    assert len(short.split()) == 8
    return short


async def connected_and_heard(client: Caller) -> None:
    await until(lambda: client.pc.connectionState == "connected")
    await client.hears(0.1)


@pytest.mark.parametrize("when", ["before the offer", "after the answer"])
@pytest.mark.parametrize("prefix", ["", "a="])
def test_candidates_of_eight_words_connect_whenever_they_come(when: str, prefix: str) -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            body = await client.offer(candidates=False)

            async def trickle() -> None:
                for candidate in client.candidates():
                    response = await client.trickle(prefix + eight_words(candidate))
                    assert (response.status_code, response.json()) == (200, {"status": "success"})
                response = await client.trickle("")
                assert (response.status_code, response.json()) == (200, {"status": "success"})

            if when == "before the offer":
                await trickle()
                await client.take(await server.post(json=body))
            else:
                await client.take(await server.post(json=body))
                await asyncio.sleep(0.1)
                await trickle()
            await connected_and_heard(client)

    run(main())


def test_an_offer_without_a_candidate_connects_by_the_servers() -> None:
    """The client's checks tell the server where it is."""

    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            await client.take(await server.post(json=await client.offer(candidates=False)))
            await connected_and_heard(client)

    run(main())


NAMED = "candidate:0 1 udp 2122187007 6f2a1c1e-0000-4000-8000-1234567890ab.local 9 typ host"


@pytest.mark.parametrize("where", ["offer", "trickled"])
def test_who_has_only_names_that_nobody_knows_connects_by_the_servers_candidates(where: str) -> None:
    """Firefox behind another network: its candidates are names of mDNS, and it says that they are all."""

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            body = await client.offer(candidates=False)
            if where == "offer":
                lines = f"a={NAMED}\r\na=end-of-candidates\r\na=rtcp-mux\r\n"
                body["sdp"] = body["sdp"].replace("a=rtcp-mux\r\n", lines)
            response = await server.post(json=body)
            if where == "trickled":
                await client.trickle(NAMED)
                await client.trickle("")
            await client.take(response)
            await connected_and_heard(client)

    run(main())


@pytest.mark.parametrize(
    "more",
    [{"sdpMid": None}, {"sdpMLineIndex": None}, {"sdpMid": None, "sdpMLineIndex": None}, {"sdpMid": 7}],
    ids=["no mid", "no index", "neither", "a number as mid"],
)
def test_a_candidate_says_where_it_belongs_by_mid_or_index_or_not_at_all(more: dict[str, Any]) -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            await client.take(await server.post(json=await client.offer(candidates=False)))
            response = await client.trickle(client.candidates()[0], **more)
            assert response.status_code == 200
            await connected_and_heard(client)

    run(main())


GOOD = "candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host"
BAD: dict[str, Any] = {
    "words": "candidate:these are no candidates",
    "seven words": "candidate:1 1 udp 2130706431 127.0.0.1 50000 typ",
    "port of letters": GOOD.replace("50000", "x"),
    "port 0": GOOD.replace("50000", "0"),
    "port 70000": GOOD.replace("50000", "70000"),
    "negative port": GOOD.replace("50000", "-1"),
    "component of letters": GOOD.replace("1 1 udp", "1 x udp"),
    "priority of letters": GOOD.replace("2130706431", "x"),
    "very long numbers": GOOD.replace("2130706431", "9" * 5000),
    "a number": 7,
    "a list": [GOOD],
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_candidate_is_refused_and_the_call_lives_on(name: str) -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            await client.call()
            response = await client.trickle(BAD[name])
            assert response.status_code == 400, response.text
            meta = response.json()["meta"]
            assert meta["error"] == "invalid_candidate_format"
            assert meta["why"] and meta["fix"]
            await client.hears(0.1)

    run(main())


USELESS: dict[str, str] = {
    "a host that is not there": GOOD,
    "TCP": GOOD.replace("udp", "tcp") + " tcptype active",
    "a host name": GOOD.replace("127.0.0.1", "host.invalid"),
    "a name of mDNS": GOOD.replace("127.0.0.1", "00000000-0000-4000-8000-000000000000.local"),
    "component 7": GOOD.replace("1 1 udp", "1 7 udp"),
    "IPv6": GOOD.replace("127.0.0.1", "::1"),
    "reflexive": GOOD.replace("typ host", "typ srflx raddr 10.0.0.1 rport 9"),
    "an unknown type": GOOD.replace("typ host", "typ magic"),
    "an address that is none": GOOD.replace("127.0.0.1", "999.999.999.999"),
    "odd words at its end": GOOD + " generation",
    "a line break": GOOD + "\r\na=candidate:2",
}


@pytest.mark.parametrize("name", USELESS)
def test_a_candidate_that_leads_nowhere_is_taken_and_the_call_lives_on(name: str) -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            await client.take(await server.post(json=await client.offer()))
            response = await client.trickle(USELESS[name])
            assert response.status_code in (200, 400), response.text
            await connected_and_heard(client)

    run(main())


def test_candidates_after_their_end_and_for_an_unknown_section_are_no_error() -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            await client.call()
            for candidate in ("", GOOD, None):
                assert (await client.trickle(candidate)).status_code == 200
            for place in ({"sdpMid": "nowhere"}, {"sdpMid": None, "sdpMLineIndex": 99}):
                assert (await client.trickle(GOOD, **place)).status_code == 200
            null = {"type": "ice-candidate", "webrtc_id": client.id, "candidate": None}
            assert (await server.post(json=null)).status_code == 200
            await client.hears(0.1)

    run(main())


async def early(server: Server, id: str) -> int:
    body = {"type": "ice-candidate", "webrtc_id": id, "candidate": {"candidate": GOOD, "sdpMid": "0"}}
    return (await server.post(json=body)).status_code


def test_early_candidates_are_bounded_in_number_and_in_ids() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server:
            answers = [await early(server, "one") for _ in range(MOST_CANDIDATES + 3)]
            assert answers == [200] * MOST_CANDIDATES + [400] * 3
            for number in range(500):
                assert await early(server, str(number)) == 200
            assert len(stream._offers._early) <= 64
            assert len(stream.sessions) == 0

    run(main())


def test_a_connection_takes_so_many_candidates_and_no_more() -> None:
    """Each is an address that the server is made to send to."""

    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            await client.call()
            answers = [(await client.trickle(GOOD)).status_code for _ in range(MOST_CANDIDATES + 3)]
            assert answers == [200] * MOST_CANDIDATES + [400] * 3
            await client.hears(0.1)

    run(main())


def test_a_candidate_for_a_connection_that_is_closing_is_told_so() -> None:
    class Slow(AsyncEcho):
        closing = asyncio.Event()

        async def shutdown(self) -> None:
            await self.closing.wait()

    async def main() -> None:
        Slow.closing = asyncio.Event()
        stream = Stream(Slow(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await client.hears(0.1)
            await client.pc.close()
            transport = stream._offers._transports[client.id]
            await transport.gone.wait()
            response = await client.trickle(GOOD)
            assert response.status_code == 404
            assert response.json()["meta"]["error"] == "connection_closed"
            Slow.closing.set()
            await server.empty()

    run(main())


def test_several_candidates_may_come_in_one_request() -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            await client.take(await server.post(json=await client.offer(candidates=False)))
            together = [{"candidate": one, "sdpMLineIndex": 0} for one in (*client.candidates(), "")]
            body = {"type": "ice-candidate", "candidates": together, "webrtc_id": client.id}
            response = await server.post(json=body)
            assert (response.status_code, response.json()) == (200, {"status": "success"})
            refused = await server.post(json={**body, "candidates": [{"candidate": "none of these"}]})
            assert refused.status_code == 400
            await connected_and_heard(client)

    run(main())


def test_a_call_that_is_given_up_before_it_is_connected_frees_its_place_at_once() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            assert (await server.post(json=await client.offer(candidates=False))).status_code == 200
            assert len(stream.sessions) == 1
            goodbye = {"type": "bye", "webrtc_id": client.id}
            assert (await server.post(json=goodbye)).json() == {"status": "success"}
            await until(lambda: len(stream.sessions) == 0)
            assert (await server.post(json=goodbye)).status_code == 200, "who has gone may say so again"

    run(main())
