"""What the outside sees of a server: only what is shown to it, whatever it says of itself."""

from __future__ import annotations

import socket

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rtstream.errors import TunnelFailed
from rtstream.tunnels.beacon import Beacon
from rtstream.tunnels.probe import BeaconProbe, PortProbe
from tests.conftest import run
from tests.helpers.tunnels import outpost, page, up

pytestmark = pytest.mark.network


def test_by_the_tunnels_door_only_what_is_shown_is_there() -> None:
    async def scene() -> None:
        door = socket.create_server(("127.0.0.1", 0))
        port = door.getsockname()[1]
        spoofed = {"Host": "127.0.0.1", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost"}
        async with outpost(lambda post: Beacon(post.app, port=port, shown=["/telephone/"])) as post:
            app = Beacon(post.app, port=port, shown=["/telephone/"])
            async with up(app, door) as outside:
                assert await page(f"http://127.0.0.1:{post.port}/") == "hello"
                async with httpx.AsyncClient(trust_env=False) as client:
                    for path in ("/", "//telephone/", "/telephone", "/telephone/../", "/x/../telephone/"):
                        answer = await client.get(outside + path, headers=spoofed)
                        assert answer.status_code == 404, path
                        assert "hello" not in answer.text
                address = outside.replace("http", "ws")
                with pytest.raises(InvalidStatus, match="403"):
                    await connect(address + "/websocket/offer", proxy=None)
                async with connect(address + "/telephone/echo", proxy=None) as line:
                    await line.send("a")
                    assert await line.recv() == "a"

    run(scene())


def test_a_probe_knows_its_own_beacon_and_no_other() -> None:
    async def scene() -> None:
        async with outpost() as post, outpost() as other:
            here = f"http://127.0.0.1:{post.port}"
            probe = post.beacon.probe()
            await probe.ask(here)
            await probe.ask_socket(here)
            with pytest.raises(TunnelFailed, match="does not carry") as caught:
                await probe.ask(f"http://127.0.0.1:{other.port}")
            assert "somebody else answers there (HTTP 404)" in caught.value.why
            with pytest.raises(TunnelFailed):
                await probe.ask_socket(f"http://127.0.0.1:{other.port}")
            await probe.close()

    run(scene())


def test_a_tunnel_that_carries_pages_but_no_sockets_does_not_pass() -> None:
    async def scene() -> None:
        async with outpost() as post:
            probe = BeaconProbe("/", "hello")
            await probe.ask(f"http://127.0.0.1:{post.port}")
            with pytest.raises(TunnelFailed, match="does not carry") as caught:
                await probe.ask_socket(f"http://127.0.0.1:{post.port}")
            assert "WebSocket" in caught.value.why
            await probe.close()

    run(scene())


def test_a_server_that_is_not_ours_is_compared_with_itself(free_port: int) -> None:
    async def scene() -> None:
        async with outpost() as post, outpost(lambda post: Beacon(post.app, port=post.port)) as hidden:
            probe = PortProbe("127.0.0.1", post.port)
            assert await probe.here() == 200
            await probe.ask(f"http://127.0.0.1:{post.port}")
            with pytest.raises(TunnelFailed) as caught:
                await probe.ask(f"http://127.0.0.1:{hidden.port}/nothing")
            assert "answers HTTP 404, but" in caught.value.why
            with pytest.raises(TunnelFailed):
                await probe.ask(f"http://127.0.0.1:{free_port}")
            await probe.close()
        nobody = PortProbe("127.0.0.1", free_port)
        assert await nobody.here() is None
        await nobody.ask("http://127.0.0.1:1")  # what nobody serves says nothing about a tunnel
        await nobody.close()

    run(scene())
