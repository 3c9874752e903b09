"""`test-file` as each carrier: one conversation in five dialects, keys included, each with its verdict."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from rtstream import Dtmf, ReplyOnPause, Stream
from rtstream.errors import OptionError
from rtstream.loopback.house import House
from rtstream.loopback.plan import PHONES
from rtstream.loopback.run import run_file
from rtstream.testing import call
from tests.helpers.handlers import Echo
from tests.helpers.media import Sound

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]


async def echo(audio: Sound) -> Sound:
    return audio


@pytest.mark.alone
def test_one_conversation_in_all_five_dialects_passes_in_one_table(speech: Path, tmp_path: Path) -> None:
    stream = Stream(echo, modality="audio", verbose=False)
    report = run_file(stream, speech, ["direct", "phone:all"], out=tmp_path / "reply.wav", linger=0.5)
    assert [(row.via, row.verdict, row.why) for row in report.rows] == [
        (way, "pass", "") for way in ("direct", *PHONES)
    ]
    assert all((row.likeness or 0) > 0.9 for row in report.rows[1:])
    assert [file.name for file in report.files[1:]] == [
        f"reply-{way.replace(':', '-')}.wav" for way in PHONES
    ]


@pytest.mark.parametrize("way", PHONES)
def test_a_reply_is_interrupted_and_the_carrier_finds_nothing_to_object(speech: Path, way: str) -> None:
    greeting = 8000, np.full((1, 8000 * 20), 3000, np.int16)
    handler = ReplyOnPause(
        lambda said: (8000, np.full((1, 1600), 9000, np.int16)), startup_fn=lambda: greeting
    )
    result = call(handler, speech, way, modality="audio", linger=0.5)
    assert not result.errors and not result.breaches
    assert result.seconds_out < 15  # the greeting is 20 s


class Menu:
    """Answers each key with itself, and notes it."""

    def __init__(self) -> None:
        self.pressed = ""

    def __call__(self, digit: str) -> Any:
        self.pressed += digit
        return (8000, np.full((1, 800), 3000, np.int16)), Dtmf(digit)


@pytest.mark.parametrize("way", ["direct", "websocket", "webrtc", "phone", *PHONES])
def test_keys_reach_the_handler_on_every_way(word: Path, way: str) -> None:
    menu = Menu()
    stream = Stream(lambda frame: None, modality="audio", on_dtmf=menu, verbose=False)
    result = call(stream, word, way, dtmf="1w2#", linger=0.5)
    assert not result.errors and not result.breaches
    assert menu.pressed == "12#"
    assert result.keys == ("12#" if way == "phone:plivo" else "")
    assert result.level > 0.01


def test_keys_need_a_sound_to_stand_in(word: Path) -> None:
    def source() -> Iterator[Sound]:
        yield 8000, np.full((1, 8000), 3000, np.int16)

    stream = Stream(source, modality="audio", mode="receive", verbose=False)
    with pytest.raises(OptionError, match="direct"):
        call(stream, word, dtmf="1")
    with pytest.raises(OptionError, match="no key"):
        call(stream, word, "phone", dtmf="x")
    assert not call(stream, word, "phone:telnyx", dtmf="1w", linger=0.2).errors


HOSTILE: dict[str, Any] = {
    "phone:twilio": {"event": "media", "media": {"payload": "AAAA"}},
    "phone:telnyx": {"event": "playAudio"},
    "phone:plivo": {"event": "media", "media": {"payload": "AAAA"}},
    "phone:vonage": {"event": "clear"},
    "phone:exotel": {"event": "media", "stream_sid": "another", "media": {"payload": "AAAA"}},
}


@pytest.mark.parametrize("way", PHONES)
def test_a_server_that_speaks_another_dialect_fails_by_name(word: Path, way: str) -> None:
    app = FastAPI()

    @app.websocket("/telephone/handler")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(json.dumps(HOSTILE[way]))
        await websocket.send_text(json.dumps({"type": "log", "data": "started_talking"}))
        try:
            while True:
                await websocket.receive()
        except (WebSocketDisconnect, RuntimeError):
            pass

    with House(Stream(Echo(), modality="audio"), app) as house:
        report = run_file(house.url, word, [way], linger=0.2, timeout=30)
    assert report.exit_code == 1
    assert "sent" in report.rows[0].why
    assert len(report.results[0].breaches) >= 2


def test_sound_after_a_clear_is_all_that_is_heard_of_a_server(word: Path) -> None:
    app = FastAPI()

    def media(value: int) -> str:
        payload = base64.b64encode(bytes([value]) * 8000).decode()
        return json.dumps({"event": "media", "media": {"payload": payload}})

    @app.websocket("/telephone/handler")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        for said in (
            media(0x10),
            '{"event": "mark", "mark": {"name": "a"}}',
            '{"event": "clear"}',
            media(0x90),
        ):
            await websocket.send_text(said)
        marks: list[str] = []
        try:
            while True:
                told = json.loads(await websocket.receive_text())
                marks += [told["mark"]["name"]] if told["event"] == "mark" else []
                if marks == ["a"]:
                    marks.append("answered")
        except (WebSocketDisconnect, RuntimeError):
            app.state.marks = marks

    with House(Stream(Echo(), modality="audio"), app) as house:
        report = run_file(house.url, word, ["phone:telnyx"], linger=0.2, timeout=30)
    heard = report.results[0].audio
    assert heard is not None and report.rows[0].verdict == "pass"
    assert np.mean(heard.samples < 0) < 0.1 or np.mean(heard.samples > 0) < 0.1
    assert app.state.marks == ["a", "answered"]
