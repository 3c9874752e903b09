"""aiortc with nothing on top: the track that came is sent back."""

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
connections = set()


class Offer(BaseModel):
    sdp: str
    type: str
    webrtc_id: str


@app.post("/webrtc/offer")
async def offer(body: Offer):
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connections.add(pc)
    pc.on("track", pc.addTrack)

    @pc.on("connectionstatechange")
    async def changed():
        if pc.connectionState in ("failed", "closed"):
            await pc.close()
            connections.discard(pc)

    await pc.setRemoteDescription(RTCSessionDescription(body.sdp, body.type))
    await pc.setLocalDescription(await pc.createAnswer())
    return {"sdp": pc.localDescription.sdp, "type": pc.localDescription.type}
