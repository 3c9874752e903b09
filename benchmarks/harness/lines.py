"""A caller's end of a WebSocket, in either dialect, over a bare socket and with little work a frame.

Every message is made before the clock starts, masked with a key of zeros (RFC 6455 §5.3 leaves the
choice to the client), and what comes back is kept as bytes and read when all is over.
"""

from __future__ import annotations

import base64
import contextlib
import json
import selectors
import socket
import struct
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from rtstream.media.g711 import ulaw_encode

from .sound import Samples

STEP = 0.02


def masked(text: str) -> bytes:
    """A text message as a client sends it (RFC 6455 §5.2), masked with zeros."""
    data = text.encode()
    if len(data) < 126:
        return struct.pack("!BB", 0x81, 0x80 | len(data)) + bytes(4) + data
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(data)) + bytes(4) + data


def payloads(samples: Samples, rate: int) -> list[str]:
    """Sound, 20 ms a piece, as mu-law in base64."""
    coded = ulaw_encode(samples)
    size = round(rate * STEP)
    return [base64.b64encode(coded[at : at + size]).decode() for at in range(0, len(coded), size)]


class Line:
    """One call: its socket, what was sent when, and what came when.

    Args:
        port: of the server, on this machine.
        said: the payloads, of 20 ms each, that `speak` sends one after another, and then again.
        offset: with which of them it begins.
    """

    path: str
    rate: int  # of what is said
    rate_back: int  # of what comes back

    def __init__(self, port: int, said: Sequence[str], offset: int = 0) -> None:
        self.id = uuid.uuid4().hex
        self.offset = offset
        self.sent: list[float] = []
        self.came: list[tuple[float, bytes]] = []
        self.gone = False
        self.frames = [masked(self.media(payload)) for payload in said]
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._shake_hands(port)
        for message in self.greeting():
            self.socket.sendall(masked(json.dumps(message)))
        self.socket.setblocking(False)

    def greeting(self) -> list[dict[str, Any]]:
        """What is said before any sound."""
        raise NotImplementedError

    def media(self, payload: str) -> str:
        """The message with a piece of sound."""
        raise NotImplementedError

    def _shake_hands(self, port: int) -> None:
        key = base64.b64encode(uuid.uuid4().bytes).decode()
        self.socket.sendall(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            if not (more := self.socket.recv(1)):
                raise ConnectionError(f"no WebSocket: {answer[:200]!r}")
            answer += more
        if b" 101 " not in answer.partition(b"\r\n")[0]:
            raise ConnectionError(f"no WebSocket: {answer[:200]!r}")

    def speak(self, now: float) -> None:
        """Send the next 20 ms."""
        frame = self.frames[(self.offset + len(self.sent)) % len(self.frames)]
        self.sent.append(now)
        try:
            if self.socket.send(frame) != len(frame):
                self.gone = True  # the server does not read any more: the call is lost
        except OSError:
            self.gone = True

    def listen(self, now: float) -> None:
        """Keep what has come."""
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.came.append((now, data))
        else:
            self.gone = True

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.setblocking(True)
            self.socket.sendall(masked(json.dumps({"event": "stop", "streamSid": self.id})))
        self.socket.close()

    def messages(self) -> Iterator[tuple[float, bytes]]:
        """`(when it was whole, payload)` of each text message that came; for afterwards."""
        buffer = b""
        for at, data in self.came:
            buffer += data
            while len(buffer) >= 2:
                size, begin = buffer[1] & 0x7F, 2
                if size == 126 and len(buffer) >= 4:
                    size, begin = struct.unpack_from("!H", buffer, 2)[0], 4
                elif size == 126:
                    break
                if len(buffer) < begin + size:
                    break
                if buffer[0] & 0x0F == 1:
                    yield at, buffer[begin : begin + size]
                buffer = buffer[begin + size :]


class Telephone(Line):
    """A carrier: Twilio's media stream."""

    path = "/telephone/handler"
    rate = rate_back = 8000

    def greeting(self) -> list[dict[str, Any]]:
        start = {"streamSid": self.id, "callSid": self.id, "tracks": ["inbound"]}
        said = {"event": "start", "streamSid": self.id, "websocket_id": self.id, "start": start}
        return [{"event": "connected", "protocol": "Call", "version": "1.0.0"}, said]

    def media(self, payload: str) -> str:
        track = f'{{"track":"inbound","payload":"{payload}"}}'
        return f'{{"event":"media","streamSid":"{self.id}","media":{track}}}'


class Program(Line):
    """A program: FastRTC's dialect, at the usual rates of its handlers."""

    path = "/websocket/offer"
    rate = 48000
    rate_back = 24000

    def greeting(self) -> list[dict[str, Any]]:
        return [{"event": "start", "websocket_id": self.id}]

    def media(self, payload: str) -> str:
        return f'{{"event":"media","media":{{"payload":"{payload}"}}}}'


def talk(lines: Sequence[Line], seconds: float) -> None:
    """Let each line say a frame every 20 ms, their phases spread evenly, and listen in between."""
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
        begin, spread = time.monotonic(), STEP / len(lines)
        for turn in range(round(seconds / STEP)):
            for number, line in enumerate(lines):
                due = begin + turn * STEP + number * spread
                while (left := due - time.monotonic()) > 0:
                    _listen(selector, left)
                if not line.gone:
                    line.speak(time.monotonic())
            _listen(selector, 0)


def _listen(selector: selectors.BaseSelector, seconds: float) -> None:
    for key, _ in selector.select(seconds):
        key.data.listen(time.monotonic())
        if key.data.gone:
            selector.unregister(key.fileobj)
