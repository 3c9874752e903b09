"""What soak.py calls: an echo with its page, a source that speaks by itself, and a route that tells."""

import asyncio

import numpy as np
from fastapi import FastAPI

from rtstream import AsyncStreamHandler, Stream
from rtstream.web.page import mount_page

RATE = 48_000
RAW = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
HUM = (8_000 * np.sin(np.arange(RATE) * 2 * np.pi * 300 / RATE)).astype(np.int16)


class Echo(AsyncStreamHandler):
    def __init__(self):
        super().__init__("mono", output_sample_rate=RATE, input_sample_rate=RATE)
        self.queue = asyncio.Queue()

    def copy(self):
        return type(self)()

    async def receive(self, frame):
        self.queue.put_nowait(frame)

    async def emit(self):
        return await self.queue.get()


class Source(Echo):
    """Always has something to say, so that the session alone decides when it is said."""

    async def receive(self, frame):
        pass

    async def emit(self):
        return RATE, HUM[None, :960]


OPTIONS = {"modality": "audio", "concurrency_limit": None, "track_constraints": RAW, "verbose": False}
streams = {"echo": Stream(Echo(), **OPTIONS), "source": Stream(Source(), **OPTIONS)}
app = FastAPI()
for name, stream in streams.items():
    stream.mount(app, f"/{name}")
    mount_page(app, stream, f"/{name}", title=name)


@app.get("/told")
async def told():
    """By id, what the server knows of each call: the drift of its clock, and what was lost of its sound."""
    return {
        session.id: {"drift": session.transport.drift, **session.transport.counted.get("heard", {})}
        for stream in streams.values()
        for session in stream.sessions
    }
