"""Programs with routes of their own: for offers, for what is put out, and for text to a client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from websockets.exceptions import InvalidStatus

from rtstream import AdditionalOutputs, AsyncStreamHandler, Stream, wait_for_item
from rtstream.context import Channel
from rtstream.server.bodies import Body
from rtstream.utils import create_message, current_channel
from tests.conftest import REPOSITORY, run
from tests.helpers.handlers import AsyncEcho, Echo, Log, Saying
from tests.helpers.server import serving, until
from tests.helpers.sockets import SocketCaller
from tests.helpers.webrtc import Caller, caller
from tests.packaging.test_readme import BLOCK

pytestmark = pytest.mark.network

Keeper = Callable[[AdditionalOutputs], None]


def own_routes(stream: Stream, keeper: Keeper | None = None) -> FastAPI:
    """An app that takes offers at a route of its own, and asks who calls before it hands them on."""
    app = FastAPI()

    @app.post("/rooms/{room}/webrtc/offer")
    async def offer(room: str, request: Request) -> Any:
        body = await request.json()
        put = keeper or stream.set_additional_outputs(body["webrtc_id"])
        return await stream.handle_offer(body, set_outputs=put)

    @app.get("/outputs")
    async def outputs(webrtc_id: str) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            async for out in stream.output_stream(webrtc_id):
                yield f"data: {json.dumps(out.args)}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return app


async def post(client: Caller, **body: Any) -> Any:
    return await client.server.http.post("/rooms/kitchen/webrtc/offer", json=body)


async def call(client: Caller) -> None:
    await client.take(await post(client, **await client.offer()))


def test_an_offer_to_a_route_of_ones_own_is_answered_and_its_outputs_are_read() -> None:
    async def main() -> None:
        stream = Stream(Saying(AdditionalOutputs("one"), AdditionalOutputs("two")), modality="audio")
        async with serving(stream, app=own_routes(stream)) as server, caller(server) as client:
            await call(client)
            await client.told("fetch_output")
            read = stream.output_stream(client.id)
            assert [(await anext(read)).args for _ in range(2)] == [("one",), ("two",)]
            stream.set_additional_outputs(client.id)(AdditionalOutputs("from outside"))
            assert (await anext(read)).args == ("from outside",)

    run(main())


room: ContextVar[str] = ContextVar("room", default="none")


class Roomed(AsyncEcho):
    async def start_up(self) -> None:
        self.log.note(room.get())
        await asyncio.to_thread(lambda: self.log.note(f"{room.get()} in a thread"))


class SyncRoomed(Echo):
    def start_up(self) -> None:
        self.log.note(room.get())
        self.log.note(f"{room.get()} in a thread")


@pytest.mark.parametrize("kind", [Roomed, SyncRoomed])
def test_what_a_route_knows_of_who_calls_the_handler_has_by_a_context_variable(kind: type[Any]) -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(kind(log), modality="audio", concurrency_limit=None)
        app = FastAPI()

        @app.post("/rooms/{name}/webrtc/offer")
        async def offer(name: str, request: Request) -> Any:
            room.set(name)
            return await stream.handle_offer(await request.json())

        @app.websocket("/rooms/{name}/socket")
        async def by_socket(websocket: WebSocket, name: str) -> None:
            room.set(name)
            await stream.websocket_offer(websocket)

        async with serving(stream, app=app) as server:
            async with caller(server) as client:
                await call(client)
                await until(lambda: log.count("kitchen in a thread") == 1)
            async with server.dial("/rooms/hall/socket") as websocket:
                await websocket.send(json.dumps({"event": "start", "websocket_id": "by socket"}))
                await until(lambda: log.count("hall in a thread") == 1)
        assert log.count("kitchen") == log.count("hall") == 1 and not log.count("none")

    run(main())


def test_candidates_come_to_the_same_route() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with serving(stream, app=own_routes(stream)) as server, caller(server) as client:
            await client.take(await post(client, **await client.offer(candidates=False)))
            for line in client.candidates():
                given = {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0}
                answer = await post(client, type="ice-candidate", webrtc_id=client.id, candidate=given)
                assert answer.json() == {"status": "success"}
            await client.hears()

    run(main())


def test_a_socket_that_the_route_has_accepted_to_ask_for_a_token_is_carried_on() -> None:
    """Browsers can send no headers with a WebSocket, so that a token comes as its first message."""

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        app = FastAPI()

        @app.websocket("/rooms/socket")
        async def guarded(socket: WebSocket) -> None:
            await socket.accept()
            if (await socket.receive_json()).get("token") != "open-sesame":
                return await socket.close(1008, "who are you?")
            await stream.websocket_offer(socket)

        async with serving(stream, app=app) as server:
            async with server.dial("/rooms/socket") as socket:
                caller = SocketCaller(socket, "a-call", phone=False, rate=48000)
                await caller.send(token="open-sesame")
                await caller.start()
                await caller.talk(0.2)
                await caller.hears(0.1)
                await socket.close()
                await caller.reading
            async with server.dial("/rooms/socket") as socket:
                caller = SocketCaller(socket, "another", phone=False, rate=48000)
                await caller.send(token="guessed")
                assert await caller.closed() == (1008, "who are you?")

    run(main())


def test_what_is_refused_there_has_the_answer_that_the_streams_own_route_gives() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=1)
        async with serving(stream, app=own_routes(stream)) as server, caller(server) as client:
            await call(client)
            async with caller(server) as second:
                full = await post(second, **await second.offer())
            assert (full.status_code, full.json()["meta"]["error"]) == (503, "concurrency_limit_reached")
            unreadable = await post(client, type="nonsense", webrtc_id="x")
            assert (unreadable.status_code, unreadable.json()["meta"]["error"]) == (422, "invalid_body")
            taken = await stream.handle_offer(Body(**await client.offer()))
            assert taken.status_code == 409  # type: ignore[union-attr]

    run(main())


def test_a_function_that_is_given_the_outputs_has_them_instead_of_the_readers() -> None:
    got: list[Any] = []

    async def main() -> None:
        stream = Stream(Saying(AdditionalOutputs(1), AdditionalOutputs(2)), modality="audio")
        app = own_routes(stream, got.append)
        async with serving(stream, app=app) as server, caller(server) as client:
            await call(client)
            await until(lambda: len(client.messages) >= 2)
            assert [outputs.args for outputs in got] == [(1,), (2,)]
            assert [message["type"] for message in client.messages] == ["fetch_output"] * 2
            assert stream.sessions.get(client.id).outputs.unread == 0

    run(main())


def test_a_page_that_asks_for_the_outputs_before_its_call_is_given_them_all() -> None:
    async def main() -> None:
        stream = Stream(Saying(AdditionalOutputs("first")), modality="audio")
        async with serving(stream, app=own_routes(stream)) as server, caller(server) as client:

            async def first_event() -> str:
                url, asked = "/outputs", {"webrtc_id": client.id}
                async with server.http.stream("GET", url, params=asked) as response:
                    return await anext(response.aiter_lines())

            event = asyncio.create_task(first_event())
            await until(lambda: client.id in stream.sessions._awaited)
            await call(client)
            assert await event == 'data: ["first"]'

    run(main())


class Transcript(AsyncStreamHandler):
    """Sends its client text in the ways that FastRTC's users send it, for each frame that it hears."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=48000)
        self.args_set = asyncio.Event()  # as handlers from the time before `wait_for_args` do
        self.ways: asyncio.Queue[str] = asyncio.Queue()
        for way in ("handler", "current", "stream"):
            self.ways.put_nowait(way)

    async def receive(self, frame: Any) -> None:
        if (way := await wait_for_item(self.ways)) is None:
            return
        channel = {
            "handler": self.channel,
            "current": current_channel.get(),
            "stream": transcribing.data_channels.get(self.channel.line.context.webrtc_id),  # type: ignore[union-attr]
        }[way]
        assert channel is not None and channel.readyState == "open"
        channel.send(create_message("transcript", way))

    async def emit(self) -> Any:
        await asyncio.Event().wait()


transcribing = Stream(Transcript(), modality="audio")


def test_text_to_the_client_goes_through_its_channel_however_it_is_had() -> None:
    async def main() -> None:
        async with serving(transcribing, app=own_routes(transcribing)) as server, caller(server) as client:
            await call(client)
            await until(lambda: len(client.messages) == 3)
            assert client.messages == [
                {"type": "transcript", "data": way} for way in ("handler", "current", "stream")
            ]
        assert current_channel.get() is None

    run(main())


class Listening(AsyncEcho):
    """Takes text from its client in the only way that FastRTC's users have."""

    def set_channel(self, channel: Channel) -> None:
        super().set_channel(channel)

        @channel.on("message")
        def _(text: str) -> None:
            channel.send(create_message("heard", json.loads(text)["message"]))


def test_text_from_the_client_reaches_what_listens_on_the_channel() -> None:
    async def main() -> None:
        async with serving(Stream(Listening(), modality="audio")) as server, caller(server) as page:
            await page.call()
            await until(lambda: page.channel and page.channel.readyState == "open")
            assert page.channel is not None
            page.channel.send(json.dumps({"type": "chat", "message": "hello"}))
            assert (await page.told("heard"))["data"] == "hello"

    run(main())


def test_cleaning_up_ends_a_call_and_is_no_error_when_there_is_none() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with serving(stream, app=own_routes(stream)) as server, caller(server) as client:
            await call(client)
            await client.hears()
            for id in [*stream.connections, "nobody"]:
                stream.clean_up(id)
            await client.gone()
            await server.empty()

    run(main())


def documented(page: str, name: str) -> dict[str, Any]:
    """What an example of the documentation makes."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    (block,) = [block for block in BLOCK.finditer(text) if block["note"] == name]
    example: dict[str, Any] = {}
    exec(block["text"], example)
    return example


def test_the_dependency_in_the_documentation_guards_every_route_of_a_stream() -> None:
    example = documented("deploying.md", "guarded.py")
    token = {"x-token": "open-sesame"}

    async def main() -> None:
        async with serving(example["stream"], "/voice", example["app"]) as server:
            for route in ("/webrtc/offer", "/telephone/incoming"):
                assert (await server.post(route)).status_code == 401
                assert (await server.post(route, headers=token)).status_code != 401
            for route in ("/websocket/offer", "/telephone/handler", "/by-token"):
                with pytest.raises(InvalidStatus) as caught:
                    async with server.dial(route):
                        pass
                assert caught.value.response.status_code == 403
            for route in ("/websocket/offer", "/by-token"):
                async with server.dial(route, additional_headers=token) as socket:
                    caller = SocketCaller(socket, "a-call", phone=False, rate=48000)
                    await caller.start()
                    await server.live("a-call")
                    await socket.close()
                    await caller.reading
                await server.empty()

    run(main())


def test_the_route_in_the_documentation_answers_a_call() -> None:
    example = documented("from-fastrtc.md", "rooms.py")

    async def main() -> None:
        async with serving(example["stream"], app=example["app"]) as server, caller(server) as client:
            body = await client.offer()
            await client.take(await server.http.post("/rooms/kitchen/offer", json=body))
            await until(lambda: client.pc.connectionState == "connected")

    run(main())
