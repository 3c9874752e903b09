"""A telephone carrier that calls: the caller's end of Twilio's media streams, strict about what it is sent.

Source: Twilio's documentation, "Media Streams: WebSocket messages". Written apart from the server's wire,
so that the two check each other.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from websockets.exceptions import ConnectionClosed

from rtstream.loopback.pacing import sound
from rtstream.loopback.socket import closed_well, connected
from rtstream.loopback.taken import Taken
from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode, ulaw_encode
from rtstream.transports.file import Script

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

RATE = 8000


class Mark(NamedTuple):
    """A name that is to come back when everything before it has been played."""

    due: float
    name: str


class Handset:
    """What a caller hears: plays what it is sent one after another, and says when a mark was reached.

    Its protocol is strict: every message that Twilio does not document goes to `taken.breaches`.
    """

    def __init__(self, stream_sid: str, taken: Taken) -> None:
        self._sid = stream_sid
        self._taken = taken
        self._marks: list[Mark] = []

    def take(self, text: str | bytes, now: float) -> None:
        """Take one message from the server, that came `now`."""
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            self._taken.breach(f"sent {text[:40]!r}, which is no JSON object")
        elif message.get("status") == "failed":
            self._taken.read(str(text), now)
        else:
            self._obey(message, now)

    def reached(self, now: float) -> list[str]:
        """The names of the marks that were reached since the last time."""
        names = [mark.name for mark in self._marks if mark.due <= now]
        self._marks = [mark for mark in self._marks if mark.due > now]
        return names

    def _obey(self, message: dict[str, Any], now: float) -> None:
        event = message.get("event")
        if event not in ("media", "mark", "clear"):
            self._taken.breach(f"sent the event {event!r}; a server may send media, mark and clear")
            return
        if message.get("streamSid") != self._sid:
            self._taken.breach(
                f"sent {event} with the streamSid {message.get('streamSid')!r}, not {self._sid!r}"
            )
        match message:
            case {"event": "media", "media": {"payload": str(payload)}}:
                self._play(payload, now)
            case {"event": "mark", "mark": {"name": str(name)}}:
                self._marks.append(Mark(max(now, self._taken.played_until), name))
            case {"event": "clear"}:
                self._taken.clear(now)
                self._marks = [Mark(now, mark.name) for mark in self._marks]
            case _:
                self._taken.breach(f"sent {event} without its content")

    def _play(self, payload: str, now: float) -> None:
        try:
            coded = base64.b64decode(payload, validate=True)
        except binascii.Error:
            self._taken.breach("sent media whose payload is no base64")
            return
        self._taken.hear(AudioFrame(ulaw_decode(coded)[np.newaxis], RATE), now)


async def call(url: str, script: Script, call_id: str) -> Taken:
    """Call a stream's telephone handler, say what the script says, and hang up.

    Args:
        url: of the stream, as in `http://127.0.0.1:8000`; `/telephone/handler` is added.
        script: what to say and how long to listen.
        call_id: goes out as the streamSid.

    Raises:
        ServerUnreachable: nobody answers there.
        ConnectionRefused: the server wants no such call.
    """
    taken = Taken("phone")
    handset = Handset(call_id, taken)
    async with connected(url, "/telephone/handler") as socket:
        line = _Line(socket, call_id)
        listening = asyncio.create_task(_listen(socket, handset, taken))
        with suppress(ConnectionClosed):
            await line.open()
            async for frame in sound(script, taken, RATE):
                await line.media(frame)
                for name in handset.reached(asyncio.get_running_loop().time()):
                    await line.mark(name)
            await line.stop()
        await socket.close()
        await listening
    return taken


async def _listen(socket: ClientConnection, handset: Handset, taken: Taken) -> None:
    with closed_well(taken):
        async for text in socket:
            handset.take(text, asyncio.get_running_loop().time())


class _Line:
    """The carrier's side of the socket: numbers every message, as text."""

    def __init__(self, socket: ClientConnection, stream_sid: str) -> None:
        self._socket = socket
        self._sid = stream_sid
        self._number = 0
        self._chunk = 0
        self._milliseconds = 0

    async def open(self) -> None:
        hello = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        await self._socket.send(json.dumps(hello))
        start = {
            "accountSid": "AC" + "0" * 32,
            "streamSid": self._sid,
            "callSid": "CA" + "0" * 32,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
            "customParameters": {},
        }
        await self._send("start", start=start)

    async def media(self, frame: AudioFrame) -> None:
        self._chunk += 1
        payload = base64.b64encode(ulaw_encode(frame.samples[0])).decode()
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(self._milliseconds),
            "payload": payload,
        }
        self._milliseconds += round(frame.duration * 1000)
        await self._send("media", media=media)

    async def mark(self, name: str) -> None:
        await self._send("mark", mark={"name": name})

    async def stop(self) -> None:
        await self._send("stop", stop={"accountSid": "AC" + "0" * 32, "callSid": "CA" + "0" * 32})

    async def _send(self, event: str, **content: Any) -> None:
        self._number += 1
        message = {"event": event, "sequenceNumber": str(self._number), **content, "streamSid": self._sid}
        await self._socket.send(json.dumps(message))
