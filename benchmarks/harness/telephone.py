"""Telephone carriers, many at once: Twilio's media stream over bare sockets, with little work a frame.

Every message is made before the clock starts, masked with a key of zeros (RFC 6455 §5.3 leaves the
choice to the client), and what comes back is kept as bytes and read when all is over. So the callers
need a fraction of a core where the server needs a whole one.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import json
import selectors
import socket
import struct
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from rtstream.media.g711 import ulaw_decode, ulaw_encode

from . import sound
from .processes import Program
from .report import middle

STEP = 0.02
FRAMES = sound.SECONDS * 50
PATH = "/telephone/handler"
LONGEST_DELAY = 8.0
TAIL = 0.8  # bursts sent in the last seconds may still be on their way


def masked(text: str) -> bytes:
    """A text message as a client sends it (RFC 6455 §5.2), masked with zeros."""
    data = text.encode()
    if len(data) < 126:
        return struct.pack("!BB", 0x81, 0x80 | len(data)) + bytes(4) + data
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(data)) + bytes(4) + data


@lru_cache
def payloads() -> list[str]:
    """The scene, 20 ms a piece, as mu-law in base64."""
    coded = ulaw_encode(sound.scene())
    size = int(sound.RATE * STEP)
    return [base64.b64encode(coded[at : at + size]).decode() for at in range(0, len(coded), size)]


class Caller:
    """One call: its socket, what was sent when, and what came when."""

    def __init__(self, port: int, offset: int = 0) -> None:
        self.id = uuid.uuid4().hex
        self.offset = offset
        self.sent: list[float] = []
        self.came: list[tuple[float, bytes]] = []
        self.gone = False
        head = f'{{"event":"media","streamSid":"{self.id}","media":{{"track":"inbound","payload":"'
        self.frames = [masked(f'{head}{payload}"}}}}') for payload in payloads()]
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._greet(port)
        self.socket.setblocking(False)

    def _greet(self, port: int) -> None:
        key = base64.b64encode(uuid.uuid4().bytes).decode()
        self.socket.sendall(
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            if not (more := self.socket.recv(1)):
                raise ConnectionError(f"no WebSocket: {answer[:200]!r}")
            answer += more
        if b" 101 " not in answer.partition(b"\r\n")[0]:
            raise ConnectionError(f"no WebSocket: {answer[:200]!r}")
        start = {"streamSid": self.id, "callSid": self.id, "tracks": ["inbound"]}
        said = {"event": "start", "streamSid": self.id, "websocket_id": self.id, "start": start}
        self.socket.sendall(
            masked(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        )
        self.socket.sendall(masked(json.dumps(said)))

    def speak(self, now: float) -> None:
        """Send the next 20 ms."""
        frame = self.frames[(self.offset + len(self.sent)) % FRAMES]
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

    # Afterwards.

    def messages(self) -> Iterator[tuple[float, bytes]]:
        """`(when it was whole, payload)` of each text message that came."""
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

    def heard(self) -> tuple[sound.Samples, np.ndarray]:
        """The sound that came back at 8 kHz, and when each sample did."""
        pieces, times = [], []
        for at, text in self.messages():
            said = json.loads(text)
            if said.get("event") == "media":
                piece = ulaw_decode(base64.b64decode(said["media"]["payload"]))
                pieces.append(piece)
                times.append(at + np.arange(piece.size) / sound.RATE)
        if not pieces:
            return np.zeros(0, np.int16), np.zeros(0)
        return np.concatenate(pieces), np.maximum.accumulate(np.concatenate(times))

    def bursts(self, since: float) -> list[tuple[int, float]]:
        """The bursts that were sent from `since` on, and not in the last moment."""
        out = []
        for count, at in enumerate(self.sent):
            second, within = divmod((self.offset + count) % FRAMES, 50)
            if within == round(sound.BURST_AT / STEP) and since <= at < self.sent[-1] - TAIL:
                out.append((second, at))
        return out


@dataclass
class Load:
    """What a number of calls cost, and how they went."""

    calls: int
    cores: float  # that the server took
    callers: float  # cores that the callers took
    memory: float  # KiB a call
    threads: int
    delays: list[float] = field(default_factory=list)
    missed: int = 0
    delivered: float = 0.0  # of the seconds sent, how many came back
    lost: int = 0  # calls that broke

    @property
    def cpu(self) -> float:
        """Seconds of the server's CPU for each second of sound that came back."""
        return self.cores / self.calls / min(1.0, self.delivered) if self.delivered > 0.01 else float("inf")

    @property
    def p50(self) -> float:
        return middle(self.delays)

    @property
    def p99(self) -> float:
        return float(np.percentile(self.delays, 99)) if self.delays else float("inf")

    def holds(self, limit: float = 0.2) -> bool:
        """Whether all calls were well: p99 of the round trip, bursts and sound lost."""
        share = self.missed / max(1, self.missed + len(self.delays))
        return not self.lost and self.p99 <= limit and share <= 0.02 and self.delivered >= 0.97


def place(server: Program, calls: int, warmup: float, seconds: float) -> Load:
    """Hold so many calls at once; what counts are the `seconds` after the `warmup`."""
    idle = server.memory()
    callers = [Caller(server.port, offset=37 * n % FRAMES) for n in range(calls)]
    gc.disable()
    _talk(callers, warmup)
    since, cpu, own = time.monotonic(), server.cpu(), time.process_time()
    _talk(callers, seconds)
    took = time.monotonic() - since
    cpu, own = server.cpu() - cpu, time.process_time() - own
    load = Load(calls, cpu / took, own / took, (server.memory() - idle) / calls, server.threads())
    gc.enable()
    for caller in callers:
        load.lost += caller.gone
        caller.hang_up()
        samples, times = caller.heard()
        found = sound.find(samples, times, caller.bursts(since), LONGEST_DELAY)
        load.delays += found.delays
        load.missed += found.missed
        load.delivered += float((times >= since).sum()) / sound.RATE / took / calls
    return load


def _talk(callers: list[Caller], seconds: float) -> None:
    """Let each caller say a frame every 20 ms, their phases spread evenly, and listen in between."""
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller.socket, selectors.EVENT_READ, caller)
        begin, spread = time.monotonic(), STEP / len(callers)
        for turn in range(round(seconds / STEP)):
            for number, caller in enumerate(callers):
                due = begin + turn * STEP + number * spread
                while (left := due - time.monotonic()) > 0:
                    _listen(selector, left)
                if not caller.gone:
                    caller.speak(time.monotonic())
            _listen(selector, 0)


def _listen(selector: selectors.BaseSelector, seconds: float) -> None:
    for key, _ in selector.select(seconds):
        key.data.listen(time.monotonic())
        if key.data.gone:
            selector.unregister(key.fileobj)
