"""`rtstream serve` as a process: ready when it says so, ended by every signal, clear about every trouble."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtstream_cli.serving.ending import GRACE
from tests.conftest import run

from .conftest import program
from .served import Served

pytestmark = [pytest.mark.network, pytest.mark.timeout(90)]

SOUND = json.dumps({"event": "media", "media": {"payload": base64.b64encode(b"\x00" * 960).decode()}})

BLOCKS_LOOP = "import time\nasync def handler(audio):\n    time.sleep(3600)\n"
BLOCKS_THREAD = """
import queue
from rtstream import StreamHandler

class Handler(StreamHandler):
    def receive(self, frame):
        queue.Queue().get()
    def emit(self):
        queue.Queue().get()
"""
RAISES = "def handler(audio):\n    return 1 / 0\n"


@asynccontextmanager
async def calling(server: Served, id: str = "a-call") -> AsyncIterator[ClientConnection]:
    """A WebSocket call that has begun and has said something."""
    address = server.url.replace("http", "ws") + "/websocket/offer"
    async with connect(address, ping_interval=None) as line:
        await line.send(json.dumps({"event": "start", "websocket_id": id}))
        await line.send(SOUND)
        yield line


async def until_closed(line: ClientConnection) -> list[dict[str, object]]:
    """What a call is told until it is closed, without the sound."""
    told: list[dict[str, object]] = []
    try:
        async for text in line:
            message = json.loads(text)
            if message.get("event") != "media":
                told.append(message)
    except ConnectionClosed:
        pass
    return told


# Ready.


@pytest.mark.parametrize("path", ["own", "aiortc"])
def test_sound_goes_the_way_that_was_asked_for(path: str, tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(
        "import os\nasync def handler(audio):\n"
        "    open('way', 'w').write(os.environ['RTSTREAM_MEDIA_PATH'])\n    return audio\n"
    )
    with Served("--media-path", path, cwd=tmp_path) as server:
        assert server.end() == 0
    assert (tmp_path / "way").read_text() == path


def test_another_way_for_sound_is_refused_with_the_ways_that_there_are(tmp_path: Path) -> None:
    told = program("serve", "@echo", "--media-path", "arctic", cwd=tmp_path)
    assert told.returncode == 2
    assert "one of `own`, `aiortc`" in told.stderr


def test_ready_is_said_when_the_page_is_there_and_the_handler_has_run(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(
        "def handler(audio):\n    open('called', 'w').close()\n    return audio\n"
    )
    with Served(cwd=tmp_path) as server:
        assert (tmp_path / "called").exists()
        page = httpx.get(server.url)
        assert page.status_code == 200
        assert "<rt-stream" in page.text
        assert server.end() == 0


def test_sound_is_not_compressed_though_the_client_offers_it(tmp_path: Path) -> None:
    async def offered() -> list[Any]:
        async with calling(server) as line:
            return list(line.protocol.extensions)

    with Served("@echo", cwd=tmp_path) as server:
        assert asyncio.run(offered()) == []


def test_pictures_are_offered_over_webrtc_alone(tmp_path: Path) -> None:
    with Served("@mirror", cwd=tmp_path) as server:
        assert server.end() == 0
    assert server.err.seen[3].split(maxsplit=1) == ["api", "POST /webrtc/offer"]


def test_the_banner_is_short_and_plain_when_piped(tmp_path: Path) -> None:
    with Served("@echo", cwd=tmp_path) as server:
        assert server.end() == 0
    lines = server.err.seen
    assert len(lines) <= 8
    assert "\x1b" not in "".join(lines)
    assert lines[0].startswith("rtstream ")
    assert lines[0].endswith(" · @echo · audio send-receive")
    assert lines[1].startswith("warm in ")
    assert "POST /webrtc/offer · WS /websocket/offer · WS /telephone/handler" in lines[3]
    assert server.out.seen == []


def test_what_was_discovered_is_said_with_the_line_that_pins_it(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def echo(audio):\n    return audio\n")
    with Served("--no-warm", cwd=tmp_path) as server:
        assert 'target = "main.py:echo"' in server.err.seen[0]
        assert "warm" not in "".join(server.err.seen[1:])


def test_json_events_alone_are_on_stdout(tmp_path: Path) -> None:
    with Served("@clock", "--json", cwd=tmp_path, ready=False) as server:
        server.out.until("ready")
        assert server.end() == 0
    ready, draining, stopped = server.out.events
    assert [one["event"] for one in server.out.events] == ["ready", "draining", "stopped"]
    assert ready["schema_version"] == draining["schema_version"] == stopped["schema_version"] == 1
    assert ready["target"] == "@clock"
    assert ready["streams"][0]["mode"] == "receive"
    assert ready["streams"][0]["page"] == ready["url"] + "/"
    assert set(ready["warm_seconds"]) == {"handler", "engine", "call"}
    assert server.err.seen == []


def test_parameters_behind_two_dashes_reach_the_handler(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(
        "def handler(audio, gain: float = 1.0):\n    open(f'gain-{gain}', 'w').close()\n    return audio\n"
    )
    with Served("--", "--gain", "0.25", cwd=tmp_path):
        assert (tmp_path / "gain-0.25").exists()


def test_an_app_keeps_its_own_routes_and_gets_the_page_under_its_streams_path(tmp_path: Path) -> None:
    assert program("new", "myapp", "-t", "fastapi-app", "--no-verify", cwd=tmp_path).returncode == 0
    with Served(cwd=tmp_path / "myapp") as server:
        assert httpx.get(f"{server.url}/calls").json() == {"live": 0}
        assert "<rt-stream" in httpx.get(f"{server.url}/voice/").text
        assert f"browser   {server.url}/voice/" in "\n".join(server.err.seen)
        assert server.end() == 0


# What people see.


BESIDE = """
from rtstream import Stream
import gradio as gr

stream = Stream(
    lambda audio, gain: audio,
    modality="audio",
    additional_inputs=[gr.Slider(0, 4, value=2)],
)
"""


def test_a_stream_with_components_has_its_gradio_page_beside_the_plain_one(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(BESIDE)
    with Served(cwd=tmp_path) as server:
        plain, gradio = httpx.get(server.url), httpx.get(f"{server.url}/ui/")
        assert 'href="ui/"' in plain.text
        assert gradio.status_code == 200 and "gradio_config" in gradio.text
        assert f"browser   {server.url}/ui" in "\n".join(server.err.seen)
        assert server.end() == 0


def test_any_handler_has_a_gradio_page_on_request(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("def handler(audio, gain: float = 1.0):\n    return audio\n")
    with Served("--ui", "gradio", "--json", cwd=tmp_path, ready=False) as server:
        server.out.until("ready")
        (place,) = server.out.events[0]["streams"]
        assert place["ui"] == place["page"] + "ui"
        page = httpx.get(place["ui"] + "/").text
        assert "gradio_config" in page and "gain" in page, "and what it takes has its control"
        assert server.end() == 0


@pytest.mark.parametrize(("ui", "page"), [("page", 200), ("none", 404)])
def test_less_may_be_served(tmp_path: Path, ui: str, page: int) -> None:
    (tmp_path / "handler.py").write_text(
        BESIDE if ui == "page" else "def handler(audio):\n    return audio\n"
    )
    with Served("--ui", ui, cwd=tmp_path) as server:
        assert httpx.get(server.url).status_code == page
        assert httpx.get(f"{server.url}/ui/").status_code == 404
        offer = httpx.post(f"{server.url}/webrtc/offer", json={})
        assert offer.status_code == 422, "the routes are there"
        assert server.end() == 0


# Trouble before Ready.


def test_a_busy_port_is_exit_4_with_its_holder_and_a_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = program("serve", "@echo", "--port", str(port), cwd=tmp_path)
        assert told.returncode == 4
        what, why, fix = told.stderr.splitlines()
        assert what == f"error[RT4001]: port {port} is in use"
        assert f"(pid {os.getpid()})" in why
        free = int(fix.split("--port ")[1].split()[0])
        socket.create_server(("127.0.0.1", free)).close()


def test_a_handler_that_raises_in_the_warm_up_is_a_warning_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(RAISES)
    with Served(cwd=tmp_path) as server:
        shown = "\n".join(server.err.seen)
        assert "warning: the warm-up call failed: division by zero" in shown
        assert "handler.py:2 in handler\n         return 1 / 0" in shown
        assert "error" not in shown.replace("ZeroDivisionError", "")
        assert httpx.get(server.url).status_code == 200


def test_a_start_up_that_raises_is_exit_3(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("""
from contextlib import asynccontextmanager
from fastapi import FastAPI
from rtstream import Stream

@asynccontextmanager
async def lifespan(app):
    raise ValueError("no database")
    yield

app = FastAPI(lifespan=lifespan)
Stream(lambda audio: audio, modality="audio", verbose=False).mount(app)
""")
    told = program("serve", "--port", "0", cwd=tmp_path)
    assert told.returncode == 3
    assert told.stderr.splitlines() == [
        "error[RT3005]: `app.py:app` did not start",
        "  why: its lifespan raised ValueError: no database",
        "   at: app.py:8 in lifespan",
        '         raise ValueError("no database")',
        "  fix: Mend what the app does when it starts",
    ]


# The end.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_an_idle_server_soon_and_with_0(tmp_path: Path, number: signal.Signals) -> None:
    with Served("@echo", cwd=tmp_path) as server:
        assert server.end(number) == 0
        assert server.seconds < 4


def test_a_live_call_is_waited_for_and_then_told(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await line.recv()
            server.tell()
            server.err.until("Draining 1 call for up to 1 s")
            told = await until_closed(line)
        ends = [message for message in told if message.get("type") == "end_stream"]
        assert [end["reason"] for end in ends] == ["server_stopping"]

    with Served("@echo", "--drain", "1", cwd=tmp_path) as server:
        begun = time.monotonic()
        run(scene(server))
        assert server.wait() == 0
        assert 1 <= time.monotonic() - begun < 1 + GRACE + 2


def test_the_server_ends_as_soon_as_its_last_call_has_ended(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await line.recv()
            server.tell()
            server.err.until("Draining 1 call")

    with Served("@echo", "--drain", "60", cwd=tmp_path) as server:
        run(scene(server))
        assert server.wait() == 0


def test_while_it_drains_new_calls_are_refused(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await line.recv()
            server.tell()
            server.err.until("Draining")
            async with calling(server, id="another") as second:
                refused = json.loads(await second.recv())
            assert refused["meta"]["error"] == "server_stopping"

    with Served("@echo", "--drain", "60", "--concurrency-limit", "none", cwd=tmp_path) as server:
        run(scene(server))
        assert server.wait() == 0


def test_a_second_signal_drops_the_calls_and_is_130(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await line.recv()
            server.tell()
            server.err.until("press Ctrl-C again")
            await asyncio.sleep(0.5)
            server.tell(signal.SIGINT)
            await until_closed(line)

    with Served("@echo", "--drain", "60", cwd=tmp_path) as server:
        run(scene(server))
        assert server.wait() == 130


def test_a_signal_that_arrives_twice_at_once_is_one(tmp_path: Path) -> None:
    """As `timeout` and some supervisors send it: to the process and to its group."""

    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await line.recv()
            server.tell(signal.SIGINT)
            server.tell(signal.SIGTERM)
            server.err.until("Draining")

    with Served("@echo", "--drain", "60", cwd=tmp_path) as server:
        run(scene(server))
        assert server.wait() == 0


def test_a_closed_terminal_ends_the_server_as_other_signals_do(tmp_path: Path) -> None:
    """The kernel and the shell both tell of it, one after the other: that is no second signal."""

    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await line.recv()
            server.close_terminal()
            await asyncio.sleep(0.5)
            server.tell(signal.SIGHUP)
            told = await until_closed(line)
        ends = [message for message in told if message.get("type") == "end_stream"]
        assert [end["reason"] for end in ends] == ["server_stopping"]

    with Served("@echo", "--drain", "1", cwd=tmp_path, terminal=True) as server:
        run(scene(server))
        assert server.wait() == 0


def test_under_nohup_a_closed_terminal_is_not_heard(tmp_path: Path) -> None:
    with Served("@echo", cwd=tmp_path, before=["nohup"]) as server:
        server.tell(signal.SIGHUP)
        assert httpx.get(server.url).status_code == 200
        assert server.end() == 0


def test_a_handler_that_blocks_the_loop_is_named_and_does_not_keep_the_server_alive(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(BLOCKS_LOOP)
    with Served("--drain", "0.5", cwd=tmp_path, ready=False) as server:
        server.err.until("the handler blocks the event loop")
        server.err.until("handler.py:3 in handler")
        assert server.end() == 0
        assert server.seconds < 0.5 + GRACE + 1
    assert not any("Ready" in line for line in server.err.seen)


def test_a_live_call_whose_handler_blocks_the_loop_does_not_keep_the_server_alive(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            server.out.until("stuck")
            server.end()
            line.transport.abort()

    (tmp_path / "handler.py").write_text(BLOCKS_LOOP.replace("    time", "    print('stuck')\n    time"))
    with Served("--no-warm", "--drain", "0.5", cwd=tmp_path) as server:
        run(scene(server))
        assert server.code == 0
        assert server.seconds < 0.5 + GRACE + 1
        assert "did not come to its end by itself" in "\n".join(server.err.seen)


def test_a_live_call_whose_handler_blocks_its_threads_does_not_keep_the_server_alive(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await asyncio.sleep(0.2)
            server.tell()
            await until_closed(line)

    (tmp_path / "handler.py").write_text(BLOCKS_THREAD)
    with Served("--no-warm", "--drain", "0.5", cwd=tmp_path) as server:
        begun = time.monotonic()
        run(scene(server))
        assert server.wait() == 0
        assert time.monotonic() - begun < 0.5 + GRACE + 2


# While it runs.


def test_a_message_that_no_honest_client_sends_is_refused(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await line.recv()
            await line.send("x" * 70_000)
            await until_closed(line)
            assert line.close_code == 1009

    with Served("@echo", cwd=tmp_path) as server:
        run(scene(server))
        assert server.end() == 0


def test_an_error_of_the_handler_is_logged_as_json_with_its_session(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            server.err.until("division by zero")
            await line.close()

    (tmp_path / "handler.py").write_text(RAISES)
    with Served("--no-warm", "--log-format", "json", cwd=tmp_path) as server:
        run(scene(server))
        assert server.end() == 0
    begun, line, ended = [json.loads(text) for text in server.err.seen if text.startswith("{")]
    assert begun["session"] == line["session"] == ended["session"] == "a-call"
    assert "begins over websocket" in begun["message"] and "client_left" in ended["message"]
    assert line["level"] == "error"
    assert line["message"] == "RT3005: division by zero"
    assert line["traceback"].startswith("handler.py:2 in handler\n")


def test_an_error_of_the_handler_is_logged_for_people_with_the_users_line(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            assert "error: RT3005: division by zero · session a-call" in server.err.until("division")
            server.err.until("handler.py:2 in handler")
            await line.close()

    (tmp_path / "handler.py").write_text(RAISES)
    with Served("--no-warm", cwd=tmp_path) as server:
        run(scene(server))
        assert server.end() == 0


# Reload.


def test_a_change_is_served_and_a_broken_one_is_told_and_waited_out(tmp_path: Path) -> None:
    handler = tmp_path / "handler.py"
    handler.write_text("def one(audio):\n    return audio\n")
    with Served("--reload", cwd=tmp_path) as server:
        assert "handler.py:one" in server.err.seen[0]
        url = server.url
        handler.write_text("def two(audio:\n")
        server.err.until("handler.py changed: starting again")
        server.err.until("error[RT3003]")
        server.err.until("starts again when a file changes")
        handler.write_text("def two(audio):\n    return audio\n")
        server.err.until("handler.py:two")
        server.err.until("Ready")
        assert httpx.get(url).status_code == 200
        assert server.end() == 0
    assert not (tmp_path / "__pycache__").exists()


def test_a_caller_who_comes_in_between_waits_instead_of_being_turned_away(tmp_path: Path) -> None:
    handler = tmp_path / "handler.py"
    handler.write_text("def one(audio):\n    return audio\n")
    with Served("--reload", cwd=tmp_path) as server:
        handler.write_text("def two(audio):\n    return audio\n")
        server.err.until("starting again")
        assert httpx.get(server.url, timeout=10).status_code == 200
        assert server.end() == 0


def test_a_closed_terminal_ends_the_watcher_and_its_server(tmp_path: Path) -> None:
    async def scene(server: Served) -> None:
        async with calling(server) as line:
            await line.recv()
            server.close_terminal()
            told = await until_closed(line)
        assert "server_stopping" in [message.get("reason") for message in told]

    with Served("@echo", "--reload", "--drain", "0.5", cwd=tmp_path, terminal=True) as server:
        run(scene(server))
        assert server.wait() == 0


def test_it_reloads_in_another_folder_too(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/handler.py").write_text("def one(audio):\n    return audio\n")
    with Served("--reload", "-C", "sub", cwd=tmp_path) as server:
        (tmp_path / "sub/handler.py").write_text("def two(audio):\n    return audio\n")
        server.err.until("handler.py:two")
        assert server.end() == 0


def test_a_killed_watcher_takes_its_server_along(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("def one(audio):\n    return audio\n")
    with Served("--reload", cwd=tmp_path) as server:
        url = server.url
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                httpx.get(url, timeout=1)
            except httpx.HTTPError:
                return
            time.sleep(0.05)
        raise AssertionError("the server goes on without its watcher")
