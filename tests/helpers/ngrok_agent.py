#!/usr/bin/env python3
"""A stand-in for ngrok's agent: its arguments, log lines and local API, and it truly forwards.

Run as a program by pyngrok. Taken from what pyngrok 7 to 9 ask of the agent (`/api/tunnels` and
`/api/endpoints`) and from ngrok's documentation of its log format. `STAND_IN_NGROK` chooses how it behaves:
"silent" says nothing, "wants TOKEN" refuses another token than that.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def log(**fields: str) -> None:
    pairs = (f'{name}="{value}"' if " " in value else f"{name}={value}" for name, value in fields.items())
    sys.stdout.write(f"t=2026-01-01T00:00:00+0000 {' '.join(pairs)}\n")
    sys.stdout.flush()


class Agent:
    """Tunnels by name, each a port of 127.0.0.1 that leads to its upstream."""

    def __init__(self) -> None:
        self.tunnels: dict[str, dict[str, Any]] = {}
        self.servers: dict[str, asyncio.Server] = {}

    async def api(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split("\r\n")[0].split()
        found = re.search(r"content-length: *(\d+)", head, re.I)
        length = int(found[1]) if found else 0
        body = json.loads(await reader.readexactly(length)) if length else {}
        status, answer = await self.answer(method, path, body)
        text = json.dumps(answer).encode() if answer is not None else b""
        kind = "Content-Type: application/json\r\n" if text else ""
        head = f"HTTP/1.1 {status}\r\n{kind}Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + text)
        with suppress(OSError):
            await writer.drain()
        writer.close()

    async def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[str, Any]:
        _, kind, *name = path.removeprefix("/api").split("/")
        if method == "POST":
            return "201 Created", await self.open(body)
        if method == "DELETE":
            known = self.servers.pop(name[0], None)
            if known is None:
                return "404 Not Found", {"msg": "no such tunnel"}
            known.close()
            del self.tunnels[name[0]]
            return "204 No Content", None
        if name:
            return "200 OK", self.tunnels[name[0]]
        return "200 OK", {kind: list(self.tunnels.values())}

    async def open(self, body: dict[str, Any]) -> dict[str, Any]:
        upstream = body.get("upstream", {}).get("url") or body["addr"]
        to = urlsplit(upstream if "://" in upstream else f"http://{upstream}")

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(to.hostname, to.port)
            await asyncio.gather(copy(reader, back), copy(there, writer))

        server = await asyncio.start_server(forward, "127.0.0.1", 0)
        name = body["name"]
        self.servers[name] = server
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.tunnels[name] = {
            "name": name,
            "id": name,
            "uri": f"/api/endpoints/{name}",
            "public_url": url,
            "url": url,
            "proto": "http",
            "config": {"addr": upstream, "inspect": True},
            "upstream": {"url": upstream},
        }
        return self.tunnels[name]


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def main() -> int:
    mood = os.environ.get("STAND_IN_NGROK", "")
    Path(__file__).with_name("argv").write_text(" ".join(sys.argv[1:]))
    if mood == "silent":
        await asyncio.sleep(3600)
    token = os.environ.get("NGROK_AUTHTOKEN", "")
    if mood.startswith("wants ") and token != mood.removeprefix("wants "):
        why = f"authentication failed: the authtoken {token} is not valid ERR_NGROK_107"
        log(lvl="eror", msg="failed to auth", err=why)
        return 1
    agent = Agent()
    api = await asyncio.start_server(agent.api, "127.0.0.1", 0)
    address = f"127.0.0.1:{api.sockets[0].getsockname()[1]}"
    log(lvl="info", msg="starting web service", obj="web", addr=address)
    log(lvl="info", msg="tunnel session started", obj="tunnels.session")
    log(lvl="info", msg="client session established", obj="csess", id="1")
    await asyncio.Event().wait()
    return 0


if __name__ == "__main__" and sys.argv[1:2] == ["start"]:
    sys.exit(asyncio.run(main()))
