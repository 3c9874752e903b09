"""Browsers that talk, many at once: the scene of `sound` as Opus, and what comes back read afterwards."""

from __future__ import annotations

import asyncio
import gc
import time
from functools import lru_cache
from typing import Any

import av
import httpx
import numpy as np

from rtstream.media.frames import AudioFrame
from rtstream.media.resample import Resampler

from . import sound
from .browser import STEP, Call
from .processes import Program
from .telephone import LONGEST_DELAY, TAIL, Load

RATE = 48_000
FRAMES = sound.SECONDS * 50
AT_ONCE = 4  # calls that are set up beside each other


@lru_cache
def wave() -> np.ndarray:
    """The scene at 48 kHz, as far into itself as its packets: the filter's delay is in both."""
    resampled = Resampler(RATE)
    pieces = [resampled.push(AudioFrame(sound.scene()[None], sound.RATE)), resampled.flush()]
    return np.concatenate([piece.samples[0] for piece in pieces if piece is not None])


@lru_cache
def packets() -> list[bytes]:
    """The scene, 20 ms a packet, as a browser codes speech: mono, 32 kb/s."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = RATE, "mono", "s16", 32_000
    coded: list[bytes] = []
    for at in range(0, FRAMES * 960, 960):
        frame = av.AudioFrame.from_ndarray(wave()[None, at : at + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, at
        coded += [bytes(packet) for packet in encoder.encode(frame)]
    return coded


class Caller:
    """One call, and when it sent which packet."""

    def __init__(self, offset: int) -> None:
        self.call, self.offset = Call(), offset
        self.sent: list[float] = []
        self.lost = True

    async def open(self, client: httpx.AsyncClient) -> None:
        try:
            await self.call.open(client)
            self.lost = False
        except (ConnectionError, TimeoutError, httpx.HTTPError):
            pass

    def speak(self, now: float) -> None:
        count = len(self.sent)
        self.sent.append(now)
        self.call.send(packets()[(self.offset + count) % FRAMES], count * 960)

    def heard(self) -> tuple[sound.Samples, np.ndarray]:
        """The sound that came back at 8 kHz, and when each sample did."""
        decoder: Any = av.CodecContext.create("libopus", "r")
        decoder.sample_rate, decoder.layout, decoder.format = RATE, "mono", "s16"
        pieces, times = [], []
        for packet in self.call.packets():
            for frame in decoder.decode(av.Packet(packet.payload)):
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels)).mean(axis=1)
                pieces.append(samples[: samples.size // 6 * 6].reshape(-1, 6).mean(axis=1))
                times.append(packet.arrived + np.arange(pieces[-1].size) / sound.RATE)
        if not pieces:
            return np.zeros(0, np.int16), np.zeros(0)
        return np.concatenate(pieces).astype(np.int16), np.maximum.accumulate(np.concatenate(times))

    def bursts(self, since: float) -> list[tuple[int, float]]:
        """The bursts that were sent from `since` on, and not in the last moment."""
        first = round(sound.BURST_AT / STEP)
        return [
            ((self.offset + count) % FRAMES // 50, at)
            for count, at in enumerate(self.sent)
            if (self.offset + count) % 50 == first and since <= at < self.sent[-1] - TAIL
        ]


async def place(server: Program, calls: int, warmup: float, seconds: float) -> Load:
    """Hold so many calls at once; what counts are the `seconds` after the `warmup`."""
    idle = server.memory()
    callers = [Caller(37 * number % FRAMES) for number in range(calls)]
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:

        async def one(caller: Caller) -> None:
            async with gate:
                await caller.open(client)

        await asyncio.gather(*map(one, callers))
    packets()
    gc.disable()
    await _talk(callers, warmup)
    since, cpu, own = time.monotonic(), server.cpu(), time.process_time()
    await _talk(callers, seconds)
    took = time.monotonic() - since
    cpu, own = server.cpu() - cpu, time.process_time() - own
    load = Load(calls, cpu / took, own / took, (server.memory() - idle) / calls, server.threads())
    gc.enable()
    for caller in callers:
        load.lost += caller.lost
        samples, times = caller.heard()
        found = sound.find(samples, times, caller.bursts(since), LONGEST_DELAY)
        load.delays += found.delays
        load.missed += found.missed
        # Who falls silent is answered with a silence, which is no sound that was said.
        back = (times >= since) & (times < since + took)
        load.delivered += float(back.sum()) / sound.RATE / took / calls
        await caller.call.close()
    return load


async def _talk(callers: list[Caller], seconds: float) -> None:
    """Let each caller say a packet every 20 ms, their phases spread evenly."""
    begin, spread = time.monotonic(), STEP / len(callers)
    for turn in range(round(seconds / STEP)):
        for number, caller in enumerate(callers):
            if (left := begin + turn * STEP + number * spread - time.monotonic()) > 0.0005:
                await asyncio.sleep(left)
            if not caller.lost:
                caller.speak(time.monotonic())
        await asyncio.sleep(0)
