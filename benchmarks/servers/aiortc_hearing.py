"""aiortc with nothing on top: echoes sound and texts, and tells what its tracks gave as hearing.py does."""

import io
import json
import time

import numpy as np
from aiortc import MediaStreamTrack
from bare import answering
from fastapi import Response

tracks = []


class Echo(MediaStreamTrack):
    kind = "audio"

    def __init__(self, track):
        super().__init__()
        self.track, self.heard = track, []

    async def recv(self):
        frame = await self.track.recv()
        left = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
        self.heard.append((left.astype(np.int16), time.monotonic(), frame.pts))
        return frame


def prepare(pc):
    @pc.on("track")
    def came(track):
        tracks.append(Echo(track))
        pc.addTrack(tracks[-1])

    @pc.on("datachannel")
    def opened(channel):
        def said(text):
            channel.send(json.dumps({"type": "log", "data": f"Server received: {text}"}))

        channel.on("message", said)


app = answering(prepare)


@app.get("/heard/{number}")
async def heard(number: int):
    file, said = io.BytesIO(), tracks[number].heard
    pieces, times, stamps = zip(*said, strict=True) if said else ([np.zeros(0, np.int16)], [], [])
    np.savez(file, samples=np.concatenate(pieces), sizes=[p.size for p in pieces], times=times, stamps=stamps)
    return Response(file.getvalue(), media_type="application/octet-stream")
