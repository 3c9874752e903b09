"""A line over WebRTC: SDP, ICE, DTLS and SCTP by aiortc, sound and pictures on paths of our own."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from ..errors import BadOffer
from ..media.frames import FRAME_SECONDS, AudioFrame, Frame, Heard, Kind, Message
from ..media.opus import OpusOptions
from ..media.video import VideoOptions
from ..tasks import ended
from . import faults
from .aioice_checks import leave_ice_at_once
from .aiortc_inside import Line, choose_ice_addresses, speak_with_rsa, tell_of_parting
from .aiortc_receiver import outlast_goodbye
from .aiortc_tracks import RATE, Voice, read
from .audio_path import AudioPath, is_known, wanted
from .audio_sdp import other_sources, with_copies, with_keys, within
from .handshakes import insist, insist_on_association
from .picture_intake import see, take_in
from .picture_track import PictureTrack, agreed_codec
from .silence import until_gone
from .stun_again import outlast_loss

logger = logging.getLogger("rtstream.webrtc")

LEAD = 0.04  # seconds: evens out a handler's jitter without a delay that could be heard
FLUSH_SECONDS = 0.3  # what the last messages may take to leave before the line is closed
TEXTS_KEPT = 100  # messages that wait for a data channel

# What aiortc 1.16 raises on SDP and candidates that no honest client sends: all of these were seen.
FAULTS = (*faults.FAULTS, InternalError, InvalidAccessError, InvalidStateError, OperationError)


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
        opus, video: how Opus and pictures are encoded.

    `candidates` is how many have been trickled.
    """

    rate: int | None = RATE
    lead = LEAD
    channels = 2
    piece = FRAME_SECONDS
    phone = False
    websocket: Any = None
    behind = 0.0

    def __init__(
        self,
        *,
        speaks: tuple[Kind, ...],
        hears: tuple[Kind, ...],
        configuration: RTCConfiguration | None = None,
        opus: OpusOptions | None = None,
        video: VideoOptions | None = None,
    ) -> None:
        choose_ice_addresses()
        self._pc = RTCPeerConnection(configuration or RTCConfiguration(iceServers=[]))
        self._speaks = speaks
        self._voices: dict[Kind, Voice | PictureTrack] = {}
        self._opus, self._video = opus or OpusOptions(), video or VideoOptions()
        self._audio: AudioPath | None = None
        self._pictures: PictureTrack | None = None
        self._lines: list[Line] = []
        self._in_a_hurry: list[Callable[[], None]] = []
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
        self._opus = within(sdp, self._opus)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            self._fill_transceivers()
            answer = await self._pc.createAnswer()
            if answer is None:
                raise BadOffer("the offer cannot be answered")
            await self._pc.setLocalDescription(answer)
            described = str(self._pc.localDescription.sdp)
            if self._audio is not None:
                described = with_copies(with_keys(sdp, described))
            self._persist()
            self._open_lines(described, other_sources(sdp))
        except FAULTS as error:
            raise BadOffer(
                "the offer is no SDP that can be answered",
                why=f"{type(error).__name__}: {error}",
                fix="Send what RTCPeerConnection.createOffer gave, unchanged",
            ) from error
        return described

    def _fill_transceivers(self) -> None:
        """Send on the first track of each kind what is said; take what is heard; and let no other come.

        Media that nobody reads would pile up in aiortc without bound.
        """
        transceivers, seen = self._pc.getTransceivers(), set[str]()
        alone = all(transceiver.kind == "audio" for transceiver in transceivers)
        for transceiver in transceivers:
            kind: Kind = "audio" if transceiver.kind == "audio" else "video"
            speaks, hears = (kind in kinds and kind not in seen for kinds in (self._speaks, self._hears))
            seen.add(kind)
            if kind == "audio" and (speaks or hears) and wanted():
                self._audio = AudioPath(transceiver, self._opus, alone=alone)
            elif speaks:
                self._voices[kind] = self._voice(kind, transceiver)
                transceiver.sender.replaceTrack(self._voices[kind])
            if kind == "video" and hears:
                take_in(transceiver.receiver)
            outlast_goodbye(transceiver.receiver)
            transceiver.direction = _DIRECTIONS[speaks, hears]

    def _voice(self, kind: Kind, transceiver: RTCRtpTransceiver) -> Voice | PictureTrack:
        if kind == "video" and wanted():
            self._pictures = PictureTrack(self._video, transceiver.sender)
            return self._pictures
        return Voice(kind)

    def _transports(self) -> set[RTCDtlsTransport]:
        transports = {transceiver.sender.transport for transceiver in self._pc.getTransceivers()}
        if self._pc.sctp is not None:
            transports.add(self._pc.sctp.transport)
        return transports

    def _persist(self) -> None:
        """Let ICE, DTLS and SCTP come about soon, and stand what a network loses."""
        for transport in self._transports():
            speak_with_rsa(transport)
            self._in_a_hurry += [insist(transport), outlast_loss(transport)]
            if (end := leave_ice_at_once(transport)) is not None:
                self._in_a_hurry.append(end)
        if self._pc.sctp is not None:
            self._in_a_hurry.append(insist_on_association(self._pc.sctp))
            tell_of_parting(self._pc.sctp, self.gone.set)

    def _open_lines(self, answer: str, others: set[int] | None) -> None:
        """Let sound go its way, and nothing hostile get through to aiortc on any socket."""
        for transport in self._transports() if is_known() else ():
            if self._audio is not None and transport is self._audio.line.transport:
                self.rate = self._audio.open(answer, others) or RATE
                self._lines.append(self._audio.line)
            else:
                line = Line(transport)
                line.open()
                self._lines.append(line)
        if self._pictures is not None:
            self._pictures.begin(agreed_codec(answer), self._lines)

    def hear_at(self, rate: int, channels: int) -> None:
        """Say in which form the handler hears; sound comes so where its codec can."""
        if self._audio is not None:
            self._audio.rtp.hear_at(rate, channels)

    def add_candidate(self, candidate: RTCIceCandidate | None) -> None:
        """Take a trickled candidate. Host names are looked up in the background.

        None, the end of them, is kept from aiortc: one that we cannot reach may still reach us.
        """
        self.candidates += 1
        if candidate is None:
            return
        task = asyncio.ensure_future(self._add_candidate(candidate))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def run(self, hear: Callable[[Heard], None]) -> None:
        self._hear = hear
        for message in self._said_early:
            hear(message)
        if self._audio is not None:
            self._tracks.pop("audio", None)  # nothing comes on it
            self._audio.listen(hear)
        readers = [
            asyncio.ensure_future(see(track, hear) if kind == "video" else read(track, hear))
            for kind, track in self._tracks.items()
        ]
        if self._lines:
            readers.append(asyncio.ensure_future(self._watch()))
        try:
            await self.gone.wait()
        finally:
            await ended(*readers)

    async def _watch(self) -> None:
        await until_gone(self._lines)
        self.gone.set()

    def send(self, frame: Frame) -> None:
        if self._audio is not None and isinstance(frame, AudioFrame):
            self._audio.rtp.send(frame)
        elif (voice := self._voices.get(frame.kind)) is not None:  # else it was not asked for
            voice.say(frame)

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
        for end in self._in_a_hurry:
            end()
        if self._audio is not None:
            self._audio.close()
        try:
            await self._pc.close()
        except FAULTS:  # aiortc cannot always close what it could not open; nothing is left to do
            pass

    @property
    def drift(self) -> float:
        return self._audio.rtp.drift if self._audio is not None else 0.0

    @property
    def counted(self) -> dict[str, Any]:
        """What the path of our own has counted of the sound, see `AudioPath.counted`; empty without it."""
        return self._audio.counted if self._audio is not None else {}

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

    async def _add_candidate(self, candidate: RTCIceCandidate) -> None:
        try:
            await self._pc.addIceCandidate(candidate)
        except FAULTS:  # a candidate that cannot be used is no reason to end a call that others carry
            pass
