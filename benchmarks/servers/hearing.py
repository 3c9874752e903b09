"""Echoes sound and keeps what the handler heard, for rtstream and for FastRTC: only the import differs.

GET /heard/N gives of the N-th call the samples of all pieces, their sizes, when each was handed on, and the
RTP time of the frame that FastRTC took for it (-1 with rtstream, which leaves no holes).
"""

import asyncio
import importlib
import io
import os
import time

import numpy as np
from aiortc.contrib.media import RelayStreamTrack
from fastapi import FastAPI, Response

engine = importlib.import_module(os.environ["BENCH_ENGINE"])
RATE = 48_000
made = []
stamps = {}  # by task, of the frame that it took last
recv = RelayStreamTrack.recv


async def stamped(self):
    frame = await recv(self)
    stamps[asyncio.current_task()] = frame.pts
    return frame


RelayStreamTrack.recv = stamped  # what FastRTC reads


class Hearing(engine.AsyncStreamHandler):
    def __init__(self):
        super().__init__("mono", output_sample_rate=RATE, input_sample_rate=RATE)
        self.queue, self.heard = asyncio.Queue(), []

    def copy(self):
        made.append(type(self)())
        return made[-1]

    async def start_up(self):
        pass

    async def receive(self, frame):
        samples = np.array(frame[1], np.int16).reshape(-1)
        self.heard.append((samples, time.monotonic(), stamps.get(asyncio.current_task(), -1)))
        self.queue.put_nowait(frame)

    async def emit(self):
        return await self.queue.get()

    async def shutdown(self):
        pass


def packed(heard):
    file = io.BytesIO()
    pieces, times, stamps = zip(*heard, strict=True) if heard else ([np.zeros(0, np.int16)], [], [])
    np.savez(file, samples=np.concatenate(pieces), sizes=[p.size for p in pieces], times=times, stamps=stamps)
    return Response(file.getvalue(), media_type="application/octet-stream")


stream = engine.Stream(
    Hearing(),
    modality="audio",
    mode="send-receive",
    concurrency_limit=5000,
    server_rtc_configuration={"iceServers": []},
    verbose=False,
)
app = FastAPI()
stream.mount(app)


@app.get("/heard/{number}")
async def heard(number: int):
    return packed(made[number].heard)
