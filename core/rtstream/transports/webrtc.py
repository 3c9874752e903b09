"""A line over WebRTC: SDP, ICE, DTLS, SCTP and codecs by aiortc, frames in and out by us."""

from __future__ import annotations

import asyncio
import fractions
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError

from ..clock import Clock
from ..errors import BadOffer
from ..media.frames import AudioFrame, Frame, Heard, Kind, Message, VideoFrame
from ..media.pyav import audio_from_av, audio_to_av, video_from_av, video_to_av
from ..media.resample import with_channels
from .aiortc_inside import choose_ice_addresses

logger = logging.getLogger("rtstream.webrtc")

RATE = 48000  # RFC 7587 §4.1: Opus on RTP always counts at 48 kHz
VIDEO_CLOCK = 90000  # RFC 7741 §4.1 (VP8) and RFC 6184 §8.2.1 (H.264)
LEAD = 0.04  # seconds: evens out a handler's jitter without a delay that could be heard
GAP = 0.1  # seconds of silence after which the RTP timestamp follows the clock again
FLUSH_SECONDS = 0.3  # what the last messages may take to leave before the line is closed
TEXTS_KEPT = 100  # messages that wait for a data channel

# What aiortc 1.16 raises on SDP and candidates that no honest client sends: all of these were seen.
FAULTS = (
    ValueError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,
    TypeError,
    OSError,
    ArithmeticError,
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)


_DIRECTIONS = {  # by whether we send and whether we take
    (True, True): "sendrecv",
    (True, False): "sendonly",
    (False, True): "recvonly",
    (False, False): "inactive",
}


class WebRtcTransport:
    """The far end of a peer connection.

    Use: `answer` an offer, wait for `connected`, hand it to a session. Media flows with or without a
    data channel; messages wait for one.

    Args:
        speaks: the kinds of media that the far end is sent.
        hears: the kinds that are taken from it.
        configuration: aiortc's, with the ICE servers; there are none by default.

    `candidates` is how many have been trickled.
    """

    rate: int | None = RATE
    lead = LEAD
    channels = 2
    phone = False
    websocket: Any = None
    behind = 0.0

    def __init__(
        self,
        *,
        speaks: tuple[Kind, ...],
        hears: tuple[Kind, ...],
        configuration: RTCConfiguration | None = None,
    ) -> None:
        choose_ice_addresses()
        self._pc = RTCPeerConnection(configuration or RTCConfiguration(iceServers=[]))
        self._voices = {kind: _Voice(kind) for kind in speaks}
        self._hears = hears
        self._tracks: dict[Kind, MediaStreamTrack] = {}
        self._channel: RTCDataChannel | None = None
        self._unsent: deque[str] = deque(maxlen=TEXTS_KEPT)
        self._hear: Callable[[Heard], None] | None = None
        self._said_early: list[Message] = []
        self._background: set[asyncio.Task[None]] = set()
        self.candidates = 0
        self.connected = asyncio.Event()
        self.gone = asyncio.Event()
        self._pc.on("connectionstatechange", self._state_changed)
        self._pc.on("track", self._track_came)
        self._pc.on("datachannel", self._channel_came)

    async def answer(self, sdp: str) -> str:
        """Answer an offer; returns the SDP of the answer, candidates included.

        Raises:
            BadOffer: aiortc cannot make sense of it.
        """
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            self._fill_transceivers()
            answer = await self._pc.createAnswer()
            if answer is None:
                raise BadOffer("the offer cannot be answered")
            await self._pc.setLocalDescription(answer)
        except FAULTS as error:
            raise BadOffer(
                "the offer is no SDP that can be answered",
                why=f"{type(error).__name__}: {error}",
                fix="Send what RTCPeerConnection.createOffer gave, unchanged",
            ) from error
        return str(self._pc.localDescription.sdp)

    def _fill_transceivers(self) -> None:
        """Send on the first track of each kind what is said; take what is heard; and let no other come.

        Media that nobody reads would pile up in aiortc without bound.
        """
        seen: set[str] = set()
        for transceiver in self._pc.getTransceivers():
            kind: Kind = "audio" if transceiver.kind == "audio" else "video"
            voice = self._voices.get(kind) if kind not in seen else None
            hears = kind in self._hears and kind not in seen
            seen.add(kind)
            if voice is not None:
                transceiver.sender.replaceTrack(voice)
            transceiver.direction = _DIRECTIONS[voice is not None, hears]

    def add_candidate(self, candidate: RTCIceCandidate | None) -> None:
        """Take a trickled candidate, None for the last. Host names are looked up in the background."""
        self.candidates += 1
        task = asyncio.ensure_future(self._add_candidate(candidate))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def run(self, hear: Callable[[Heard], None]) -> None:
        self._hear = hear
        for message in self._said_early:
            hear(message)
        readers = [asyncio.ensure_future(_read(track, hear)) for track in self._tracks.values()]
        try:
            await self.gone.wait()
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def send(self, frame: Frame) -> None:
        self._voices[frame.kind].say(frame)

    async def send_message(self, text: str) -> None:
        self._unsent.append(text)
        self._flush()

    async def clear(self) -> None:
        for voice in self._voices.values():
            voice.clear()

    async def close(self) -> None:
        await self._let_messages_leave()
        self.gone.set()
        for task in list(self._background):
            task.cancel()
        for voice in self._voices.values():
            voice.stop()
        try:
            await self._pc.close()
        except FAULTS:  # aiortc cannot always close what it could not open; nothing is left to do
            pass

    # What aiortc tells.

    def _state_changed(self) -> None:
        state = self._pc.connectionState
        if state == "connected":
            self.connected.set()
        elif state in ("failed", "closed"):
            self.gone.set()

    def _track_came(self, track: MediaStreamTrack) -> None:
        kind: Kind = "audio" if track.kind == "audio" else "video"
        if kind in self._hears:
            self._tracks.setdefault(kind, track)

    def _channel_came(self, channel: RTCDataChannel) -> None:
        if self._channel is None:
            self._channel = channel
            channel.on("close", self._channel_closed)
            self._flush()
        channel.on("message", self._message_came)

    def _channel_closed(self) -> None:
        self._channel = None

    def _message_came(self, said: str | bytes) -> None:
        message = Message(said if isinstance(said, str) else said.decode(errors="replace"))
        if self._hear is not None:
            self._hear(message)
        elif len(self._said_early) < TEXTS_KEPT:
            self._said_early.append(message)

    # Messages out.

    def _flush(self) -> None:
        while self._unsent and self._channel is not None and self._channel.readyState == "open":
            text = self._unsent.popleft()
            try:
                self._channel.send(text)
            except ValueError as error:  # RFC 8841 §6: it is larger than the far end said it takes
                logger.warning("a message of %d characters was not sent: %s", len(text), error)

    async def _let_messages_leave(self) -> None:
        channel = self._channel
        if channel is None or self.gone.is_set() or not channel.bufferedAmount:
            return
        left = asyncio.Event()
        channel.on("bufferedamountlow", left.set)
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await left.wait()
        except TimeoutError:
            pass

    async def _add_candidate(self, candidate: RTCIceCandidate | None) -> None:
        try:
            await self._pc.addIceCandidate(candidate)
        except FAULTS:  # a candidate that cannot be used is no reason to end a call that others carry
            pass


async def _read(track: MediaStreamTrack, hear: Callable[[Heard], None]) -> None:
    try:
        while True:
            frame = await track.recv()
            if isinstance(frame, av.AudioFrame):
                hear(audio_from_av(frame))
            elif isinstance(frame, av.VideoFrame):
                hear(video_from_av(frame))
    except MediaStreamError:  # the far end stopped this track; the connection may go on
        pass


class _Voice(MediaStreamTrack):
    """The track that aiortc's sender pulls; what is said lies here until it does."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self._clock = Clock()
        self._said: deque[Frame] = deque(maxlen=50 if kind == "audio" else 2)
        self._there = asyncio.Event()
        self._begun: float | None = None
        self._position = 0

    def say(self, frame: Frame) -> None:
        self._said.append(frame)
        self._there.set()

    def clear(self) -> None:
        self._said.clear()

    async def recv(self) -> av.AudioFrame | av.VideoFrame:
        while not self._said:
            self._there.clear()
            await self._there.wait()
        return self._timed(self._said.popleft())

    def _timed(self, frame: Frame) -> av.AudioFrame | av.VideoFrame:
        now = self._clock.now()
        if self._begun is None:
            self._begun = now
        if isinstance(frame, VideoFrame):
            picture = video_to_av(frame)
            self._position = max(self._position + 1, round((now - self._begun) * VIDEO_CLOCK))
            picture.pts, picture.time_base = self._position, fractions.Fraction(1, VIDEO_CLOCK)
            return picture
        return self._timed_sound(frame, round((now - self._begun) * RATE))

    def _timed_sound(self, frame: AudioFrame, due: int) -> av.AudioFrame:
        if due - self._position > GAP * RATE:
            self._position = due
        sound = audio_to_av(with_channels(frame, 2))  # FFmpeg's own way to stereo, in aiortc, takes 3 dB
        sound.pts, sound.time_base = self._position, fractions.Fraction(1, RATE)
        self._position += frame.samples.shape[1]
        return sound
