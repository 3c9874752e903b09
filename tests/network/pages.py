"""The server of test_page.py: a stream and its page under each of several prefixes.

Run as a program: `python -m tests.network.pages PORT`.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI

from rtstream import Stream, WebRTCError
from rtstream.web.page import mount_page

TIME_LIMIT = 1.0  # seconds, of the stream "timed"
# What cleans speech takes a test's tone for noise.
RAW = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}


def echo(sound: tuple[int, Any]) -> tuple[int, Any]:
    return sound


def red_sky(picture: Any) -> Any:
    picture[: len(picture) // 4] = (0, 0, 255)  # BGR
    return picture


def watch(picture: Any) -> None:
    assert picture.ndim == 3


def tone() -> Iterator[tuple[int, Any]]:
    for start in itertools.count(step=960):
        phase = np.arange(start, start + 960) * 2 * math.pi * 440 / 48_000
        yield 48_000, (np.sin(phase) * 8_000).astype(np.int16)[None]


frames = itertools.count()


def too_loud_once(sound: tuple[int, Any]) -> tuple[int, Any]:
    if next(frames) == 5:
        raise WebRTCError("gain 9.5 is too loud")
    return sound


async def ice_servers() -> dict[str, Any]:
    return {"iceServers": []}


def application() -> FastAPI:
    """The app; `GET /{name}/frames` says how many frames each live connection of a stream has brought."""
    streams = {
        "echo": Stream(echo, modality="audio", concurrency_limit=None, track_constraints=RAW),
        "video": Stream(red_sky, concurrency_limit=None),
        "tone": Stream(tone, modality="audio", mode="receive", rtc_configuration=ice_servers),
        "watch": Stream(watch, mode="send"),
        "one": Stream(echo, modality="audio", concurrency_limit=1),
        "loud": Stream(too_loud_once, modality="audio", track_constraints=RAW),
        "timed": Stream(echo, modality="audio", time_limit=TIME_LIMIT),
    }
    app = FastAPI()
    for name, stream in streams.items():
        stream.mount(app, f"/{name}")
        mount_page(app, stream, f"/{name}", title=name)

    @app.get("/{name}/frames")
    async def frames_in(name: str) -> list[int]:
        return [session.stats.frames_in for session in streams[name].sessions]

    return app


if __name__ == "__main__":
    os.environ.setdefault("RTSTREAM_ICE_ADDRESSES", "127.0.0.1")
    uvicorn.run(application(), port=int(sys.argv[1]), log_level="warning")
