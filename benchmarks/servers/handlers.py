"""Echo handlers for the command line: `rtstream serve` and `rtstream test-file`."""

import asyncio
from queue import Queue

from rtstream import AsyncStreamHandler, StreamHandler


class AsyncEcho(AsyncStreamHandler):
    def __init__(self):
        super().__init__(output_sample_rate=48000)
        self.queue = asyncio.Queue()

    async def receive(self, frame):
        self.queue.put_nowait(frame)

    async def emit(self):
        return await self.queue.get()


class SyncEcho(StreamHandler):
    def __init__(self):
        super().__init__(output_sample_rate=48000)
        self.queue = Queue()

    def receive(self, frame):
        self.queue.put(frame)

    def emit(self):
        return self.queue.get()


async def async_function(audio):
    return audio


def plain_function(audio):
    return audio
