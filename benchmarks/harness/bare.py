"""aiortc with nothing on top, as a server: what the files in servers/ that measure it share."""

from __future__ import annotations

from collections.abc import Callable

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from fastapi import FastAPI
from pydantic import BaseModel


class Offer(BaseModel):
    """What a caller posts, in FastRTC's form."""

    sdp: str
    type: str
    webrtc_id: str


def answering(prepare: Callable[[RTCPeerConnection], None]) -> FastAPI:
    """An app that answers offers; `prepare` says what becomes of a connection's tracks."""
    app, connections = FastAPI(), set[RTCPeerConnection]()

    async def offer(body: Offer) -> dict[str, str]:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.add(pc)
        prepare(pc)

        async def changed() -> None:
            if pc.connectionState in ("failed", "closed"):
                await pc.close()
                connections.discard(pc)

        pc.on("connectionstatechange", changed)
        await pc.setRemoteDescription(RTCSessionDescription(body.sdp, body.type))
        await pc.setLocalDescription(await pc.createAnswer())
        return {"sdp": pc.localDescription.sdp, "type": pc.localDescription.type}

    app.post("/webrtc/offer")(offer)
    return app
