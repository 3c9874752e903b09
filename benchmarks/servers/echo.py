"""Echoes sound. One file for rtstream and for FastRTC: only the import differs.

BENCH_HANDLER: `async`, `sync` (the documented echo, whose `emit` waits in a queue) or `polling` (an
`emit` that gives None when there is nothing, as FastRTC's ReplyOnPause does); with rtstream also
`function` (a plain coroutine function). BENCH_RATE: the handler's rate.
"""

import asyncio
import importlib
import os
from queue import Empty, Queue

from fastapi import FastAPI

engine = importlib.import_module(os.environ["BENCH_ENGINE"])
RATE = int(os.environ.get("BENCH_RATE", "48000"))


class AsyncEcho(engine.AsyncStreamHandler):
    def __init__(self):
        super().__init__("mono", output_sample_rate=RATE, input_sample_rate=RATE)
        self.queue = asyncio.Queue()

    def copy(self):
        return type(self)()

    async def start_up(self):
        pass

    async def receive(self, frame):
        self.queue.put_nowait(frame)

    async def emit(self):
        return await self.queue.get()

    async def shutdown(self):
        pass


class SyncEcho(engine.StreamHandler):
    def __init__(self):
        super().__init__("mono", output_sample_rate=RATE, input_sample_rate=RATE)
        self.queue = Queue()

    def copy(self):
        return type(self)()

    def start_up(self):
        pass

    def receive(self, frame):
        self.queue.put(frame)

    def emit(self):
        return self.queue.get()

    def shutdown(self):
        pass


class PollingEcho(SyncEcho):
    def emit(self):
        try:
            return self.queue.get_nowait()
        except Empty:
            return None


async def echo(audio):
    return audio


HANDLERS = {"async": AsyncEcho, "sync": SyncEcho, "polling": PollingEcho, "function": lambda: echo}

stream = engine.Stream(
    HANDLERS[os.environ.get("BENCH_HANDLER", "async")](),
    modality="audio",
    mode="send-receive",
    concurrency_limit=5000,
    server_rtc_configuration={"iceServers": []},
    verbose=False,
)
app = FastAPI()
stream.mount(app)
