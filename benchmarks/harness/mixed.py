"""Clients of several kinds that call for long: bare aiortc, a file through PyAV, clocks that are off."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import av
import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError

from . import sound, voices
from .browser import STEP
from .report import middle
from .voices import FRAMES, RATE

FIRST = round(sound.BURST_AT / STEP)  # the packet in its second with which a burst begins
MOST = 2.0  # seconds after which a burst is given up

Minute = tuple[float, float]


class Client(Protocol):
    """One call or more: `delays` tells how late the sound was in each minute, by the name of the call."""

    async def open(self, url: str) -> None: ...
    async def listen(self) -> None:
        """Called once a minute."""

    async def close(self) -> None: ...
    def delays(self, minutes: Sequence[Minute]) -> dict[str, list[float]]: ...


@dataclass
class Recorded:
    """What one call said and heard, on the monotonic clock."""

    said: list[tuple[int, float]] = field(default_factory=list)  # a burst's second in the scene, and when
    pieces: list[np.ndarray] = field(default_factory=list)  # at 8 kHz
    arrived: list[float] = field(default_factory=list)

    def say(self, frame: int, now: float) -> None:
        if frame % 50 == FIRST:
            self.said.append((frame % FRAMES // 50, now))

    def hear(self, samples: np.ndarray, now: float) -> None:
        """Take mono sound at 48 kHz."""
        whole = samples[: samples.size // 6 * 6].reshape(-1, 6)
        self.pieces.append(whole.mean(axis=1).astype(np.int16))
        self.arrived.append(now)

    def delays(self, minutes: Sequence[Minute]) -> list[float]:
        if not self.pieces:
            return [float("nan")] * len(minutes)
        times = [
            at + np.arange(piece.size) / sound.RATE
            for at, piece in zip(self.arrived, self.pieces, strict=True)
        ]
        heard, arrived = np.concatenate(self.pieces), np.maximum.accumulate(np.concatenate(times))
        return [
            middle(sound.find(heard, arrived, _within(self.said, minute), MOST).delays) for minute in minutes
        ]


def _within(said: Sequence[tuple[int, float]], minute: Minute) -> list[tuple[int, float]]:
    """The bursts of a minute that can have come back before its end."""
    return [(second, at) for second, at in said if minute[0] <= at < minute[1] - MOST / 2]


class Scene(MediaStreamTrack):
    """The scene, frame by frame, in real time."""

    kind = "audio"

    def __init__(self, recorded: Recorded) -> None:
        super().__init__()
        self._recorded, self._count, self._begun = recorded, 0, 0.0

    async def recv(self) -> av.AudioFrame:
        self._begun = self._begun or time.monotonic()
        await asyncio.sleep(max(0.0, self._begun + self._count * STEP - time.monotonic()))
        at = self._count % FRAMES * 960
        frame = av.AudioFrame.from_ndarray(voices.wave()[None, at : at + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, self._count * 960
        frame.time_base = fractions.Fraction(1, RATE)
        self._recorded.say(self._count, time.monotonic())
        self._count += 1
        return frame


class FromFile(MediaStreamTrack):
    """Packets that PyAV reads from a file, as they are."""

    kind = "audio"

    def __init__(self, path: Path, recorded: Recorded) -> None:
        super().__init__()
        self._player = MediaPlayer(str(path), decode=False)
        self._recorded, self._count = recorded, 0

    async def recv(self) -> Any:
        packet = await self._player.audio.recv()
        self._recorded.say(self._count, time.monotonic())
        self._count += 1
        return packet

    def stop(self) -> None:
        super().stop()
        self._player.audio.stop()


def write_scene(path: Path, seconds: float) -> None:
    """The scene again and again, in Opus: coded once, and copied."""
    with av.open(str(path), "w", format="ogg") as file:
        stream: Any = file.add_stream("libopus", rate=RATE, layout="mono")
        for number in range(round(seconds / STEP)):
            packet = av.Packet(voices.packets()[number % FRAMES])
            packet.stream, packet.time_base = stream, fractions.Fraction(1, RATE)
            packet.pts = packet.dts = number * 960
            packet.duration = 960
            file.mux(packet)


class Aiortc:
    """A program with aiortc and nothing on top, whose sound is made as it goes, or read from a file."""

    def __init__(self, name: str, file: Path | None = None) -> None:
        self.name, self.recorded = name, Recorded()
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._track = Scene(self.recorded) if file is None else FromFile(file, self.recorded)
        self._reader: asyncio.Task[None] | None = None

    async def open(self, url: str) -> None:
        self._pc.addTrack(self._track)
        self._pc.on("track", self._listen_to)
        await self._pc.setLocalDescription(await self._pc.createOffer())
        body = {"sdp": self._pc.localDescription.sdp, "type": "offer", "webrtc_id": uuid.uuid4().hex}
        async with _http(f"{url}/echo") as http:
            answer = (await http.post("/webrtc/offer", json=body)).json()
        await self._pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))

    async def listen(self) -> None:
        pass

    async def close(self) -> None:
        self._track.stop()
        await self._pc.close()
        if self._reader is not None:
            await self._reader

    def delays(self, minutes: Sequence[Minute]) -> dict[str, list[float]]:
        return {self.name: self.recorded.delays(minutes)}

    def _listen_to(self, track: MediaStreamTrack) -> None:
        self._reader = asyncio.create_task(self._read(track))

    async def _read(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                left = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
                self.recorded.hear(left, time.monotonic())


class Skewed:
    """A client whose clock is off by so many millionths, in an echo or in a call that speaks by itself.

    Of an echo it tells how late the sound is; of the other how much of it lies unplayed, which grows where
    the client is fed faster than it plays, and vanishes where it is fed more slowly.
    """

    def __init__(self, millionths: int, stream: str = "echo") -> None:
        self.name = f"{stream}, clock {millionths:+d} ppm"
        self.faster, self._stream = 1 + millionths / 1e6, stream
        self.caller = voices.Caller(0)
        self._talking: asyncio.Task[None] | None = None

    async def open(self, url: str) -> None:
        async with _http(f"{url}/{self._stream}") as http:
            await self.caller.call.open(http)
        self._talking = asyncio.create_task(self._talk())

    async def listen(self) -> None:
        pass

    async def _talk(self) -> None:
        begun, count = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, begun + count * STEP / self.faster - time.monotonic()))
            self.caller.speak(time.monotonic())
            count += 1

    async def close(self) -> None:
        if self._talking is not None:
            self._talking.cancel()
        await self.caller.call.close()

    def delays(self, minutes: Sequence[Minute]) -> dict[str, list[float]]:
        if self._stream == "source":
            return {self.name: self._piled_up(minutes)}
        samples, times = self.caller.heard()
        bursts = self.caller.bursts(0)
        return {
            self.name: [
                middle(sound.find(samples, times, _within(bursts, minute), MOST).delays) for minute in minutes
            ]
        }

    def _piled_up(self, minutes: Sequence[Minute]) -> list[float]:
        """How much lies unplayed when a packet has come, if it is played by the client's clock."""
        held: list[tuple[float, float]] = []
        level, before = 0.0, 0.0
        for packet in self.caller.call.packets():
            level = max(0.0, level - (packet.arrived - before) * self.faster) + STEP
            before = packet.arrived
            held.append((packet.arrived, level))
        return [middle([each for at, each in held if low <= at < high]) for low, high in minutes]


@contextlib.asynccontextmanager
async def _http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        yield client
