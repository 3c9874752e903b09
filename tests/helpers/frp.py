"""A loopback server for the genuine frpc: what stands at Gradio's end of a tunnel, as far as frpc can tell.

Protocols: frp's messages (one byte of type, eight of length, JSON), inside yamux (hashicorp/yamux, spec.md);
after the login AES-128-CFB with PBKDF2 over an empty token, and snappy's framing on what is carried.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Self

import cramjam
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

DATA, WINDOW, PING = range(3)
SYN, ACK, FIN, RST = 1, 2, 4, 8
KEY = hashlib.pbkdf2_hmac("sha1", b"", b"frp", 64, 16)

Read = Callable[[int], Awaitable[bytes]]


class FrpServer:
    """Takes tunnels, each on a port of its own for the public.

    Attributes:
        address: what Gradio's `share_server_address` and `GRADIO_SHARE_SERVER_ADDRESS` take.
        logins: how often frpc has come.
        proxies: what it asked for, in frp's words.
        refuse: when not empty, what the next login is answered.
        mute: takes connections and says nothing.
    """

    def __init__(self) -> None:
        self.logins = 0
        self.proxies: list[dict[str, Any]] = []
        self.refuse = ""
        self.mute = False
        self.ports: dict[str, int] = {}  # by the proxy's name: who comes again gets its address again
        self.keep_ports = True
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._muxes: set[Mux] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @asynccontextmanager
    async def over_tls(self, context: ssl.SSLContext) -> Any:
        """A second port, with TLS behind frp's byte of announcement; gives its number."""
        loop, door = asyncio.get_running_loop(), socket.create_server(("127.0.0.1", 0))
        door.setblocking(False)

        async def accept() -> None:
            while True:
                line, _ = await loop.sock_accept(door)
                assert await loop.sock_recv(line, 1) == b"\x17"
                protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._take)
                await loop.connect_accepted_socket(lambda made=protocol: made, line, ssl=context)  # type: ignore[misc]

        accepting = asyncio.create_task(accept())
        try:
            yield door.getsockname()[1]
        finally:
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
            door.close()

    async def drop(self) -> None:
        """Hang up on every frpc."""
        for mux in list(self._muxes):
            mux.writer.close()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mux = Mux(reader, writer)
        self._muxes.add(mux)
        try:
            if self.mute:
                await reader.read()
                return
            async with asyncio.TaskGroup() as group:
                group.create_task(mux.run())
                group.create_task(self._control(mux))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._muxes.discard(mux)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _control(self, mux: Mux) -> None:
        control = await mux.accept()
        kind, _ = await receive(control.read)
        assert kind == "o", kind  # Login
        self.logins += 1
        await send(control.write, "1", {"version": "0.44.0", "run_id": "a-run", "error": self.refuse})
        if self.refuse:
            await receive(control.read)  # until it hangs up: whoever closes first may keep it from reading
            raise OSError
        line = Encrypted(control.read, control.write)
        async with AsyncExitStack() as open_ports:
            while True:
                kind, message = await receive(line.read)
                if kind == "p":  # NewProxy
                    self.proxies.append(message)
                    await open_ports.enter_async_context(self._proxy(mux, line, message))
                elif kind == "h":  # Ping
                    await send(line.write, "4", {})

    @asynccontextmanager
    async def _proxy(self, mux: Mux, line: Encrypted, wanted: dict[str, Any]) -> Any:
        """A public port, from which each connection goes through the tunnel."""
        given = wanted["proxy_name"]
        name = hashlib.sha256(given.encode()).hexdigest()[:18]  # so Gradio's frpc calls it from then on

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await send(line.write, "r", {})  # ReqWorkConn
            work = await mux.accept()
            kind, _ = await receive(work.read)
            assert kind == "w", kind  # NewWorkConn
            start = {"proxy_name": name, "src_addr": "127.0.0.1", "src_port": 1, "error": ""}
            await send(work.write, "s", start)
            await exchange(reader, writer, work)

        def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(forward(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        port = self.ports.get(given, 0) if self.keep_ports else 0
        server = await asyncio.start_server(taken, "127.0.0.1", port)
        self.ports[given] = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{self.ports[given]}"
        await send(line.write, "2", {"proxy_name": name, "remote_addr": url, "error": ""})
        try:
            yield
        finally:
            server.close()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, work: Channel) -> None:
    """Carry a connection both ways until either end has had enough."""
    inside = Encrypted(work.read, work.write)

    async def inward() -> None:
        while piece := await reader.read(16384):
            await inside.write(bytes(cramjam.snappy.compress(piece)))
        await work.close()

    async def outward() -> None:
        while True:
            kind, *length = await inside.read(4)
            writer.write(unpacked(kind, await inside.read(int.from_bytes(bytes(length), "little"))))
            await writer.drain()

    ways = [asyncio.create_task(inward()), asyncio.create_task(outward())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        with suppress(OSError):
            await work.close()
        writer.close()


def unpacked(kind: int, chunk: bytes) -> bytes:
    """What a chunk of snappy's framing carries (google/snappy, framing_format.txt)."""
    if kind == 0x00:
        return bytes(cramjam.snappy.decompress_raw(chunk[4:]))
    return chunk[4:] if kind == 0x01 else b""


async def send(write: Callable[[bytes], Awaitable[None]], kind: str, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    await write(kind.encode() + struct.pack(">q", len(body)) + body)


async def receive(read: Read) -> tuple[str, dict[str, Any]]:
    head = await read(9)
    length = struct.unpack(">q", head[1:])[0]
    return chr(head[0]), json.loads(await read(length))


class Encrypted:
    """frp's encryption over a channel: each direction opens with its initialisation vector."""

    def __init__(self, read: Read, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._read = read
        self._write = write
        self._decoder: Any = None
        self._encoder: Any = None

    async def read(self, count: int) -> bytes:
        if self._decoder is None:
            self._decoder = Cipher(algorithms.AES(KEY), CFB(await self._read(16))).decryptor()
        return bytes(self._decoder.update(await self._read(count)))

    async def write(self, data: bytes) -> None:
        head = b""
        if self._encoder is None:
            head = os.urandom(16)
            self._encoder = Cipher(algorithms.AES(KEY), CFB(head)).encryptor()
        await self._write(head + self._encoder.update(data))


class Mux:
    """One yamux session, of which we are the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._channels: dict[int, Channel] = {}
        self._opened: asyncio.Queue[Channel] = asyncio.Queue()

    async def accept(self) -> Channel:
        """The next channel that frpc opens."""
        return await self._opened.get()

    def frame(self, kind: int, flags: int, id: int, length: int, body: bytes = b"") -> None:
        self.writer.write(struct.pack(">BBHII", 0, kind, flags, id, length) + body)

    async def run(self) -> None:
        try:
            while True:
                head = await self.reader.readexactly(12)
                _, kind, flags, id, length = struct.unpack(">BBHII", head)
                await self._obey(kind, flags, id, length)
        finally:
            for channel in self._channels.values():
                channel.inbox.feed_eof()

    async def _obey(self, kind: int, flags: int, id: int, length: int) -> None:
        if kind == PING:
            if flags & SYN:
                self.frame(PING, ACK, 0, length)
            return
        if flags & SYN:
            channel = self._channels[id] = Channel(self, id)
            self.frame(WINDOW, ACK, id, 0)
            self._opened.put_nowait(channel)
        body = await self.reader.readexactly(length) if kind == DATA else b""
        if (known := self._channels.get(id)) is not None:
            known.take(body, length if kind == WINDOW else 0)
            if flags & (FIN | RST):
                known.inbox.feed_eof()
                del self._channels[id]


class Channel:
    """One stream of a yamux session."""

    def __init__(self, mux: Mux, id: int) -> None:
        self._mux = mux
        self.id = id
        self.window = 256 * 1024
        self.moved = asyncio.Event()
        self.inbox = asyncio.StreamReader()
        self._closed = False

    def take(self, body: bytes, more_window: int) -> None:
        """Take what came: data, or leave to send more."""
        if body:
            self.inbox.feed_data(body)
            self._mux.frame(WINDOW, 0, self.id, len(body))
        self.window += more_window
        self.moved.set()

    async def read(self, count: int) -> bytes:
        return await self.inbox.readexactly(count)

    async def write(self, data: bytes) -> None:
        while data:
            while self.window == 0:
                self.moved.clear()
                await self.moved.wait()
            piece, data = data[: self.window], data[self.window :]
            self.window -= len(piece)
            self._mux.frame(DATA, 0, self.id, len(piece), piece)
        await self._mux.writer.drain()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._mux.frame(DATA, FIN, self.id, 0)
