"""A caller over WebRTC: aiortc as the browser, with real ICE, DTLS, SRTP, Opus and VP8."""

from __future__ import annotations

import asyncio
import fractions
from typing import Any

import av
import httpx
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from rtstream.errors import ConnectionRefused, RemoteError, ServerUnreachable
from rtstream.loopback import pacing
from rtstream.loopback.taken import Taken, as_error, unreachable
from rtstream.media.frames import AudioFrame, Kind, VideoFrame
from rtstream.media.pyav import audio_from_av, audio_to_av, video_from_av, video_to_av
from rtstream.media.resample import with_channels
from rtstream.tasks import ended
from rtstream.transports.aiortc_inside import choose_ice_addresses
from rtstream.transports.file import Script

RATE = 48000  # RFC 7587 §4.1: Opus on RTP always counts at 48 kHz
VIDEO_CLOCK = 90000  # RFC 7741 §4.1
CONNECT_SECONDS = 10.0


async def call(url: str, script: Script, call_id: str, kinds: tuple[Kind, ...], channels: int = 1) -> Taken:
    """Call a stream over WebRTC, say what the script says, and hang up.

    All candidates are in the offer. The data channel is called "text", as FastRTC's clients call it.

    Args:
        url: of the stream, as in `http://127.0.0.1:8000`; `/webrtc/offer` is added.
        script: what to say and how long to listen.
        call_id: goes out as the webrtc_id.
        kinds: the media of the stream.
        channels: into which the sound that comes is mixed; Opus is always decoded to two.

    Raises:
        ServerUnreachable: nobody answers there, or not with an answer.
        ConnectionRefused: the server wants no such call.
        RemoteError: no media path to the server was found.
    """
    choose_ice_addresses()
    taken = Taken("webrtc")
    line = _Line(taken, script, kinds, channels)
    try:
        await line.connect(url, call_id)
        await line.talk()
    finally:
        await line.close()
    return taken


class _Line:
    """The client's end of a peer connection."""

    def __init__(self, taken: Taken, script: Script, kinds: tuple[Kind, ...], channels: int) -> None:
        self._taken = taken
        self._script = script
        self._channels = channels
        self._pc = pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connected = asyncio.Event()
        self._readers: list[asyncio.Task[None]] = []
        self._tracks: dict[Kind, _Track] = {}
        for kind in kinds:
            if script.says_sound if kind == "audio" else script.says_pictures:
                self._tracks[kind] = _Track(kind)
                pc.addTrack(self._tracks[kind])
            else:
                pc.addTransceiver(kind, direction="recvonly")
        if script.mode == "send":
            for transceiver in pc.getTransceivers():
                transceiver.direction = "sendonly"
        pc.createDataChannel("text").on("message", self._message_came)
        pc.on("track", self._track_came)
        pc.on("connectionstatechange", self._state_changed)

    async def connect(self, url: str, call_id: str) -> None:
        """Offer, take the answer, and wait for the media path."""
        await self._pc.setLocalDescription(await self._pc.createOffer())
        offer = {"sdp": self._pc.localDescription.sdp, "type": "offer", "webrtc_id": call_id}
        answer = await post_offer(f"{url.rstrip('/')}/webrtc/offer", offer)
        await self._pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await media_path(
            self._connected,
            why="no UDP came through between the addresses that both ends offered",
            fix="Check firewalls, or give the server a TURN server with --ice-server",
        )

    async def talk(self) -> None:
        """Say what the script says until it is time to hang up."""
        showing = asyncio.create_task(self._show())
        try:
            async for frame in pacing.ticks(self._script, self._taken, RATE):
                if frame is not None:
                    self._tracks["audio"].push(frame)
                if showing.done():
                    showing.result()  # a file that cannot be read any more is an error, not an end
        finally:
            showing.cancel()
        report = await self._pc.getStats()
        lost = (entry.packetsLost for entry in report.values() if entry.type == "inbound-rtp")
        self._taken.lost = max(sum(lost), 0)

    async def close(self) -> None:
        """Hang up."""
        for track in self._tracks.values():
            track.stop()
        await self._pc.close()
        await ended(*self._readers)

    async def _show(self) -> None:
        if "video" in self._tracks:
            await asyncio.sleep(0)  # the sound's first tick sets the beginning
            async for _, picture in pacing.pictures(self._script, self._taken):
                self._tracks["video"].push(picture)

    def _message_came(self, text: str | bytes) -> None:
        said = text if isinstance(text, str) else text.decode(errors="replace")
        self._taken.read(said, asyncio.get_running_loop().time())

    def _state_changed(self) -> None:
        if self._pc.connectionState == "connected":
            self._connected.set()
        elif self._pc.connectionState in ("failed", "closed"):
            self._taken.gone = True

    def _track_came(self, track: MediaStreamTrack) -> None:
        self._readers.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, av.AudioFrame):
                    self._taken.hear(with_channels(audio_from_av(frame), self._channels), loop.time())
                elif isinstance(frame, av.VideoFrame):
                    self._taken.hear(video_from_av(frame), loop.time())
        except MediaStreamError:  # the server stopped this track
            pass


class _Track(MediaStreamTrack):
    """A track that gives what is pushed, with the time stamps of when it was pushed."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self._frames: asyncio.Queue[av.AudioFrame | av.VideoFrame] = asyncio.Queue()
        self._samples = 0
        self._begun: float | None = None

    def push(self, frame: AudioFrame | VideoFrame) -> None:
        """Give a frame, whose time is now."""
        if isinstance(frame, AudioFrame):
            sound = audio_to_av(with_channels(frame, 2))  # FFmpeg's own way to two channels takes 3 dB away
            sound.pts, sound.time_base = self._samples, fractions.Fraction(1, RATE)
            self._samples += sound.samples
            self._frames.put_nowait(sound)
            return
        now = asyncio.get_running_loop().time()
        self._begun = now if self._begun is None else self._begun
        picture = video_to_av(frame)
        picture.pts = round((now - self._begun) * VIDEO_CLOCK)
        picture.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        self._frames.put_nowait(picture)

    async def recv(self) -> av.AudioFrame | av.VideoFrame:
        return await self._frames.get()


async def media_path(connected: asyncio.Event, **reason: str) -> None:
    """Wait until the media path stands that was agreed on.

    Args:
        connected: set when it does.
        reason: the error's `why` and `fix` if it never does.

    Raises:
        RemoteError: it does not, within `CONNECT_SECONDS`.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await connected.wait()
    except TimeoutError:
        raise RemoteError(
            f"the offer was answered, but no media path was found within {CONNECT_SECONDS:g} s", **reason
        ) from None


async def post_offer(address: str, offer: dict[str, Any]) -> dict[str, Any]:
    """The server's answer to an offer.

    Raises:
        ServerUnreachable: nobody answers there, or not with an answer.
        ConnectionRefused: the server says why not.
    """
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=CONNECT_SECONDS) as client:
            response = await client.post(address, json=offer)
    except httpx.HTTPError as failure:
        raise unreachable(address, failure) from failure
    return _answer(address, response)


def _answer(address: str, response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    match body:
        case {"sdp": str(), "type": "answer"}:
            return dict(body)
        case {"status": "failed", "meta": {"error": _} as meta}:
            raise as_error(meta, ConnectionRefused)
        case _:
            raise ServerUnreachable(
                f"{address} answered with HTTP {response.status_code}, but not to the offer",
                why=response.text[:200],
                fix="Check the path in the address: it is where the stream is mounted",
            )
