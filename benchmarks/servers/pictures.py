"""Gives pictures back; BENCH_SLOW of its connections take BENCH_WORK ms a picture (the first ones).

One file for rtstream and for FastRTC. FastRTC calls a video handler only after `set_input`, so the
offer's route does that for it.
"""

import importlib
import os
import time

from fastapi import FastAPI
from pydantic import BaseModel

engine = importlib.import_module(os.environ["BENCH_ENGINE"])
WORK = float(os.environ.get("BENCH_WORK", "0")) / 1000
SLOW = int(os.environ.get("BENCH_SLOW", "1"))
seen = []


def give_back(picture):
    if WORK and engine.get_current_context().webrtc_id in seen[:SLOW]:
        time.sleep(WORK)
    return picture


stream = engine.Stream(
    give_back,
    modality="video",
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
    seen.append(body.webrtc_id)
    answer = await stream.offer(body)
    if engine.__name__ == "fastrtc":
        stream.set_input(body.webrtc_id, None)
    return answer


@app.get("/ping")
async def ping():
    return "pong"


stream.mount(app, path="/inner")
