"""A caller over WebRTC who costs little: aiortc makes the connection, and the sound goes past it.

Its packets are coded before the call, and those that come back are kept as they came, so that one core of
callers can load one of a server.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtstream.loopback.crowd.voice import RATE, Again
from rtstream.loopback.taken import Taken
from rtstream.loopback.webrtc import media_path, post_offer
from rtstream.media import libopus
from rtstream.media.frames import FRAME_SECONDS, AudioFrame
from rtstream.rtp import packet, rtcp
from rtstream.transports.aiortc_inside import Line, choose_ice_addresses
from rtstream.transports.audio_path import is_known
from rtstream.transports.audio_sdp import agreed_codecs

TICKS = 960  # of Opus's clock in 20 ms

Came = list[tuple[float, bytes]]  # packets of Opus, each with the moment when it came


def can_call() -> bool:
    """Whether this machine has what such a caller is made of."""
    return is_known() and libopus.library() is not None


async def call(url: str, script: Again, call_id: str) -> tuple[Taken, Came]:
    """Call a stream, say the voice until it is over, and hang up; what came back is not decoded yet.

    Args:
        url: of the stream, as in `http://127.0.0.1:8000`; `/webrtc/offer` is added.
        script: what to say, and how long.
        call_id: goes out as the webrtc_id.

    Raises:
        ServerUnreachable, ConnectionRefused, RemoteError: as `rtstream.loopback.webrtc.call`.
    """
    choose_ice_addresses()
    light = _Light(script)
    try:
        await light.connect(url, call_id)
        await light.talk()
    finally:
        await light.close()
    return light.taken, light.came


def decode(taken: Taken, came: Came) -> None:
    """Let what came be heard, each packet when it came."""
    decoder = libopus.Decoder(RATE, 1)
    for at, payload in came:
        try:
            taken.hear(AudioFrame(decoder.decode(payload), RATE), at)
        except libopus.OpusFault:
            taken.breach("sent what is no packet of Opus")


class _Unsaid(MediaStreamTrack):
    """Keeps a sender of aiortc's open and never gives it anything."""

    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.get_running_loop().create_future()


class _Light:
    """The caller's end of one connection."""

    def __init__(self, script: Again) -> None:
        self.taken, self.came = Taken("webrtc"), Came()
        self._script, self._loop = script, asyncio.get_running_loop()
        self._pc = pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connected = asyncio.Event()
        if script.says_sound:
            direction = "sendonly" if script.mode == "send" else "sendrecv"
            transceiver = pc.addTransceiver(_Unsaid(), direction=direction)
        else:
            transceiver = pc.addTransceiver("audio", direction="recvonly")
        self._sender: Any = transceiver.sender
        pc.createDataChannel("text").on("message", self._message_came)
        pc.on("connectionstatechange", self._state_changed)

    async def connect(self, url: str, call_id: str) -> None:
        """Offer, take the answer, and wait for the media path."""
        pc = self._pc
        await pc.setLocalDescription(await pc.createOffer())
        self._line = Line(self._sender.transport)
        self._line.open(self._take)
        offer = {"sdp": pc.localDescription.sdp, "type": "offer", "webrtc_id": call_id}
        answer = await post_offer(f"{url.rstrip('/')}/webrtc/offer", offer)
        self._payload_type = next(iter(agreed_codecs(answer["sdp"])), 0)
        await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        busy = "no UDP came through, or the server or the callers are too busy to agree on keys"
        await media_path(self._connected, why=busy)

    async def talk(self) -> None:
        """Say the voice, 20 ms a packet, on a schedule that does not drift."""
        voice, taken, loop = self._script.voice, self.taken, self._loop
        says = self._script.says_sound
        first, stamp = random.randrange(1 << 14), random.randrange(1 << 30)
        taken.started, number = loop.time(), 0
        self._script.begun()
        while not (taken.gone or self._script.over(0.0, 0.0)):
            if says:
                place, now = number % voice.count, loop.time()
                taken.said.append((now, voice.levels[place]))
                self._send(first + number, stamp + number * TICKS, voice.packets[place])
            number += 1
            await asyncio.sleep(max(taken.started + number * FRAME_SECONDS - loop.time(), 0.0))

    async def close(self) -> None:
        """Hang up."""
        await self._pc.close()

    def _send(self, sequence: int, stamp: int, payload: bytes) -> None:
        self._line.send(packet.build(self._payload_type, sequence, stamp, self._sender._ssrc, payload))

    def _take(self, data: bytes) -> bool:
        """Keep a packet of sound; False for what is none (RFC 5761 §4: reports)."""
        if not self._line.keyed or rtcp.is_rtcp(data):
            return False
        plain = self._line.unprotect(data)
        heard = packet.parse(plain) if plain is not None else None
        if heard is not None and heard.payload_type == self._payload_type:
            self.came.append((self._loop.time(), heard.payload))
        return True

    def _message_came(self, text: str | bytes) -> None:
        self.taken.read(text if isinstance(text, str) else text.decode(errors="replace"), self._loop.time())

    def _state_changed(self) -> None:
        if self._pc.connectionState == "connected":
            self._connected.set()
        elif self._pc.connectionState in ("failed", "closed"):
            self.taken.gone = True
