"""Gives sound back and shows pictures, each with the moment that it was made at; is slow to look at any.

One file for rtstream and for FastRTC. BENCH_SIZE: of the pictures, such as 1280x720. BENCH_WORK: ms that the
handler sleeps over each picture that comes.
"""

import importlib
import os
import time
from queue import Queue

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

engine = importlib.import_module(os.environ["BENCH_ENGINE"])
WIDTH, HEIGHT = map(int, os.environ.get("BENCH_SIZE", "1280x720").split("x"))
WORK = float(os.environ.get("BENCH_WORK", "0")) / 1000
RATE, LOOP, BITS = 30, 30, 16
BLOCK = WIDTH // (BITS + 2)


def drawn(number):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    t = 2 * np.pi * number / LOOP
    waves = [np.sin(x / 37 + t), np.sin(y / 53 - t), np.sin((x - y) / 61 + t)]
    grain = np.random.default_rng(number).normal(0, 6, (HEIGHT, WIDTH, 1))
    return np.clip(128 + 80 * np.stack(waves, axis=-1) + grain, 0, 255).astype(np.uint8)


LOOPED = [drawn(number) for number in range(LOOP)]


def stamped(number):
    """A picture with the moment, in ms modulo 65536, as white and black blocks along its top."""
    picture = LOOPED[number % LOOP].copy()
    moment = int(1000 * time.monotonic()) & 0xFFFF
    for place, white in enumerate([1, 0, *(moment >> bit & 1 for bit in range(BITS))]):
        picture[: HEIGHT // 8, place * BLOCK : (place + 1) * BLOCK] = 235 if white else 20
    return picture


class Both(engine.AudioVideoStreamHandler):
    def __init__(self):
        super().__init__("mono", output_sample_rate=48000, input_sample_rate=48000)
        self.sounds = Queue()
        self.number, self.due = 0, 0.0

    def copy(self):
        return Both()

    def start_up(self):
        pass

    def receive(self, frame):
        self.sounds.put(frame)

    def emit(self):
        return self.sounds.get()

    def video_receive(self, frame):
        time.sleep(WORK)

    def video_emit(self):
        now = time.monotonic()
        self.due = max(self.due + 1 / RATE, now - 0.1)
        time.sleep(max(0.0, self.due - now))
        self.number += 1
        return stamped(self.number)

    def shutdown(self):
        self.sounds.put(None)


stream = engine.Stream(
    Both(),
    modality="audio-video",
    mode="send-receive",
    concurrency_limit=1000,
    server_rtc_configuration={"iceServers": []},
    verbose=False,
)
app = FastAPI()


class Offer(BaseModel):
    sdp: str
    type: str
    webrtc_id: str


@app.post("/webrtc/offer")
async def offer(body: Offer):
    answer = await stream.offer(body)
    if engine.__name__ == "fastrtc":
        stream.set_input(body.webrtc_id, None)
    return answer


stream.mount(app, path="/inner")
