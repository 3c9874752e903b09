"""aiortc with nothing on top: sound is sent back, pictures are shown as in both.py, and read."""

import asyncio
import importlib
import os
import sys
from fractions import Fraction

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from fastapi import FastAPI
from pydantic import BaseModel

os.environ["BENCH_ENGINE"] = "rtstream"  # for both.py, of which only the pictures are taken
sys.path.insert(0, os.path.dirname(__file__))
both = importlib.import_module("both")
app = FastAPI()
connections = set()
readers = set()


class Offer(BaseModel):
    sdp: str
    type: str
    webrtc_id: str


class Show(VideoStreamTrack):
    def __init__(self):
        super().__init__()
        self.number = 0

    async def recv(self):
        pts, base = await self.next_timestamp()
        self.number += 1
        frame = av.VideoFrame.from_ndarray(both.stamped(self.number), format="bgr24")
        frame.pts, frame.time_base = pts, Fraction(base)
        return frame


async def read(track):
    try:
        while True:
            (await track.recv()).to_ndarray(format="bgr24")
    except MediaStreamError:
        pass


@app.post("/webrtc/offer")
async def offer(body: Offer):
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connections.add(pc)

    @pc.on("track")
    def came(track):
        if track.kind == "audio":
            pc.addTrack(track)
        else:
            pc.addTrack(Show())
            readers.add(asyncio.ensure_future(read(track)))

    await pc.setRemoteDescription(RTCSessionDescription(body.sdp, body.type))
    await pc.setLocalDescription(await pc.createAnswer())
    return {"sdp": pc.localDescription.sdp, "type": pc.localDescription.type}
