"""A caller over WebRTC: a bare aiortc client, as somebody else would write it."""

from __future__ import annotations

import asyncio
import fractions
import functools
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import av
import httpx
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from rtstream.transports.aiortc_inside import choose_ice_addresses

from .server import Server, until

RATE = 48000


Take = Callable[[bytes, Any], None]  # what a datagram is handed to, with the address that it came from


def intercept(connection: Any, handle: Callable[[Take, bytes, Any], None]) -> None:
    """Hand each datagram that comes to a connection of aioice to `handle`, which may pass it on."""
    for protocol in connection._protocols:
        protocol.datagram_received = functools.partial(handle, protocol.datagram_received)


def connection_of(client: Caller) -> Any:
    """aioice's connection under a caller."""
    transport: Any = client.pc.getSenders()[0].transport.transport
    return transport._connection


class ToneTrack(MediaStreamTrack):
    """A sine in frames of 20 ms, in real time."""

    kind = "audio"

    def __init__(self, hertz: float = 440.0) -> None:
        super().__init__()
        self.hertz = hertz
        self.sent = 0
        self._begun: float | None = None

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._begun = self._begun or loop.time()
        await asyncio.sleep(max(0.0, self._begun + self.sent * 0.02 - loop.time()))
        moments = (self.sent * 960 + np.arange(960)) / RATE
        samples = (np.sin(2 * np.pi * self.hertz * moments) * 12000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts, frame.time_base = self.sent * 960, fractions.Fraction(1, RATE)
        self.sent += 1
        return frame


class PictureTrack(MediaStreamTrack):
    """Pictures whose left half is blue and whose right half is dark, 30 a second."""

    kind = "video"

    def __init__(self, width: int = 160, height: int = 120) -> None:
        super().__init__()
        self.pixels = np.zeros((height, width, 3), np.uint8)
        self.pixels[:, : width // 2] = (255, 0, 0)
        self.sent = 0
        self._begun: float | None = None

    async def recv(self) -> av.VideoFrame:
        loop = asyncio.get_running_loop()
        self._begun = self._begun or loop.time()
        await asyncio.sleep(max(0.0, self._begun + self.sent / 30 - loop.time()))
        frame = av.VideoFrame.from_ndarray(self.pixels, format="bgr24")
        frame.pts, frame.time_base = self.sent * 3000, fractions.Fraction(1, 90000)
        self.sent += 1
        return frame


class Caller:
    """One client: what it is sent lies in `sounds`, `pictures` and `messages`."""

    def __init__(self, server: Server, id: str | None = None) -> None:
        choose_ice_addresses()
        self.server = server
        self.id = id or uuid.uuid4().hex
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.sounds: list[av.AudioFrame] = []
        self.pictures: list[av.VideoFrame] = []
        self.messages: list[dict[str, Any]] = []
        self.channel: RTCDataChannel | None = None
        self._readers: list[asyncio.Task[None]] = []
        self.pc.on("track", self._listen)

    def open_channel(self, label: str = "text") -> RTCDataChannel:
        """Have a data channel."""
        channel = self.pc.createDataChannel(label)
        channel.on("message", lambda text: self.messages.append(json.loads(text)))
        self.channel = self.channel or channel
        return channel

    async def offer(self, *, candidates: bool = True) -> dict[str, Any]:
        """The body of an offer, with or without the candidates in it."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp = self.pc.localDescription.sdp
        if not candidates:
            lines = [line for line in sdp.splitlines() if "candidate" not in line]
            sdp = "\r\n".join(lines) + "\r\n"
        return {"type": "offer", "sdp": sdp, "webrtc_id": self.id}

    def candidates(self) -> list[str]:
        """Its candidates, as they would be trickled."""
        lines = self.pc.localDescription.sdp.splitlines()
        return list(dict.fromkeys(line[2:] for line in lines if line.startswith("a=candidate:")))

    async def take(self, response: httpx.Response) -> None:
        """Take the server's answer."""
        assert response.status_code == 200, response.text
        answer = response.json()
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))

    async def call(self) -> None:
        """Offer, take the answer, and wait for the connection."""
        await self.take(await self.server.post(json=await self.offer()))
        await until(lambda: self.pc.connectionState == "connected")

    async def trickle(self, candidate: str | None, **more: Any) -> httpx.Response:
        """Post a candidate."""
        given = {"candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0, **more}
        return await self.server.post(
            json={"type": "ice-candidate", "webrtc_id": self.id, "candidate": given}
        )

    async def told(self, type: str) -> dict[str, Any]:
        """Wait for a message of that type, and return the first one."""
        await until(lambda: any(message.get("type") == type for message in self.messages))
        return next(message for message in self.messages if message.get("type") == type)

    async def hears(self, seconds: float = 0.2) -> NDArray[np.int16]:
        """Wait for so many further seconds of sound, and return the left channel of all of them."""
        enough = len(self.sounds) + round(seconds * 50)
        await until(lambda: len(self.sounds) >= enough)
        return np.concatenate(
            [f.to_ndarray().reshape(-1, 2)[:, 0] for f in self.sounds[-round(seconds * 50) :]]
        )

    async def sees(self, count: int = 3) -> NDArray[np.uint8]:
        """Wait for so many further pictures, and return the last one."""
        enough = len(self.pictures) + count
        await until(lambda: len(self.pictures) >= enough)
        return np.asarray(self.pictures[-1].to_ndarray(format="bgr24"), np.uint8)

    async def gone(self) -> None:
        """Wait until the server has hung up."""
        await until(lambda: self.pc.connectionState in ("closed", "failed"))

    async def close(self) -> None:
        """Hang up."""
        await self.pc.close()
        for reader in self._readers:
            reader.cancel()
        if self._readers:
            await asyncio.wait(self._readers)

    def _listen(self, track: MediaStreamTrack) -> None:
        self._readers.append(asyncio.ensure_future(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                (self.sounds if track.kind == "audio" else self.pictures).append(frame)  # type: ignore[arg-type]
        except MediaStreamError:
            pass


@asynccontextmanager
async def caller(
    server: Server,
    *,
    audio: bool = True,
    video: bool = False,
    channel: bool = True,
    listens: bool = False,
    id: str | None = None,
) -> AsyncIterator[Caller]:
    """A client that has not called yet.

    It sends a tone and pictures, or only takes them (`listens`).
    """
    client = Caller(server, id)
    try:
        for kind, wanted, track in (("audio", audio, ToneTrack), ("video", video, PictureTrack)):
            if wanted and listens:
                client.pc.addTransceiver(kind, direction="recvonly")
            elif wanted:
                client.pc.addTrack(track())
        if channel:
            client.open_channel()
        yield client
    finally:
        await client.close()
