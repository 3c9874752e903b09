"""What no honest client does: endless bodies, half requests, floods."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from rtstream import Stream
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import Server, answering, mounted, serving, until
from tests.helpers.sockets import socket_caller
from tests.helpers.webrtc import caller

pytestmark = pytest.mark.network


def test_a_body_without_end_is_refused_before_it_is_read_to_its_end() -> None:
    """100 MB are offered; the server stops listening after a little more than its limit."""
    taken = 0

    async def main() -> None:
        nonlocal taken
        stream = Stream(AsyncEcho(), modality="audio")
        chunk = b"x" * 16_384

        async def receive() -> dict[str, Any]:
            nonlocal taken
            taken += len(chunk)
            return {"type": "http.request", "body": chunk, "more_body": taken < 100_000_000}

        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/webrtc/offer",
            "raw_path": b"/webrtc/offer",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        await mounted(stream)(scope, receive, send)
        assert sent[0]["status"] == 413
        assert json.loads(sent[1]["body"])["meta"]["error"] == "too_large"

    run(main())
    assert taken < 300_000


async def half_a_request(server: Server, body: bytes) -> None:
    """Send the head of a request and some of its body, then vanish."""
    host, port = server.http.base_url.host, server.http.base_url.port
    _, writer = await asyncio.open_connection(host, port)
    writer.write(
        b"POST /webrtc/offer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000\r\n\r\n" + body
    )
    await writer.drain()
    await asyncio.sleep(0.01)
    writer.transport.abort()


@pytest.mark.usefixtures("media_path")
def test_clients_that_vanish_in_the_midst_of_a_body_leave_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with serving(stream) as server:
            await asyncio.gather(*(half_a_request(server, b"{" * (number % 3)) for number in range(20)))
            async with caller(server) as client:
                await client.call()
                await client.hears(0.1)
            await server.empty()

    run(main())
    assert "Traceback" not in caplog.text and not [r for r in caplog.records if r.levelname == "ERROR"]


@pytest.mark.usefixtures("media_path")
def test_many_bad_requests_at_once_are_all_refused_and_a_good_one_is_answered() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            bad = [
                server.post(
                    json={"type": "offer", "sdp": "v=0\r\nm=audio 9 X 0\r\n", "webrtc_id": str(number)}
                )
                for number in range(100)
            ]
            good = await client.offer()
            *refused, answer = await asyncio.gather(*bad, server.post(json=good))
            assert {response.status_code for response in refused} == {400}
            await client.take(answer)
            await client.hears(0.1)

    run(main())


@pytest.mark.usefixtures("media_path")
def test_a_flood_of_messages_on_the_data_channel_neither_stops_the_sound_nor_fills_the_memory() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            channel = client.channel
            assert channel is not None
            await until(lambda: channel.readyState == "open")
            for number in range(2000):
                channel.send(f"message {number}")
            await client.hears(0.3)
            session = stream.sessions.get(client.id)
            assert session.stats.errors == 0

    run(main())


def test_a_flood_of_sound_on_a_socket_is_dropped_not_kept() -> None:
    class Slow(AsyncEcho):
        async def receive(self, frame: Any) -> None:
            await asyncio.sleep(0.05)

    async def main() -> None:
        stream = Stream(Slow(), modality="audio")
        async with serving(stream) as server, socket_caller(server) as client:
            await client.start()
            await until(lambda: client.id in stream.sessions)
            session = stream.sessions.get(client.id)
            text = json.dumps({"event": "media", "media": {"payload": "A" * 1280}})
            for _ in range(2000):
                await client.websocket.send(text)
            await until(lambda: session.stats.frames_in == 2000)
            assert session.stats.dropped > 1800

    run(main())


@pytest.mark.usefixtures("media_path")
def test_ids_that_look_like_paths_and_code_are_only_ids() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=None)
        for id in ("../../etc/passwd", "{{7*7}}", "<script>", "\x00", "a" * 256, "ключ", "' OR 1=1 --"):
            async with answering(stream) as server, caller(server, id=id) as client:
                await client.call()
                assert id in stream.sessions
                with pytest.raises(LookupError):
                    stream.set_input(id + "x", 1)

    run(main())
