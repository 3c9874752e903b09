"""Behind nginx with the lines of docs/deploying.md: every transport, over TLS."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from websockets.asyncio.client import connect

from rtstream import AdditionalOutputs, Stream
from tests.conftest import REPOSITORY, run
from tests.helpers.certificates import loopback_certificate
from tests.helpers.handlers import AsyncEcho, Saying
from tests.helpers.server import Server, serving, until
from tests.helpers.sockets import SocketCaller
from tests.helpers.webrtc import caller

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(NGINX is None, reason="Debian's nginx is not installed"),
]

AROUND = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{told}
}}
"""


def documented(backend: str, port: int) -> str:
    """The configuration of the documentation, for these two ports of this machine."""
    text = (REPOSITORY / "docs" / "deploying.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- nginx -->\n```nginx\n(.*?)```", text, re.S)
    assert found
    told = found[1]
    for theirs, ours in {"listen 443": f"listen 127.0.0.1:{port}", "http://127.0.0.1:8000": backend}.items():
        assert theirs in told
        told = told.replace(theirs, ours)
    return told


@asynccontextmanager
async def behind_nginx(
    stream: Stream, app: FastAPI, folder: Path, port: int
) -> AsyncIterator[tuple[Server, ssl.SSLContext]]:
    """The stream under /voice behind nginx, as the outside reaches it, and what trusts its certificate."""
    _, certificate = loopback_certificate(folder)
    trust = ssl.create_default_context(cadata=certificate)
    async with serving(stream, "/voice", app) as server:
        config = folder / "nginx.conf"
        told = documented(str(server.http.base_url).rstrip("/"), port)
        config.write_text(AROUND.format(folder=folder, told=told), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(str(NGINX), "-p", str(folder), "-c", str(config))
        try:
            url = f"https://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=url, verify=trust, trust_env=False, timeout=20) as http:
                async with asyncio.timeout(10):
                    while True:
                        with suppress(httpx.ConnectError):
                            await http.get("/")
                            break
                        assert process.returncode is None, (folder / "error.log").read_text()
                        await asyncio.sleep(0.02)
                yield Server(app, stream, http, "/voice"), trust
                await stream.sessions.close_all()
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


def mounted(stream: Stream) -> FastAPI:
    app = FastAPI()
    stream.mount(app, "/voice")

    @app.get("/outputs")
    async def outputs(webrtc_id: str) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            async for out in stream.output_stream(webrtc_id):
                yield f"data: {out.args[0]}\n\n"

        unheld = {"X-Accel-Buffering": "no"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=unheld)

    return app


def test_browsers_programs_and_carriers_come_through_the_documented_proxy(
    tmp_path: Path, free_port: int
) -> None:
    async def spoken(url: str, trust: ssl.SSLContext, phone: bool) -> None:
        async with connect(url, ssl=trust, proxy=None) as socket:
            line = SocketCaller(socket, "a-call", phone=phone, rate=8000 if phone else 48000)
            await line.start()
            await line.talk(0.3)
            await line.hears(0.1)
            await socket.close()
            await line.reading

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", concurrency_limit=3)
        async with behind_nginx(stream, mounted(stream), tmp_path, free_port) as (server, trust):
            async with caller(server) as browser:
                await browser.call()
                await browser.hears(0.1)
            await spoken(server.url("/websocket/offer", "wss"), trust, phone=False)
            answer = await server.post(
                "/telephone/incoming", data={"CallSid": "CA1", "From": "+1", "To": "+2"}
            )
            told = re.search(r'url="([^"]+)"', answer.text)
            assert told and told[1].startswith(server.url("/telephone/handler/", "wss"))
            await spoken(told[1], trust, phone=True)
            await server.empty()

    run(main(), timeout=40)


def test_outputs_come_through_while_the_call_lives(tmp_path: Path, free_port: int) -> None:
    async def main() -> None:
        said = Saying(*(AdditionalOutputs(number) for number in range(3)))
        stream = Stream(said, modality="audio")
        async with behind_nginx(stream, mounted(stream), tmp_path, free_port) as (server, trust):
            async with connect(server.url("/websocket/offer", "wss"), ssl=trust, proxy=None) as socket:
                line = SocketCaller(socket, "a-call", phone=False, rate=48000)
                await line.start()
                await until(lambda: "a-call" in stream.sessions)
                async with server.http.stream("GET", "/outputs", params={"webrtc_id": "a-call"}) as response:
                    lines = response.aiter_lines()
                    read = [each for each in [await anext(lines) for _ in range(5)] if each]
                assert read == ["data: 0", "data: 1", "data: 2"] and "a-call" in stream.sessions
                await socket.close()
                await line.reading

    run(main(), timeout=40)
