"""One limit over all transports, None for no limit, and a place that is free again after every failure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from rtstream import Stream
from rtstream.clock import Clock
from rtstream.errors import TooManyConnections
from rtstream.transports.memory import MemoryTransport
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho, Log
from tests.helpers.memory import Call, calling
from tests.helpers.server import Server, serving, until
from tests.helpers.sockets import SocketCaller, socket_caller
from tests.helpers.webrtc import caller

pytestmark = pytest.mark.network


@asynccontextmanager
async def over_webrtc(server: Server) -> AsyncIterator[None]:
    async with caller(server) as client:
        await client.call()
        yield


@asynccontextmanager
async def over_socket(server: Server, phone: bool = False) -> AsyncIterator[None]:
    async with socket_caller(server, phone=phone) as client:
        await client.start()
        await until(lambda: client.id in server.stream.sessions)
        yield


@asynccontextmanager
async def over_phone(server: Server) -> AsyncIterator[None]:
    async with over_socket(server, phone=True):
        yield


@asynccontextmanager
async def over_memory(server: Server) -> AsyncIterator[None]:
    async with calling(server.stream, id="memory"):
        yield


WAYS = {"webrtc": over_webrtc, "socket": over_socket, "phone": over_phone, "memory": over_memory}


async def refused_by_webrtc(server: Server) -> dict[str, Any]:
    async with caller(server) as client:
        response = await server.post(json=await client.offer())
        assert response.status_code == 503 and response.headers["retry-after"] == "5"
        meta: dict[str, Any] = response.json()["meta"]
        return meta


async def refused_by_socket(server: Server) -> dict[str, Any]:
    async with socket_caller(server) as client:
        await client.start()
        assert await client.closed() == (1013, "concurrency_limit_reached")
        meta: dict[str, Any] = client.messages[-1]["meta"]
        return meta


async def refused_by_memory(server: Server) -> dict[str, Any]:
    with pytest.raises(TooManyConnections) as caught:
        await server.stream.run(MemoryTransport())
    meta: dict[str, Any] = caught.value.body()["meta"]
    return meta


REFUSALS = [refused_by_webrtc, refused_by_socket, refused_by_memory]


@pytest.mark.usefixtures("media_path")
@pytest.mark.parametrize("way", WAYS)
def test_a_full_house_is_full_for_every_transport_and_free_again(way: str) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")  # the default limit is one
        async with serving(stream) as server:
            async with WAYS[way](server):
                for refused in REFUSALS:
                    meta = await refused(server)
                    assert meta["error"] == "concurrency_limit_reached"
                    assert meta["limit"] == 1 and meta["code"] == "RT5109"
                assert len(stream.sessions) == 1
            await server.empty()
            async with WAYS[way](server):
                assert len(stream.sessions) == 1

    run(main())


@pytest.mark.usefixtures("media_path")
def test_all_transports_count_together() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=4)
        async with serving(stream) as server, AsyncExitStack() as calls:
            for way in WAYS.values():
                await calls.enter_async_context(way(server))
            assert len(stream.sessions) == 4
            assert (await refused_by_socket(server))["limit"] == 4

    run(main())


@pytest.mark.usefixtures("media_path")
def test_none_is_no_limit() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=None)
        async with serving(stream) as server, AsyncExitStack() as calls:
            for _ in range(12):
                await calls.enter_async_context(over_socket(server))
            for way in WAYS.values():
                await calls.enter_async_context(way(server))
            assert len(stream.sessions) == 16

    run(main())


async def bad_offer(server: Server) -> None:
    response = await server.post(json={"type": "offer", "sdp": "v=0", "webrtc_id": "x"})
    assert response.status_code == 400


async def offer_that_aiortc_refuses(server: Server) -> None:
    async with caller(server) as client:
        body = await client.offer()
        body["sdp"] = body["sdp"].replace("a=rtcp-mux\r\n", "")
        assert (await server.post(json=body)).status_code == 400


async def unfit_tracks(server: Server) -> None:
    async with caller(server, audio=False, video=True) as client:
        assert (await server.post(json=await client.offer())).status_code == 422


async def bad_first_message(server: Server) -> None:
    async with server.dial() as socket:
        await socket.send("nonsense")
        await socket.wait_closed()


async def bad_later_message(server: Server) -> None:
    async with socket_caller(server) as client:
        await client.start()
        await client.websocket.send("nonsense")
        assert (await client.closed())[0] == 1003


async def socket_without_start(server: Server) -> None:
    async with server.dial() as socket:
        await socket.send('{"event": "ping"}')
        await socket.recv()


async def broken_handler(server: Server) -> None:
    handler: Any = server.stream.event_handler
    handler.broken = True
    try:
        async with caller(server) as client:
            response = await server.post(json=await client.offer())
            assert response.status_code == 500
            assert response.json()["meta"]["code"] == "RT3005"
        async with socket_caller(server) as client_two:
            await client_two.start()
            assert (await client_two.closed())[0] == 1011
    finally:
        handler.broken = False


async def vanished_client(server: Server) -> None:
    async with socket_caller(server) as client:
        await client.start()
        await until(lambda: client.id in server.stream.sessions)
        client.websocket.transport.abort()
        await server.empty()


FAILURES = [
    bad_offer,
    offer_that_aiortc_refuses,
    unfit_tracks,
    bad_first_message,
    bad_later_message,
    socket_without_start,
    broken_handler,
    vanished_client,
]


class Breakable(AsyncEcho):
    """Cannot be copied while it is broken."""

    broken = False

    def copy(self) -> AsyncEcho:
        if self.broken:
            raise RuntimeError("no key in the environment")
        return super().copy()


@pytest.mark.usefixtures("media_path")
@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
def test_a_place_is_free_after_every_failure(fail: Any) -> None:
    async def main() -> None:
        stream = Stream(Breakable(), modality="audio", concurrency_limit=1)
        async with serving(stream) as server:
            for _ in range(2):
                await fail(server)
                await server.empty()
            async with over_webrtc(server):
                pass
            await server.empty()
            async with over_socket(server):
                assert len(stream.sessions) == 1

    run(main())


def test_a_socket_that_has_not_said_who_it_is_takes_no_place() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with serving(stream) as server, AsyncExitStack() as sockets:
            for _ in range(20):
                await sockets.enter_async_context(server.dial())
            async with over_socket(server):
                assert len(stream.sessions) == 1
        assert log.count("made") == 2

    run(main())


@pytest.mark.usefixtures("media_path")
def test_the_time_limit_is_told_on_every_transport() -> None:
    async def on_memory(stream: Stream) -> dict[str, Any]:
        async with calling(stream, id="m") as call:
            assert isinstance(call, Call)
            await call.ended()
            return call.told("end_stream")[0]

    async def on_socket(client: SocketCaller) -> dict[str, Any]:
        await client.start()
        return await client.told("type", "end_stream")

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", time_limit=0.4, concurrency_limit=None)
        async with serving(stream) as server:
            async with caller(server) as webrtc, socket_caller(server) as socket:
                async with socket_caller(server, phone=True) as phone:
                    await webrtc.call()
                    begun = Clock().now()
                    told = [await on_socket(socket), await on_memory(stream), await webrtc.told("end_stream")]
                    assert {(message["data"], message["reason"]) for message in told} == {
                        ("The time limit of 0.4 s is reached", "time_limit")
                    }
                    await phone.start()
                    assert await phone.closed() == (1000, "")
                    assert Clock().now() - begun >= 0.35
            await server.empty()

    run(main())
