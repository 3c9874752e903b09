"""aiortc with nothing on top: sound is sent back, pictures are shown as in both.py, and read."""

import asyncio
import importlib
import os
import sys
from fractions import Fraction

import av
from aiortc import VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from bare import answering

os.environ["BENCH_ENGINE"] = "rtstream"  # for both.py, of which only the pictures are taken
sys.path.insert(0, os.path.dirname(__file__))
both = importlib.import_module("both")
readers = set()


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


def prepare(pc):
    @pc.on("track")
    def came(track):
        if track.kind == "audio":
            pc.addTrack(track)
        else:
            pc.addTrack(Show())
            readers.add(asyncio.ensure_future(read(track)))


app = answering(prepare)
