"""Callers over WebSockets: FastRTC's own dialect, and a telephone carrier's."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from rtstream.media.g711 import ulaw_decode, ulaw_encode
from tests.unit.signals import tone

from .server import Server, until


class SocketCaller:
    """One client: what it is sent lies in `messages`, the sound of it in `sound`."""

    def __init__(self, websocket: ClientConnection, id: str, *, phone: bool, rate: int) -> None:
        self.websocket = websocket
        self.id = id
        self.phone = phone
        self.rate = rate
        self.messages: list[dict[str, Any]] = []
        self.reading = asyncio.create_task(self._read())

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self.websocket.send(json.dumps(message))

    async def start(self) -> None:
        """Say who calls."""
        if self.phone:
            await self.send(event="connected", protocol="Call", version="1.0.0")
            await self.send(
                event="start", sequenceNumber="1", start={"streamSid": self.id}, streamSid=self.id
            )
        else:
            await self.send(event="start", websocket_id=self.id)

    def spoken(self, samples: NDArray[np.int16]) -> str:
        """The message that carries a piece of sound."""
        payload = base64.b64encode(ulaw_encode(samples)).decode()
        if not self.phone:
            return json.dumps({"event": "media", "media": {"payload": payload}})
        media = {"track": "inbound", "payload": payload}
        return json.dumps({"event": "media", "media": media, "streamSid": self.id})

    async def say(self, samples: NDArray[np.int16]) -> None:
        """Send 20 ms of sound."""
        await self.websocket.send(self.spoken(samples))

    async def talk(self, seconds: float, hertz: float = 440.0) -> None:
        """Send a sine in real time."""
        loop = asyncio.get_running_loop()
        begun, size = loop.time(), self.rate // 50
        whole = tone(hertz, seconds, self.rate)
        for number in range(whole.size // size):
            await asyncio.sleep(max(0.0, begun + number * 0.02 - loop.time()))
            await self.say(whole[number * size : (number + 1) * size])

    @property
    def sound(self) -> NDArray[np.int16]:
        """All sound that came, `(n,)`."""
        coded = [m["media"]["payload"] for m in self.messages if m.get("event") == "media"]
        return ulaw_decode(b"".join(base64.b64decode(payload) for payload in coded))

    async def hears(self, seconds: float, rate: int | None = None) -> NDArray[np.int16]:
        """Wait until so many seconds of sound have come, and return all."""
        await until(lambda: self.sound.size >= seconds * (rate or self.rate))
        return self.sound

    async def told(self, key: str, value: str) -> dict[str, Any]:
        """Wait for a message in which the key has that value, and return the first one."""
        await until(lambda: any(message.get(key) == value for message in self.messages))
        return next(message for message in self.messages if message.get(key) == value)

    async def closed(self) -> tuple[int, str]:
        """Wait until the server has closed; returns the code and the reason."""
        await self.reading
        await self.websocket.wait_closed()
        return self.websocket.close_code or 0, self.websocket.close_reason or ""

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self.websocket:
                self.messages.append(json.loads(text))


@asynccontextmanager
async def socket_caller(
    server: Server,
    *,
    phone: bool = False,
    rate: int | None = None,
    id: str | None = None,
    compression: str | None = "deflate",
) -> AsyncIterator[SocketCaller]:
    """A client whose socket is open and that has not said who it is."""
    route = "/telephone/handler" if phone else "/websocket/offer"
    async with server.dial(route, compression=compression) as websocket:
        client = SocketCaller(
            websocket, id or uuid.uuid4().hex, phone=phone, rate=rate or (8000 if phone else 48000)
        )
        try:
            yield client
        finally:
            await websocket.close()
            await client.reading


@dataclass
class Closed:
    """How a socket ended: the server's close code and reason, and all that it had said."""

    code: int = 0
    reason: str = ""
    said: list[str] = field(default_factory=list)


async def spoken_to(app: FastAPI, route: str, texts: Sequence[str | bytes]) -> Closed:
    """Say the texts on a socket made of queues, then leave."""
    coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    coming.put_nowait({"type": "websocket.connect"})
    for text in texts:
        coming.put_nowait({"type": "websocket.receive", "text" if isinstance(text, str) else "bytes": text})
    coming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    closed = Closed()

    async def send(message: Any) -> None:
        if message["type"] == "websocket.close":
            closed.code, closed.reason = message["code"], message.get("reason") or ""
        elif message["type"] == "websocket.send":
            closed.said.append(message["text"])

    scope = {
        "type": "websocket",
        "path": route,
        "raw_path": route.encode(),
        "query_string": b"",
        "headers": [],
    }
    await app({**scope, "subprotocols": []}, coming.get, send)
    return closed
