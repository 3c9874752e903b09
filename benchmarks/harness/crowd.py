"""Others who use the page's streams at the same time: each moves a control, and takes outputs.

    python -m harness.crowd URL USERS

Prints "ready" when all are connected, and goes on until its input is closed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid

import httpx
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from harness.browser import Unsaid, keep_ice_on_loopback

MOVES_A_SECOND = 5.0


Connected = tuple[RTCPeerConnection, RTCDataChannel]


async def connected(http: httpx.AsyncClient, stream: str, takes: bool) -> Connected:
    """A connection to a stream; it sends no sound, and may take some."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if takes:
        peer.addTransceiver("audio", direction="recvonly")
    else:
        peer.addTrack(Unsaid("audio"))
    channel, opened = peer.createDataChannel("text"), asyncio.Event()
    channel.on("open", opened.set)
    await peer.setLocalDescription(await peer.createOffer())
    offer = {"type": "offer", "sdp": peer.localDescription.sdp, "webrtc_id": uuid.uuid4().hex}
    answer = (await http.post(f"/{stream}/webrtc/offer", json=offer)).json()
    await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    await opened.wait()
    return peer, channel


async def move(channel: RTCDataChannel, number: int) -> None:
    while True:
        number += 1
        channel.send(json.dumps({"type": "set_input", "data": [number % 20 / 10, "Ada", True, "low"]}))
        await asyncio.sleep(1 / MOVES_A_SECOND)


async def main(url: str, users: int) -> None:
    keep_ice_on_loopback()
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        moving = [await connected(http, "louder", False) for _ in range(users)]
        taking = [await connected(http, "clock", True) for _ in range(users)]
    for _, channel in taking:
        channel.send('{"type": "take_outputs"}')
    moves = [asyncio.create_task(move(channel, number)) for number, (_, channel) in enumerate(moving)]
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in moves:
        task.cancel()
    await asyncio.gather(*(peer.close() for peer, _ in moving + taking))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
