"""A telephone of the tests' own: SIP over UDP or TCP, and sound over plain RTP, on 127.0.0.1."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtstream import Stream
from rtstream.media.frames import FRAME_SECONDS, AudioFrame
from rtstream.phone.sip import SipPhone
from rtstream.rtp.codecs import EVENTS, Codec
from rtstream.rtp.keys import payload
from rtstream.rtp.packet import parse
from rtstream.rtp.receiver import AudioReceiver
from rtstream.rtp.sender import AudioSender
from rtstream.sip.framing import Framer
from rtstream.transports.rtp_sockets import bound, listening
from tests.helpers.server import until
from tests.helpers.sip_messages import Asking
from tests.unit.signals import pieces

HOST = "127.0.0.1"
CODECS = {
    "PCMU": Codec("PCMU", 0, 8000),
    "PCMA": Codec("PCMA", 8, 8000),
    "G722": Codec("G722", 9, 8000),
    "opus": Codec("opus", 96, 48_000),
}


@asynccontextmanager
async def telephone(stream: Stream, password: str = "") -> AsyncIterator[SipPhone]:
    """The stream at a SIP address of 127.0.0.1, closed when the block ends."""
    phone = SipPhone(stream, password)
    await phone.open(HOST, 0)
    try:
        yield phone
    finally:
        await phone.close()
    assert len(stream.sessions) == 0


class SipCaller:
    """One telephone. `answers` and `requests` are what was said to it; it answers each request with 200."""

    asking: Asking
    transport: str
    rtp: asyncio.DatagramTransport
    rtp_port: int

    def __init__(self, codec: str, keys: bool) -> None:
        self.has_keys = keys
        self.answers: list[str] = []
        self.requests: list[str] = []
        self.pressed: list[str] = []
        self.packets = 0
        self.gone = False
        self.silent = False  # it answers no request any more
        self.speak(codec)
        self._send: Callable[[bytes], None] = lambda data: None
        self._rtp_place: tuple[str, int] | None = None

    @classmethod
    @asynccontextmanager
    async def of(
        cls, phone: SipPhone, *, transport: str = "UDP", codec: str = "PCMU", keys: bool = True
    ) -> AsyncIterator[SipCaller]:
        """A telephone with its sockets open."""
        self = cls(codec, keys)
        rtp = bound(HOST, 0)
        self.rtp = await listening(rtp, self._rtp_came)
        self.rtp_port = int(rtp.getsockname()[1])
        if transport == "UDP":
            door = bound(HOST, 0)
            port = int(door.getsockname()[1])
            line = await listening(door, lambda data, _: self._message(data))
            self._send = lambda data: line.sendto(data, (HOST, phone.port))
            close = line.close
        else:
            connection, protocol = await asyncio.get_running_loop().create_connection(
                lambda: _Connected(self), HOST, phone.port
            )
            port = int(connection.get_extra_info("sockname")[1])
            self._send, close = connection.write, connection.close
        self.asking, self.transport = Asking(f"call-{port}", host=HOST, port=port), transport
        try:
            yield self
        finally:
            close()
            self.rtp.close()
            await asyncio.sleep(0)

    def speak(self, codec: str) -> None:
        """Speak and hear this codec from now on; what was heard before is forgotten."""
        self.codec = CODECS[codec]
        self.heard: list[AudioFrame] = []
        codecs = {self.codec.payload_type: self.codec, 101: Codec(EVENTS, 101, 8000)}
        self._receiver = AudioReceiver(codecs, 8000, pressed=self.pressed.append)
        self._sender = AudioSender(self.codec, 77, "caller")

    def offer(self, *, direction: str = "sendrecv", host: str = HOST, port: int | None = None) -> str:
        """The description of its sound."""
        number, name, clock_rate = self.codec.payload_type, self.codec.name, self.codec.clock_rate
        lines = ["v=0", f"o=caller 1 1 IN IP4 {HOST}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
        lines.append(f"m=audio {port or self.rtp_port} RTP/AVP {number}{' 101' if self.has_keys else ''}")
        lines.append(f"a=rtpmap:{number} {name}/{clock_rate}{'/2' if name == 'opus' else ''}")
        if self.has_keys:
            lines.append("a=rtpmap:101 telephone-event/8000")
        return "\n".join([*lines, f"a={direction}", ""])

    async def ask(self, method: str, body: str = "", **more: Any) -> str:
        """Send a request; its last answer."""
        self._send(self.asking.request(method, body, transport=self.transport, **more))
        # Those to the requests of another call are said again until they are acknowledged.
        own = f"CSeq: {self.asking.number} {method}\r\n", f"Call-ID: {self.asking.call_id}\r\n"

        def last() -> str:
            answers = (one for one in self.answers if not one.startswith("SIP/2.0 1"))
            return next((one for one in answers if all(line in one for line in own)), "")

        await until(last)
        return last()

    async def dial(self, body: str | None = None, answer: str = "", **more: Any) -> str:
        """Call, and acknowledge the answer; what it is."""
        told = await self.ask("INVITE", self.offer() if body is None else body, **more)
        self.asking.to_tag = re.findall(r"^To: .*tag=(.+)\r$", told, re.M)[0]
        self.acknowledge(answer)
        if found := re.search(r"^m=audio (\d+)", told, re.M):
            self._rtp_place = (HOST, int(found[1]))
        return told

    def acknowledge(self, body: str = "") -> None:
        self._send(
            self.asking.request("ACK", body, again=True, branch="z9hG4bKack", transport=self.transport)
        )

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._send(data)

    async def say(self, sound: AudioFrame) -> None:
        """Say something, in its time; where that is missed, it is no silence of the caller's."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for piece in pieces(sound):
            self.packet(self._sender.packet(piece, due) or b"")
            due += piece.duration
            await asyncio.sleep(due - loop.time())

    def packet(self, data: bytes) -> None:
        """Send a datagram to where its sound goes."""
        assert self._rtp_place is not None
        self.rtp.sendto(data, self._rtp_place)

    async def press(self, digits: str) -> None:
        """Press keys by RFC 4733."""
        for digit in digits:
            for step in range(1, 8):
                now = asyncio.get_running_loop().time()
                said = payload(digit, 160 * min(step, 5), end=step >= 5)
                self.packet(self._sender.key(101, said, now, begins=step == 1))
                await asyncio.sleep(FRAME_SECONDS / 2)

    @property
    def sound(self) -> NDArray[np.int16]:
        """All that was heard, in one channel."""
        return np.concatenate([np.zeros(0, np.int16), *(frame.samples[0] for frame in self.heard)])

    @property
    def rate(self) -> int:
        return self.heard[0].rate

    @property
    def hung_up(self) -> bool:
        return any(one.startswith("BYE") for one in self.requests)

    def _rtp_came(self, data: bytes, _: tuple[Any, ...]) -> None:
        if parse(data) is not None and not 192 <= data[1] <= 223:
            self.packets += 1
            self.heard += self._receiver.take(data, asyncio.get_running_loop().time())

    def _message(self, data: bytes) -> None:
        text = data.decode()
        if text.startswith("SIP/2.0"):
            self.answers.append(text)
            return
        self.requests.append(text)
        if not self.silent:
            kept = [
                line
                for line in text.split("\r\n")
                if line.startswith(("Via", "From", "To", "Call-ID", "CSeq"))
            ]
            self._send("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode())


class _Connected(asyncio.Protocol):
    def __init__(self, caller: SipCaller) -> None:
        self._caller, self._framer = caller, Framer()

    def data_received(self, data: bytes) -> None:
        if data == b"\r\n":
            self._caller.answers.append("PONG")
        for message in self._framer.push(data):
            self._caller._message(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._caller.gone = True
