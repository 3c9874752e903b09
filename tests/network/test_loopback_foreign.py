"""The callers against servers that are not ours: what they say, in what order, what they do not let pass."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from rtstream import Stream
from rtstream.errors import (
    BadOffer,
    ConnectionRefused,
    RemoteError,
    RtstreamError,
    ServerUnreachable,
    TooManyConnections,
)
from rtstream.loopback.house import House
from rtstream.loopback.report import Report
from rtstream.loopback.run import run_file
from tests.helpers.handlers import Echo

pytestmark = [pytest.mark.network, pytest.mark.timeout(60)]

Talk = Callable[[WebSocket], Coroutine[Any, Any, None]]


@pytest.fixture
def app() -> FastAPI:
    return FastAPI()


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    """The address of the app, served; its stream is nowhere mounted."""
    with House(Stream(Echo(), modality="audio"), app) as house:
        yield house.url


def on_socket(app: FastAPI, route: str, talk: Talk) -> None:
    """Let the app talk to whoever opens that route, until he leaves."""

    @app.websocket(route)
    async def opened(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await talk(websocket)
        except WebSocketDisconnect:
            pass


def on_offer(app: FastAPI, answer: Callable[[dict[str, Any]], Response]) -> None:
    @app.post("/webrtc/offer")
    async def offered(request: Request) -> Response:
        return answer(await request.json())


def hold_up(seconds: float) -> None:
    """Let a server's loop do nothing, so that what its client sends piles up."""
    time.sleep(seconds)


def take(url: str, word: Path, way: str, **more: Any) -> Report:
    return run_file(url, word, [way], linger=0.2, **more)


def error(report: Report) -> RtstreamError:
    (one,) = report.results[0].errors
    return one


def media(sid: str, payload: str) -> str:
    return json.dumps({"event": "media", "streamSid": sid, "media": {"payload": payload}})


def test_a_telephone_says_what_twilio_says_in_that_order_numbered_as_text(
    app: FastAPI, url: str, word: Path
) -> None:
    heard: list[dict[str, Any]] = []

    async def echo(websocket: WebSocket) -> None:
        while True:
            heard.append(json.loads(await websocket.receive_text()))
            if heard[-1]["event"] == "media":
                await websocket.send_text(media(heard[-1]["streamSid"], heard[-1]["media"]["payload"]))

    on_socket(app, "/telephone/handler", echo)
    assert take(url, word, "phone").exit_code == 0
    connected, start, *said, stop = heard
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert (start["event"], start["sequenceNumber"], start["start"]["streamSid"]) == (
        "start",
        "1",
        start["streamSid"],
    )
    assert start["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert {message["event"] for message in said} == {"media"}
    assert [message["sequenceNumber"] for message in said] == [str(n + 2) for n in range(len(said))]
    assert [message["media"]["chunk"] for message in said] == [str(n + 1) for n in range(len(said))]
    assert [message["media"]["timestamp"] for message in said] == [str(20 * n) for n in range(len(said))]
    assert {len(base64.b64decode(message["media"]["payload"])) for message in said} == {160}
    assert stop["event"] == "stop"
    assert {message["streamSid"] for message in heard[1:]} == {start["streamSid"]}


def test_a_caller_keeps_time_even_when_the_line_stalls(app: FastAPI, url: str, word: Path) -> None:
    came: list[float] = []

    async def stall(websocket: WebSocket) -> None:
        while True:
            message = json.loads(await websocket.receive_text())
            if message["event"] == "media":
                came.append(time.monotonic())
                await websocket.send_text(json.dumps({"event": "media", "media": message["media"]}))
            if len(came) == 5:
                hold_up(0.15)

    on_socket(app, "/websocket/offer", stall)
    take(url, word, "websocket")
    late = [moment - 0.02 * number for number, moment in enumerate(came)]
    # What a busy machine delays is one or the other; what does not keep time comes later and later.
    assert min(late[-20:]) == pytest.approx(min(late[:5]), abs=0.1)


@pytest.mark.alone
def test_marks_come_back_in_their_time_and_clear_brings_them_at_once(
    app: FastAPI, url: str, word: Path
) -> None:
    back: dict[str, float] = {}

    async def speak(websocket: WebSocket) -> None:
        sid, began = "", 0.0
        while True:
            message = json.loads(await websocket.receive_text())
            if message["event"] == "start":
                sid = message["streamSid"]
                began = time.monotonic()
                voice = base64.b64encode(b"\x10\x90" * 800).decode()  # 0.2 s
                for name in ("one", "two", "never"):
                    await websocket.send_text(media(sid, voice))
                    await websocket.send_text(
                        json.dumps({"event": "mark", "streamSid": sid, "mark": {"name": name}})
                    )
            if message["event"] == "mark":
                back[message["mark"]["name"]] = time.monotonic() - began
                if message["mark"]["name"] == "two":
                    await websocket.send_text(json.dumps({"event": "clear", "streamSid": sid}))

    on_socket(app, "/telephone/handler", speak)
    report = take(url, word, "phone")
    assert list(back) == ["one", "two", "never"]
    assert back["one"] == pytest.approx(0.2, abs=0.1)
    assert back["two"] == pytest.approx(0.4, abs=0.1)
    assert back["never"] < 0.55
    assert report.results[0].breaches == []
    assert report.results[0].audio is not None and report.results[0].audio.duration < 0.6


@pytest.mark.parametrize(
    "said, breach",
    [
        ({"type": "log", "data": "started_talking"}, "the event None"),
        ({"event": "media", "streamSid": "another", "media": {"payload": "/////w=="}}, "streamSid 'another'"),
    ],
)
def test_a_server_that_speaks_to_a_carrier_as_to_a_browser_is_refused(
    app: FastAPI, url: str, word: Path, said: dict[str, Any], breach: str
) -> None:
    async def talk(websocket: WebSocket) -> None:
        while True:
            message = json.loads(await websocket.receive_text())
            if message["event"] == "media":
                await websocket.send_text(media(message["streamSid"], message["media"]["payload"]))
                await websocket.send_text(json.dumps(said))

    on_socket(app, "/telephone/handler", talk)
    report = take(url, word, "phone")
    assert (report.rows[0].verdict, report.exit_code) == ("fail", 1)
    assert breach in report.rows[0].why


@pytest.mark.parametrize("way, route", [("phone", "/telephone/handler"), ("websocket", "/websocket/offer")])
def test_a_server_that_hangs_up_in_anger_is_an_error(
    app: FastAPI, url: str, word: Path, way: str, route: str
) -> None:
    async def refuse(websocket: WebSocket) -> None:
        await websocket.receive_text()
        await websocket.close(1011, "out of order")

    on_socket(app, route, refuse)
    told = error(take(url, word, way))
    assert isinstance(told, RemoteError)
    assert ("1011" in told.what, told.why) == (True, "out of order")


def test_a_server_that_hangs_up_in_peace_has_only_said_little(app: FastAPI, url: str, word: Path) -> None:
    async def brief(websocket: WebSocket) -> None:
        await websocket.receive_text()
        payload = base64.b64encode(b"\x10\x90" * 2400).decode()
        await websocket.send_text(json.dumps({"event": "media", "media": {"payload": payload}}))
        await websocket.close()

    on_socket(app, "/websocket/offer", brief)
    report = take(url, word, "websocket")
    assert (report.rows[0].verdict, report.results[0].errors) == ("pass", [])


@pytest.mark.parametrize("way", ["phone", "websocket"])
def test_a_route_that_is_no_socket_is_refused_with_its_status(url: str, word: Path, way: str) -> None:
    told = error(take(url, word, way))
    assert isinstance(told, ConnectionRefused)
    assert "HTTP 403" in told.what


@pytest.mark.parametrize("way", ["phone", "websocket", "webrtc"])
def test_a_server_that_is_not_there_is_unreachable(free_port: int, word: Path, way: str) -> None:
    report = take(f"http://127.0.0.1:{free_port}", word, way)
    assert isinstance(error(report), ServerUnreachable)
    assert report.exit_code == 5


def test_fastrtcs_refusal_with_status_200_is_a_refusal(app: FastAPI, url: str, word: Path) -> None:
    on_offer(app, lambda _: JSONResponse({"status": "failed", "meta": {"error": "invalid_offer"}}))
    assert isinstance(error(take(url, word, "webrtc")), BadOffer)


@pytest.mark.parametrize(
    "answer", [PlainTextResponse("not here", 404), JSONResponse({"sdp": None}), JSONResponse(["answer"])]
)
def test_what_is_no_answer_to_an_offer_is_not_taken_for_one(
    app: FastAPI, url: str, word: Path, answer: Response
) -> None:
    on_offer(app, lambda _: answer)
    assert isinstance(error(take(url, word, "webrtc")), ServerUnreachable)


def test_an_offer_holds_its_candidates_a_data_channel_and_sound(app: FastAPI, url: str, word: Path) -> None:
    offers: list[dict[str, Any]] = []

    def keep(offer: dict[str, Any]) -> Response:
        offers.append(offer)
        return JSONResponse({"status": "failed", "meta": {"error": "invalid_offer"}})

    on_offer(app, keep)
    take(url, word, "webrtc")
    (offer,) = offers
    assert (offer["type"], len(offer["webrtc_id"])) == ("offer", 32)
    for line in ("m=audio", "m=application", "a=candidate:", "a=sendrecv", "typ host"):
        assert line in offer["sdp"]
    assert "m=video" not in offer["sdp"]


def test_a_full_server_is_asked_again_for_a_while(app: FastAPI, url: str, word: Path) -> None:
    asked: list[float] = []

    def full(_: dict[str, Any]) -> Response:
        asked.append(time.monotonic())
        return JSONResponse({"status": "failed", "meta": {"error": "concurrency_limit_reached"}}, 503)

    on_offer(app, full)
    assert isinstance(error(take(url, word, "webrtc")), TooManyConnections)
    assert len(asked) > 2
    assert 1.0 < asked[-1] - asked[0] < 10


def test_a_server_that_neither_speaks_nor_hangs_up_is_given_up(app: FastAPI, url: str, word: Path) -> None:
    async def nothing(request: Request) -> Response:
        await asyncio.sleep(3)
        return Response()

    app.post("/webrtc/offer")(nothing)
    with pytest.raises(RemoteError, match=r"not over after 0\.5 s"):
        take(url, word, "webrtc", timeout=0.5)
