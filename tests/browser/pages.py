"""The server of the browser tests: streams of all kinds, each with its page under its own prefix.

Run as a program: `python -m tests.browser.pages PORT`.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from rtstream import (
    AdditionalOutputs,
    AsyncAudioVideoStreamHandler,
    CloseStream,
    Stream,
    Warning,
    WebRTCError,
)
from rtstream.inputs import Input
from rtstream.web.page import mount_page

TIME_LIMIT = 1.0  # seconds, of the stream "timed"
# What cleans speech takes a test's tone for noise.
RAW = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
BOTH = {"audio": RAW, "video": True}

Sound = tuple[int, Any]

loudest: dict[str, float] = {}  # sound that came so far, by the name of its stream
brightest: dict[str, float] = {}  # picture


def echo(sound: Sound) -> Sound:
    return sound


def red_sky(picture: Any) -> Any:
    picture[: len(picture) // 4] = (0, 0, 255)  # BGR
    return picture


def tone() -> Iterator[Sound]:
    for start in itertools.count(step=960):
        phase = np.arange(start, start + 960) * 2 * math.pi * 440 / 48_000
        yield 48_000, (np.sin(phase) * 8_000).astype(np.int16)[None]


def blue() -> Iterator[Any]:
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:] = (255, 0, 0)
    while True:
        yield picture


def listener(name: str) -> Callable[[Sound], None]:
    def listen(sound: Sound) -> None:
        loudest[name] = max(loudest.get(name, 0), float(np.abs(sound[1]).max()))

    return listen


def watcher(name: str) -> Callable[[Any], None]:
    def watch(picture: Any) -> None:
        brightest[name] = max(brightest.get(name, 0), float(picture.mean()))

    return watch


class Film(AsyncAudioVideoStreamHandler):
    """Sound and pictures, sent back."""

    def __init__(self, name: str = "") -> None:
        super().__init__(output_sample_rate=48_000, fps=15)
        self.listen, self.watch = listener(name), watcher(name)
        self.sounds: asyncio.Queue[Sound] = asyncio.Queue()
        self.pictures: asyncio.Queue[Any] = asyncio.Queue(1)

    async def receive(self, frame: Sound) -> None:
        self.listen(frame)
        self.sounds.put_nowait(frame)

    async def emit(self) -> Any:
        return await self.sounds.get()

    async def video_receive(self, frame: Any) -> None:
        self.watch(frame)
        if self.pictures.full():
            self.pictures.get_nowait()
        self.pictures.put_nowait(red_sky(frame))

    async def video_emit(self) -> Any:
        return await self.pictures.get()


class Cinema(Film):
    """Sound and pictures of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.tone, self.blue = tone(), blue()

    async def emit(self) -> Any:
        return next(self.tone)

    async def video_emit(self) -> Any:
        return next(self.blue)


frames = itertools.count()


def too_loud_once(sound: Sound) -> Sound:
    if next(frames) % 100 == 5:
        raise WebRTCError("gain 9.5 is too loud")
    return sound


def broken(sound: Sound) -> Sound:
    raise FileNotFoundError("the model file is not there")


def warned() -> Iterator[Any]:
    Warning("The line is thin")
    yield next(tone())
    yield CloseStream("That was all")


async def ice_servers() -> dict[str, Any]:
    return {"iceServers": []}


told: list[Any] = []


def louder(
    sound: Sound, gain: float, name: str, on: bool, voice: str
) -> tuple[Sound, AdditionalOutputs] | Sound:
    """Tells what its inputs are whenever they change."""
    said = [gain, name, on, voice]
    loud = sound[0], (sound[1] * gain).astype(np.int16) if on else sound[1] * 0
    if said == told:
        return loud
    told[:] = said
    return loud, AdditionalOutputs(*said)


INPUTS = [
    Input("Gain", 1.0, minimum=0.0, maximum=2.0, step=0.1),
    Input("Name", "Ada"),
    Input("On", True),
    Input("Voice", "low", choices=("low", "high")),
]


def clock() -> Iterator[Any]:
    """Says the time ten times a second, and a chat, and what is hard to write in JSON."""
    chat = [{"role": "user", "content": "What time is it?"}]
    for number in itertools.count():
        yield from itertools.islice(tone(), 5)
        yield AdditionalOutputs(time.time() * 1000)
        if number == 3:
            yield AdditionalOutputs([*chat, {"role": "assistant", "content": "Time to <b>talk</b>"}])
            yield AdditionalOutputs(
                {"nothing": float("nan"), "array": np.zeros(3), "big": np.zeros((480, 640))}
            )


class Timed(AsyncAudioVideoStreamHandler):
    """Notes when its inputs arrive, by the wall clock."""

    at: float = 0.0

    async def receive(self, frame: Sound) -> None: ...
    async def emit(self) -> Any:
        return await asyncio.get_running_loop().create_future()

    async def video_receive(self, frame: Any) -> None: ...
    async def video_emit(self) -> Any:
        return await asyncio.get_running_loop().create_future()

    def set_args(self, args: Any) -> None:
        super().set_args(args)
        Timed.at = time.time() * 1000


RELAY = {"iceTransportPolicy": "relay", "iceServers": [
    {"urls": "turn:127.0.0.1:4789?transport=tcp", "username": "u", "credential": "c"}
]}  # fmt: skip


def streams() -> dict[str, Stream]:
    """The streams by the prefixes of their pages: the nine cells first, then what may go wrong."""
    many: Any = {"concurrency_limit": None, "verbose": False}
    sound: Any = {"modality": "audio", "track_constraints": RAW, **many}
    both: Any = {"modality": "audio-video", "track_constraints": BOTH, **many}
    return {
        "audio-send-receive": Stream(echo, **sound),
        "audio-send": Stream(listener("audio-send"), mode="send", **sound),
        "audio-receive": Stream(tone, mode="receive", rtc_configuration=ice_servers, **sound),
        "video-send-receive": Stream(red_sky, **many),
        "video-send": Stream(watcher("video-send"), mode="send", **many),
        "video-receive": Stream(blue, mode="receive", **many),
        "audio-video-send-receive": Stream(Film("audio-video-send-receive"), **both),
        "audio-video-send": Stream(Film("audio-video-send"), mode="send", **both),
        "audio-video-receive": Stream(Cinema(), mode="receive", **both),
        "one": Stream(echo, modality="audio", concurrency_limit=1, verbose=False),
        "radio": Stream(tone, modality="audio", mode="receive", concurrency_limit=1, verbose=False),
        "loud": Stream(too_loud_once, **sound),
        "broken": Stream(broken, **sound),
        "warned": Stream(warned, mode="receive", **sound),
        "timed": Stream(echo, time_limit=TIME_LIMIT, **sound),
        "relay": Stream(echo, rtc_configuration=RELAY, **sound),
        "louder": Stream(louder, additional_inputs=INPUTS, **sound),
        "clock": Stream(clock, mode="receive", **sound),
        "moved": Stream(Timed(), additional_inputs=[Input("Level", 0.5, minimum=0, maximum=1)], **both),
    }


def application() -> FastAPI:
    """The app: `/live` counts connections, `/{name}/seen` tells what those of a stream have brought."""
    served = streams()
    app = FastAPI()
    for name, stream in served.items():
        stream.mount(app, f"/{name}")
        mount_page(app, stream, f"/{name}", title=name)

    @app.get("/bare")
    async def bare() -> HTMLResponse:
        """A page of somebody else, without a policy."""
        return HTMLResponse("<!doctype html><title>bare</title><rt-stream></rt-stream>")

    @app.get("/live")
    async def live() -> int:
        return sum(len(stream.sessions) for stream in served.values())

    @app.get("/moved/at")
    async def moved_at() -> float:
        return Timed.at

    @app.get("/{name}/seen")
    async def seen(name: str) -> list[dict[str, float]]:
        peaks = {"loudest": loudest.get(name, 0.0), "brightest": brightest.get(name, 0.0)}
        return [{"frames": session.stats.frames_in, **peaks} for session in served[name].sessions]

    return app


if __name__ == "__main__":
    os.environ.setdefault("RTSTREAM_ICE_ADDRESSES", "127.0.0.1")
    uvicorn.run(application(), port=int(sys.argv[1]), log_level="error")
