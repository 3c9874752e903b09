"""The inside of uvicorn: WebSockets whose messages are handed on in the moment in which they are read."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.websockets import WebSocket

from .private_names import Check, Feature, known, reads
from .shared_reader import SharedReader, another, reader_here
from .websocket_frames import Frames, Said, framed
from .websocket_way import Way

MODULE = "uvicorn.protocols.websockets.websockets_sansio_impl"
MOST_READ = 1 << 16  # bytes that are read at once

WOKEN = {"type": "websocket.receive", "text": ""}  # is known by being the same object

Take = Callable[["Direct", Said], None]


def _protocol() -> Any:
    return sys.modules[MODULE].WebSocketsSansIOProtocol


def _hands_on(it: Any, name: str) -> bool:
    return callable(getattr(it, name)) and reads(it.handle_events, name)


def _sends(it: Any, name: str) -> bool:
    return reads(it.send, name)


def _between_frames(connection: Any) -> bool:
    """Whether the library waits for a frame to begin, and has no part of one."""
    waiting = connection.parser
    while waiting.gi_yieldfrom is not None:
        waiting = waiting.gi_yieldfrom
    return bool(waiting.gi_code.co_name == "at_eof")


def _tells_of_parts() -> bool:
    from websockets.protocol import SERVER, Protocol

    connection = Protocol(SERVER)
    before = _between_frames(connection)
    connection.receive_data(b"\x81")
    return before and not _between_frames(connection)


_NAMES: dict[str, Check] = {
    "WebSocket._receive": lambda it, name: reads(WebSocket.receive, name),
    "WebSocketsSansIOProtocol.handle_text": _hands_on,
    "WebSocketsSansIOProtocol.handle_bytes": _hands_on,
    "WebSocketsSansIOProtocol.receive": lambda it, name: reads(getattr(it, name), "queue", "read_paused"),
    "WebSocketsSansIOProtocol.conn": _sends,
    "Protocol.parser": lambda it, name: _tells_of_parts(),
    "WebSocketsSansIOProtocol.transport": _sends,
    "WebSocketsSansIOProtocol.writable": _sends,
    "WebSocketsSansIOProtocol.close_sent": _sends,
}
SOCKETS = Feature(
    "each message of a WebSocket goes through uvicorn's queue and wakes a task", _NAMES, _protocol
)


class Direct(Way):
    """One WebSocket, past uvicorn's queue.

    For each message uvicorn stops to read the socket, fills a queue, wakes the app's task, and begins to
    read again. Here a message is given to `take` when it is read, and one that is sent is written at once.
    The sockets of many calls are read together (`SharedReader`), except those of TLS, whose bytes only
    asyncio reads. Messages of one plain frame are cut out here, unless the client has agreed on an extension
    such as compression; all other frames are for the library that uvicorn has for them.

    What is no whole message goes uvicorn's way, and so does all while the app's task does not wait for its
    `next` message.
    """

    def __init__(self, websocket: WebSocket, protocol: Any, take: Take) -> None:
        super().__init__(websocket)
        self._protocol, self._take = protocol, take
        self._connection, self._transport = protocol.conn, protocol.transport
        self._text, self._bytes = protocol.handle_text, protocol.handle_bytes
        self._plain = not self._connection.extensions
        self._frames = Frames() if self._plain else None
        self._listens = False
        self._socket = _readable(self._transport)
        self._reader: SharedReader | None = None  # while it reads the socket
        protocol.handle_text, protocol.handle_bytes = self._heard_text, self._heard_bytes

    def next(self) -> Awaitable[Any]:
        """The next message for the task of the app; those before it are given to `take`."""
        self._listen()
        return super().next()

    def _listen(self) -> None:
        """Give messages to `take` from now on, or once all before them are taken from uvicorn's queue."""
        if self._listens or self._transport.is_closing() or not self._protocol.queue.empty():
            return  # with the last of its queue uvicorn begins to read again, and nobody may read beside it
        self._listens = True
        if not _between_frames(self._connection):
            self._frames = None  # the library has begun one, and will have the rest of it
        if self._socket is not None and (reader := reader_here()) is not None:
            self._transport.pause_reading()
            reader.add(self._socket, self._read)
            self._reader, self.then = reader, reader.then
            self._came(b"")  # what was there when it stopped to listen

    def wake(self) -> None:
        """Let the app's task go on, with `WOKEN` for its next message, and listen no more."""
        self._stop_listening()
        self._protocol.queue.put_nowait(WOKEN)

    def send(self, said: Said) -> None:
        """Write a message, unless the far end is gone."""
        if self._protocol.close_sent or self._transport.is_closing():
            return
        if self._plain:
            self._transport.write(framed(said))
            return
        if isinstance(said, str):
            self._connection.send_text(said.encode())
        else:
            self._connection.send_binary(said)
        self._transport.write(b"".join(self._connection.data_to_send()))

    def room(self) -> Awaitable[Any] | None:
        """What to wait for while the far end reads too slowly; None if it does not."""
        writable: asyncio.Event = self._protocol.writable
        return None if writable.is_set() else writable.wait()

    async def close(self, code: int, why: str) -> None:
        """Close the WebSocket when all that is to be said by now has been written."""
        done = asyncio.Event()
        self.then(done.set)
        await done.wait()
        await super().close(code, why)

    def release(self) -> None:
        """Leave everything to uvicorn again."""
        self._protocol.handle_text, self._protocol.handle_bytes = self._text, self._bytes
        self._give_back()
        if self._socket is not None:
            self._socket.close()

    def _stop_listening(self) -> None:
        self._listens = False
        if self._reader is not None and self._socket is not None:
            self._reader.remove(self._socket)
            self._reader = None

    def _give_back(self) -> None:
        """Let uvicorn read the socket, and what has been read of it."""
        self._stop_listening()
        if self._socket is not None and not self._transport.is_closing():
            self._to_library()
            if not self._protocol.read_paused:  # else it begins itself, once the app has taken what there is
                self._transport.resume_reading()

    def _to_library(self) -> None:
        frames, self._frames = self._frames, None
        if frames is not None and (rest := frames.rest()):
            self._protocol.data_received(rest)

    def _read(self) -> None:
        assert self._reader is not None and self._socket is not None
        try:
            data = self._socket.recv(MOST_READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._reader.later(self._came, data)
        else:
            self._give_back()  # asyncio finds out itself that it has ended, and how

    def _came(self, data: bytes) -> None:
        frames = self._frames
        if frames is None:
            if data:
                self._protocol.data_received(data)
            return
        frames.add(data)
        while self._listens and (cut := frames.next()) is not None:
            said, rest = cut
            if said is not None:
                self.then(self._take, self, said)
            else:
                if not frames.plain:
                    self._frames = None
                self._protocol.data_received(rest)

    def _heard_text(self, frame: Any) -> None:
        try:
            said = str(frame.data, "utf-8") if frame.fin else ""
        except UnicodeDecodeError:
            said = ""  # uvicorn refuses it
        self._heard(frame, said, self._text)

    def _heard_bytes(self, frame: Any) -> None:
        self._heard(frame, bytes(frame.data) if frame.fin else b"", self._bytes)

    def _heard(self, frame: Any, said: Said, otherwise: Callable[[Any], None]) -> None:
        if said and self._listens and self._protocol.queue.empty():
            return self.then(self._take, self, said)
        self._give_back()
        otherwise(frame)


def direct(websocket: WebSocket, take: Take) -> Direct | None:
    """The way past uvicorn's queue.

    Args:
        take: is given the way and each message, the text or the bytes of it.

    Returns:
        None where the server is another, where something stands between it and the app, or where uvicorn is
        not as it is known.
    """
    if MODULE not in sys.modules or not known(SOCKETS):
        return None
    protocol = getattr(getattr(websocket, "_receive", None), "__self__", None)
    if type(protocol) is not _protocol():
        return None
    return Direct(websocket, protocol, take)


def _readable(transport: Any) -> socket.socket | None:
    """A socket of our own on that of a transport, if its bytes are those of the WebSocket."""
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("sslcontext") is not None or not hasattr(select, "epoll"):
        return None
    try:
        return another(sock)
    except OSError:  # this process has no more of them: asyncio reads on
        return None
