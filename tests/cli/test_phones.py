"""`rtstream serve --https --qr`: over TLS, and for a telephone on the same network."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.conftest import run

from .conftest import program
from .served import Served

pytestmark = [pytest.mark.network, pytest.mark.timeout(90)]

IN_A_NETWORK = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "ip"))), reason="needs root, unshare and ip"
)


def test_https_serves_the_page_and_the_sockets_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    async def a_pong(address: str, trusting: ssl.SSLContext) -> str:
        async with connect(address, ssl=trusting) as line, asyncio.timeout(10):
            await line.send('{"event": "start", "websocket_id": "a-call"}')
            await line.send('{"event": "ping"}')
            while "pong" not in (text := str(await line.recv())):
                pass
            return text

    with Served("@echo", "--https", cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=tmp_path / "rtstream" / "https.pem")
        assert "<rt-stream" in httpx.get(server.url, verify=trusting).text
        address = server.url.replace("https", "wss") + "/websocket/offer"
        assert json.loads(run(a_pong(address, trusting))) == {"event": "pong"}
        assert server.end() == 0


def test_a_code_for_an_address_of_this_machine_alone_is_refused(tmp_path: Path) -> None:
    done = program("serve", "@echo", "--qr", "--host", "127.0.0.1", cwd=tmp_path)
    assert done.returncode == 2
    assert "error[RT2001]: `--qr` is for another machine, and 127.0.0.1 is this one alone" in done.stderr


def in_a_network(setup: str) -> list[str]:
    """What stands before a command that runs in a network namespace of its own."""
    return ["unshare", "--net", "sh", "-c", f'ip link set lo up; {setup} exec "$@"', "sh"]


LAN = "ip address add 192.168.7.20/24 dev lo; ip route add default dev lo;"  # a card would do no more


@IN_A_NETWORK
@pytest.mark.root
def test_a_telephone_is_shown_the_address_of_the_network_and_its_code(tmp_path: Path) -> None:
    before, home = in_a_network(LAN), str(tmp_path)
    with Served("@echo", "--https", "--qr", cwd=tmp_path, before=before, XDG_CACHE_HOME=home) as server:
        assert server.end() == 0
    lines = server.err.seen
    assert server.url.startswith("https://127.0.0.1:")
    assert any(line.startswith("phone     https://192.168.7.20:") for line in lines), lines
    assert sum(line.count("█") > 5 for line in lines) > 10, "the code"


@IN_A_NETWORK
@pytest.mark.root
def test_a_machine_on_no_network_says_so(tmp_path: Path) -> None:
    with Served("@echo", "--qr", cwd=tmp_path, before=in_a_network(""), ready=False) as server:
        assert server.wait() == 4
    assert "this machine is on no network that a telephone could be on" in "\n".join(server.err.seen)
