"""A stream on an app: routes, prefixes, tags, several on one app, and the app's own life."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from rtstream import AdditionalOutputs, Stream
from rtstream.errors import ConnectionRefused, OptionError
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho, Log, Saying
from tests.helpers.server import answering, serving, until
from tests.helpers.sockets import socket_caller
from tests.helpers.webrtc import caller

pytestmark = pytest.mark.network


def paths(app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = app.openapi()["paths"]
    return found


@pytest.mark.parametrize("path", ["", "/voice", "/a/b/", "/voice/"])
def test_the_routes_lie_under_the_prefix_with_their_tags(path: str) -> None:
    app = FastAPI()
    Stream(AsyncEcho(), modality="audio").mount(app, path, tags=["speech"])
    prefix = path.rstrip("/")
    assert paths(app)[prefix + "/webrtc/offer"]["post"]["tags"] == ["speech"]
    assert prefix + "/telephone/incoming" in paths(app)


def test_the_line_at_the_start_says_the_path_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()
    Stream(AsyncEcho(), modality="audio").mount(app, "/voice/")
    with TestClient(app):
        pass
    assert "at /voice/webrtc/offer" in capsys.readouterr().err


def test_a_prefix_without_its_slash_is_refused_with_the_one_that_is_meant() -> None:
    with pytest.raises(OptionError) as caught:
        Stream(AsyncEcho(), modality="audio").mount(FastAPI(), "voice")
    assert caught.value.fix == 'Pass path="/voice"'


def test_two_streams_on_one_app_have_connections_and_limits_of_their_own() -> None:
    async def main() -> None:
        one, two = Stream(AsyncEcho(), modality="audio"), Stream(AsyncEcho(), modality="audio")
        app = FastAPI()
        one.mount(app, "/one")
        two.mount(app, "/two")
        async with serving(one, "/one", app) as first:
            second = type(first)(app, two, first.http, "/two")
            async with socket_caller(first, id="same") as a, socket_caller(second, id="same") as b:
                await a.start()
                await b.start()
                await until(lambda: len(one.sessions) == len(two.sessions) == 1)
                await b.talk(0.2)
                await b.hears(0.1)
            await until(lambda: len(one.sessions) == len(two.sessions) == 0)

    run(main())


@pytest.mark.parametrize(("second", "told"), [("/voice", True), ("/voice/", True), ("/other", False)])
def test_a_stream_that_stands_in_the_way_of_another_is_named_in_the_log(
    second: str, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    first = Stream(AsyncEcho(), modality="audio")
    first.mount(app, "/voice")
    first.mount(app, "/voice")
    assert not caplog.records, "twice the same one is no harm"
    Stream(AsyncEcho(), modality="audio").mount(app, second)
    assert ["'/voice'" in record.getMessage() for record in caplog.records] == [True] * told


def test_the_apps_own_lifespan_and_routes_live_on() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        events.append("started")
        yield {"mine": "yes"}
        events.append("stopped")

    app = FastAPI(lifespan=lifespan)

    @app.get("/mine")
    def mine() -> str:
        return "mine"

    Stream(AsyncEcho(), modality="audio").mount(app)
    with TestClient(app) as client:
        assert client.get("/mine").json() == "mine"
        assert events == ["started"]
    assert events == ["started", "stopped"]


@pytest.mark.usefixtures("media_path")
def test_when_the_app_stops_its_connections_are_ended_and_shut_down() -> None:
    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        async with answering(stream) as server, caller(server) as client:
            async with server.app.router.lifespan_context(server.app):
                await client.call()
                await client.hears(0.1)
            assert (await client.told("end_stream"))["reason"] == "server_stopping"
            assert log.count("shutdown") == 1
            assert len(stream.sessions) == 0

    run(main())


@pytest.mark.parametrize("verbose", [True, False])
def test_the_start_is_told_on_stderr_unless_not_wanted(
    verbose: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    app = FastAPI()
    Stream(AsyncEcho(), modality="audio", verbose=verbose).mount(app, "/voice")
    with TestClient(app):
        pass
    said = capsys.readouterr()
    assert said.out == ""
    assert ("/voice/webrtc/offer" in said.err) is verbose


def test_an_app_that_is_mounted_on_another_serves_calls_and_says_once_what_it_cannot(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=None)
    inner, outer = FastAPI(), FastAPI()
    stream.mount(inner)
    outer.mount("/inner", inner)

    async def main() -> None:
        async with serving(stream, "/inner", outer) as server:
            for _ in range(2):
                async with socket_caller(server) as client:
                    await client.start()
                    await client.talk(0.2)
                    await client.hears(0.1)

    run(main())
    assert [one.name for one in caplog.records if "was never started" in one.message] == ["rtstream.server"]


def test_an_app_that_was_started_has_nothing_to_say(caplog: pytest.LogCaptureFixture) -> None:
    stream = Stream(AsyncEcho(), modality="audio")
    app = FastAPI()
    stream.mount(app)
    with TestClient(app) as client, client.websocket_connect("/websocket/offer") as socket:
        socket.send_json({"event": "stop"})
    assert not caplog.records


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
@pytest.mark.parametrize("route", ["/websocket/offer", "/telephone/handler", "/telephone/handler/a-ticket"])
def test_a_proxy_that_passes_no_upgrade_on_is_told_what_it_lacks(kind: Any, route: str) -> None:
    """nginx passes none unless it is told to, and a 404 had people look for another path."""
    app = kind()
    Stream(AsyncEcho(), modality="audio", verbose=False).mount(app, "/voice")
    client = TestClient(app)
    response = client.get("/voice" + route)
    assert response.status_code == 426 and response.headers["upgrade"] == "websocket"
    meta = response.json()["meta"]
    assert meta["error"] == "upgrade_missing"
    assert "proxy" in meta["why"] and "proxy_set_header Upgrade" in meta["fix"]
    without = client.get("/voice" + route, headers={"Connection": "upgrade", "Upgrade": "websocket"})
    assert without.status_code == 426 and "no library for WebSockets" in without.json()["meta"]["why"]


def test_an_address_of_a_websocket_stands_in_no_documentation_of_http() -> None:
    app = FastAPI()
    Stream(AsyncEcho(), modality="audio", verbose=False).mount(app)
    assert set(paths(app)) == {"/webrtc/offer", "/telephone/incoming"}


def test_a_router_is_no_app_and_that_is_said() -> None:
    with pytest.raises(OptionError) as caught:
        Stream(AsyncEcho(), modality="audio").mount(APIRouter(prefix="/voice"))  # type: ignore[arg-type]
    assert caught.value.fix == 'Mount it on the app: stream.mount(app, path="/voice")'


@pytest.mark.filterwarnings("ignore:The `root_path` parameter")
def test_carriers_are_told_the_path_that_the_outside_calls_where_a_proxy_takes_a_part_of_it_away() -> None:
    def told(outer: FastAPI, path: str) -> str:
        with TestClient(outer, base_url="http://127.0.0.1") as client:
            text = client.post(path + "/telephone/incoming").text
        found = re.search(r'url="ws://127.0.0.1(.*)/telephone/handler/', text)
        assert found, text
        return found[1]

    def app(**more: Any) -> FastAPI:
        mounted = FastAPI(**more)
        Stream(AsyncEcho(), modality="audio", verbose=False).mount(mounted, "/voice")
        return mounted

    assert told(app(), "/voice") == "/voice"
    assert told(app(root_path="/app"), "/voice") == "/app/voice"
    assert told(app(root_path="/app"), "/app/voice") == "/app/voice"  # which this proxy has left
    outer = FastAPI(root_path="/app")
    outer.mount("/inner", app())
    assert told(outer, "/app/inner/voice") == "/app/inner/voice"


def test_in_the_cloud_a_stream_without_turn_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM", "spaces")
    app = FastAPI()
    Stream(AsyncEcho(), modality="audio").mount(app)
    with pytest.raises(RuntimeError, match="rtc_configuration"), TestClient(app):
        pass
    app = FastAPI()
    Stream(AsyncEcho(), modality="audio", rtc_configuration={"iceServers": []}).mount(app)
    with TestClient(app):
        pass


def with_outputs(stream: Stream) -> FastAPI:
    app = FastAPI()

    @app.get("/outputs")
    async def outputs(webrtc_id: str) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            async for out in stream.output_stream(webrtc_id):
                yield f"data: {out.args[0]}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return app


def test_outputs_stream_to_a_client_over_http_as_server_sent_events_and_end_with_the_call() -> None:
    async def main() -> None:
        stream = Stream(Saying(*(AdditionalOutputs(n) for n in range(3))), modality="audio")
        app = with_outputs(stream)
        stream.mount(app)
        async with serving(stream, app=app) as server, socket_caller(server) as client:
            await client.start()
            await client.told("type", "fetch_output")
            async with server.http.stream("GET", "/outputs", params={"webrtc_id": client.id}) as response:
                read = []
                async for line in response.aiter_lines():
                    read += [line] if line else []
                    if len(read) == 3:
                        await client.send(event="stop")
            assert read == ["data: 0", "data: 1", "data: 2"]

    run(main())


def test_a_server_stops_though_a_response_streams_the_outputs_of_a_call() -> None:
    """uvicorn tells the app that it stops when all responses have ended, and this one ends with its call."""

    async def main() -> None:
        log = Log()
        stream = Stream(AsyncEcho(log), modality="audio")
        app = with_outputs(stream)
        stream.mount(app)
        async with (
            serving(stream, app=app, timeout_graceful_shutdown=None) as server,
            caller(server) as client,
        ):
            await client.call()
            await client.hears(0.1)
            async with server.http.stream("GET", "/outputs", params={"webrtc_id": client.id}) as response:
                async with asyncio.timeout(10):
                    await server.stop()
                assert [line async for line in response.aiter_lines()] == []
            assert (await client.told("end_stream"))["reason"] == "server_stopping"
            assert log.count("shutdown") == 1

    run(main())


def test_a_server_that_stops_tells_its_sockets_why_before_it_closes_them_and_takes_no_new_ones() -> None:
    """uvicorn closes WebSockets as soon as it is told to stop, and takes nobody's word to them after that."""
    log = Log()
    leaving = asyncio.Event()

    class Cleaning(AsyncEcho):
        def copy(self) -> Any:
            return Cleaning(log)

        async def shutdown(self) -> None:
            await super().shutdown()
            await leaving.wait()

    async def main() -> None:
        one, two = (Stream(Cleaning(log), modality="audio", concurrency_limit=None) for _ in range(2))
        app = FastAPI()
        one.mount(app, "/one")
        two.mount(app, "/two")
        async with serving(one, "/one", app, timeout_graceful_shutdown=None) as server:
            second = type(server)(app, two, server.http, "/two")
            async with socket_caller(server) as a, socket_caller(second) as b, socket_caller(server) as late:
                for client in (a, b):
                    await client.start()
                await until(lambda: len(one.sessions) == len(two.sessions) == 1)
                stopping = asyncio.create_task(server.stop())
                for client in (a, b):
                    assert (await client.told("type", "end_stream"))["reason"] == "server_stopping"
                await until(lambda: log.count("shutdown") == 2)
                await late.start()
                assert await late.closed() == (1012, "server_stopping")
                assert one.sessions.full
                leaving.set()
                await stopping
            assert not one.sessions.full

    run(main())


def test_an_app_that_is_started_again_takes_calls_again() -> None:
    stream = Stream(AsyncEcho(), modality="audio")
    app = FastAPI()
    stream.mount(app)
    for _ in range(2):
        with TestClient(app) as client, client.websocket_connect("/websocket/offer") as socket:
            socket.send_json({"event": "start", "websocket_id": "again"})
            socket.send_json({"event": "stop"})
            assert socket.receive()["type"] == "websocket.close"


def test_set_input_from_a_route_reaches_the_handler_of_its_connection() -> None:
    got: list[Any] = []

    def take(frame: Any, level: int = 0) -> None:
        got.append(level)

    async def main() -> None:
        stream = Stream(take, modality="audio")
        app = FastAPI()

        @app.post("/input")
        def set_input(webrtc_id: str, level: int) -> None:
            stream.set_input(webrtc_id, level)

        stream.mount(app)
        async with serving(stream, app=app) as server, socket_caller(server) as client:
            await client.start()
            await client.talk(0.1)
            await until(lambda: got)
            response = await server.http.post("/input", params={"webrtc_id": client.id, "level": 5})
            assert response.status_code == 200
            await client.talk(0.1)
            await until(lambda: got[-1] == 5)
        assert got[0] == 0

    run(main())


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
def test_a_call_that_is_not_there_is_a_404_in_a_route_of_the_apps_own(kind: Any) -> None:
    stream = Stream(AsyncEcho(), modality="audio")

    async def gone(request: Request) -> None:
        stream.set_input("nobody", 5)

    app = kind()
    app.router.routes.append(Route("/input", gone))
    stream.mount(app)
    response = TestClient(app).get("/input")
    assert response.status_code == 404
    assert response.json()["meta"]["error"] == "unknown_connection"


def test_what_the_app_answers_itself_is_left_to_it() -> None:
    stream = Stream(AsyncEcho(), modality="audio")
    app = FastAPI()

    @app.exception_handler(ConnectionRefused)
    async def own(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("own", 410)

    @app.get("/input")
    def gone() -> None:
        stream.set_input("nobody", 5)

    stream.mount(app)
    assert TestClient(app).get("/input").status_code == 410


def test_what_a_socket_of_the_apps_own_raises_goes_on() -> None:
    stream = Stream(AsyncEcho(), modality="audio")
    app = FastAPI()

    @app.websocket("/own")
    async def own(socket: WebSocket) -> None:
        await socket.accept()
        stream.set_input("nobody", 5)

    stream.mount(app)
    with pytest.raises(ConnectionRefused), TestClient(app).websocket_connect("/own"):
        pass


def test_a_route_before_the_streams_wins() -> None:
    async def main() -> None:
        app = FastAPI()

        @app.post("/telephone/incoming")
        async def own() -> str:
            return "own"

        Stream(AsyncEcho(), modality="audio").mount(app)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
            assert (await http.post("/telephone/incoming")).json() == "own"

    run(main())


@pytest.mark.parametrize("modality", ["audio", "video", "audio-video"])
def test_the_routes_of_every_modality_are_the_same(modality: Any) -> None:
    app = FastAPI()
    Stream(lambda frame: frame, modality=modality).mount(app)
    assert set(paths(app)) == {"/webrtc/offer", "/telephone/incoming"}
    with TestClient(app) as client:
        for route in ("/websocket/offer", "/telephone/handler"):
            with client.websocket_connect(route) as socket:
                socket.send_json({"event": "stop"})
                assert socket.receive()["type"] in ("websocket.close", "websocket.send")
