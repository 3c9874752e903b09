"""A caller over FastRTC's WebSocket: mu-law in base64 in JSON, messages as text beside it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from contextlib import suppress
from typing import TYPE_CHECKING

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

USUAL_RATES = (8000, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OUTPUT_RATE = 24000  # the default of FastRTC's handlers


async def call(url: str, script: Script, call_id: str, rates: tuple[int, int | None]) -> Taken:
    """Call a stream's WebSocket, say what the script says, and hang up.

    Args:
        url: of the stream, as in `http://127.0.0.1:8000`; `/websocket/offer` is added.
        script: what to say and how long to listen.
        call_id: goes out as the websocket_id.
        rates: samples a second to the server and from it: the handler's `input_sample_rate` and
            `output_sample_rate`, which the protocol does not tell. None for the latter: it is what makes
            the first piece 20 ms long, as all pieces of FastRTC's and of our servers are.

    Raises:
        ServerUnreachable: nobody answers there.
        ConnectionRefused: the server wants no such call.
    """
    taken = Taken("websocket")
    async with connected(url, "/websocket/offer") as socket:
        listening = asyncio.create_task(_listen(socket, taken, rates[1]))
        with suppress(ConnectionClosed):
            await socket.send(json.dumps({"event": "start", "websocket_id": call_id}))
            async for frame in sound(script, taken, rates[0]):
                payload = base64.b64encode(ulaw_encode(frame.samples[0])).decode()
                await socket.send(json.dumps({"event": "media", "media": {"payload": payload}}))
            await socket.send(json.dumps({"event": "stop"}))
        await socket.close()
        await listening
    return taken


async def _listen(socket: ClientConnection, taken: Taken, rate: int | None) -> None:
    with closed_well(taken):
        async for text in socket:
            take(text, taken, rate, asyncio.get_running_loop().time())


def take(text: str | bytes, taken: Taken, rate: int | None, now: float) -> None:
    """Take one message from the server, that came `now`; sound has `rate`, None for what it looks like."""
    try:
        match message := json.loads(text):
            case {"event": "media", "media": {"payload": str(payload)}}:
                coded = base64.b64decode(payload, validate=True)
                samples = ulaw_decode(coded)[np.newaxis]
                taken.hear(AudioFrame(samples, rate or _rate_of(len(coded), taken)), now)
            case {"event": "clear"}:
                taken.clear(now)
            case {"event": "pong"} | {"type": str()} | {"status": str()}:
                taken.read(json.dumps(message), now)
            case _:
                taken.breach(f"sent {str(text)[:60]!r}, which is neither media nor a message")
    except binascii.Error:
        taken.breach("sent media whose payload is no base64")
    except ValueError:
        taken.breach(f"sent {text[:40]!r}, which is no JSON")


def _rate_of(count: int, taken: Taken) -> int:
    """The rate at which the first piece lasts 20 ms; FastRTC's own when that is none that anybody uses."""
    if taken.audio:
        return taken.audio[0].frame.rate
    return 50 * count if 50 * count in USUAL_RATES else OUTPUT_RATE
