"""`rtstream phone --sip` as a process: softphones call it, without token, tunnel or network."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from rtstream_cli.serving import network
from tests.conftest import run
from tests.helpers.server import until
from tests.helpers.sip_caller import SipCaller
from tests.unit.signals import sound

from .conftest import Run, program
from .served import Served

pytestmark = pytest.mark.network

NOTHING = {"HF_TOKEN": "", "HOME": "/nonexistent", "HF_HOME": "/nonexistent"}


def telephone(*words: str, cwd: Path, ready: bool = True, **environment: str) -> Served:
    """The command on a free port of this machine alone."""
    own = ["--sip", "--sip-port", "0", "--host", "127.0.0.1"]
    surroundings: dict[str, Any] = {**NOTHING, **environment}
    return Served(*own, *words, cwd=cwd, command=("phone",), ready=ready, **surroundings)


class At:
    """Where the telephone of another process listens."""

    def __init__(self, server: Served) -> None:
        found = re.search(r"sip:[\w.-]+@127\.0\.0\.1:(\d+)", "\n".join(server.err.seen + server.out.seen))
        assert found, server.err.seen
        self.port = int(found[1])


def test_it_tells_whom_to_call_and_is_answered_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("def megaphone(audio):\n    return audio\n")

    async def call(server: Served) -> None:
        at: Any = At(server)
        async with SipCaller.of(at) as caller, SipCaller.of(at) as second:
            assert "200 OK" in await caller.dial()
            await caller.say(sound(440, 0.6, 8000))
            await until(lambda: len(caller.sound) > 2000)
            assert "486 Busy Here" in await second.ask("INVITE", second.offer())
            server.tell(signal.SIGINT)
            await until(lambda: caller.hung_up, 15)

    with telephone("handler.py:megaphone", "--drain", "0.5", cwd=tmp_path) as server:
        shown = "\n".join(server.err.seen)
        assert re.search(r"^call +sip:megaphone@127\.0\.0\.1:\d+$", shown, re.M)
        assert re.search(r"^open to +whoever reaches it .*RTSTREAM_SIP_PASSWORD", shown, re.M)
        run(call(server), 40)
        assert server.wait() == 0
        assert server.out.seen == []
        assert "Traceback" not in "\n".join(server.err.seen)


def test_a_closed_terminal_hangs_up_on_its_calls(tmp_path: Path) -> None:
    async def call(server: Served) -> None:
        at: Any = At(server)
        async with SipCaller.of(at) as caller:
            assert "200 OK" in await caller.dial()
            server.tell(signal.SIGHUP)
            await until(lambda: caller.hung_up, 15)

    with telephone("@echo", "--drain", "0.5", "--no-warm", cwd=tmp_path) as server:
        run(call(server), 40)
        assert server.wait() == 0


def test_it_is_an_event_for_machines_and_asks_for_the_password_of_the_environment(tmp_path: Path) -> None:
    async def call(server: Served) -> None:
        at: Any = At(server)
        async with SipCaller.of(at) as caller:
            assert "401 Unauthorized" in await caller.ask("INVITE", caller.offer())

    secret = {"RTSTREAM_SIP_PASSWORD": "open-sesame"}
    with telephone("@echo", "--json", "--no-warm", cwd=tmp_path, ready=False, **secret) as server:
        server.out.until("ready")
        (ready,) = server.out.events
        assert ready["target"] == "@echo" and ready["password"] is True and ready["warm_seconds"] is None
        assert re.fullmatch(r"sip:echo@127\.0\.0\.1:\d+", ready["sip"][0])
        run(call(server), 40)
        assert server.end() == 0
    assert [one["event"] for one in server.out.events] == ["ready", "draining", "stopped"]
    assert "open-sesame" not in "\n".join([*server.err.seen, *server.out.seen])


def test_what_an_app_does_when_it_starts_is_done_and_what_it_raises_is_told(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from contextlib import asynccontextmanager\n"
        "from fastapi import FastAPI\n"
        "from rtstream import Stream\n"
        "@asynccontextmanager\n"
        "async def life(app):\n"
        "    raise RuntimeError('no model in the cupboard')\n"
        "    yield\n"
        "app = FastAPI(lifespan=life)\n"
        "Stream(lambda audio: audio, modality='audio').mount(app)\n"
    )
    done = program("phone", "app.py:app", "--sip", "--sip-port", "0", "--host", "127.0.0.1", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "no model in the cupboard" in done.stderr


def test_a_busy_port_is_exit_4_with_another_one_to_take(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        words = ["phone", "@echo", "--sip", "--host", "127.0.0.1", "--sip-port", str(port)]
        done = program(*words, cwd=tmp_path)
    assert done.returncode == 4
    assert f"error[RT4001]: port {port} is in use" in done.stderr
    assert f"fix: rtstream phone --sip --sip-port {port + 1}" in done.stderr


@pytest.mark.parametrize(
    "more",
    [
        ["--provider", "twilio"],
        ["--number", "+14155550100"],
        ["--tunnel", "ssh"],
        ["--public-url", "https://voice.example.org"],
        ["--port", "8000"],
        ["--print-url"],
    ],
)
def test_what_only_calls_from_outside_need_does_not_go_with_it(cli: Run, more: list[str]) -> None:
    refused = cli("phone", "@echo", "--sip", *more)
    assert refused.exit_code == 2
    assert f"--sip and {more[0]} do not go together" in refused.stderr


def test_a_port_that_cannot_be_and_a_stream_of_pictures_are_refused(cli: Run, project: Path) -> None:
    refused = cli("phone", "@echo", "--sip", "--sip-port", "70000")
    assert refused.exit_code == 2 and "--sip-port" in refused.stderr
    (project / "pictures.py").write_text(
        "from rtstream import Stream\nstream = Stream(lambda frame: frame)\n"
    )
    for target in ("pictures.py:stream", "@mirror", "@clock"):
        refused = cli("phone", target, "--sip")
        assert refused.exit_code == 2 and "a telephone carries sound" in refused.stderr


def test_all_addresses_of_the_network_are_told_and_not_its_own_loopback() -> None:
    assert network.addresses_for_phones("192.0.2.9") == ["192.0.2.9"]
    for host in ("0.0.0.0", "::"):
        found = network.addresses_for_phones(host)
        assert found and len(found) == len(set(found))
        assert len(found) == 1 or not any(network.is_loopback(one) for one in found)
