"""The callers of one process: they begin one after another, are told which seconds count, and hang up."""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtstream.errors import ConnectionRefused, RtstreamError
from rtstream.loopback import phone, websocket
from rtstream.loopback import webrtc as whole
from rtstream.loopback.crowd import webrtc
from rtstream.loopback.crowd.figures import Figures, Trial, figures_of
from rtstream.loopback.crowd.voice import Again, Voice
from rtstream.loopback.taken import Taken
from rtstream.options import Mode

BEAT = 0.02  # seconds: how often the callers' own loop is looked at
PATIENCE = 60.0  # seconds that it may take until all have hung up


@dataclass(frozen=True)
class Effort:
    """What it took to call: `cores`, and by how many seconds the callers' own loop was late (the 99th
    percentile), by which they say and hear everything too late; and how many `seconds` that was.
    """

    cores: float
    late: float
    seconds: float


class Crowd:
    """Callers of one stream.

    Args:
        url: of the stream.
        way: "webrtc", "websocket", "phone" or "phone:" and a carrier.
        mode: of the stream.
        voice: what they say.
        trial: what one call told of the handler.
        rates: of the handler, for the WebSocket (`rtstream.loopback.websocket.call`).
    """

    def __init__(
        self,
        url: str,
        way: str,
        mode: Mode,
        voice: Voice,
        trial: Trial,
        rates: tuple[int, int | None] = (48000, None),
    ) -> None:
        self._url, self._way = url, way
        self._mode: Mode = mode
        self._voice, self._trial, self._rates = voice, trial, rates
        self._over = False
        self._calls: list[asyncio.Task[None]] = []
        self._takens: list[tuple[Taken, webrtc.Came]] = []  # of calls that are over
        self._errors: list[RtstreamError] = []  # of those that did not come about

    async def begin(self, delays: Sequence[float]) -> None:
        """Let a call begin after each of these seconds; returns when all stand, or have failed to."""
        if self._is_light and self._mode != "receive":
            _ = self._voice.packets  # coded before the first call, and not in it
        ups = [asyncio.Event() for _ in delays]
        self._calls = [
            asyncio.create_task(self._one(delay, up)) for delay, up in zip(delays, ups, strict=True)
        ]
        await asyncio.gather(*(up.wait() for up in ups))

    async def count(self, seconds: float) -> Effort:
        """Let the seconds that count go by, at least so many that each caller is owed an answer.

        What was said and heard before them does not count.
        """
        gc.collect()
        gc.disable()
        loop, seconds = asyncio.get_running_loop(), max(seconds, self._trial.seconds)
        self._since, begun = loop.time(), time.process_time()
        beats: list[float] = []
        while (now := loop.time()) < self._since + seconds:
            due = self._since + (len(beats) + 1) * BEAT
            await asyncio.sleep(max(due - now, 0.0))
            beats.append(max(loop.time() - due, 0.0))
        self._until = loop.time()
        gc.enable()
        took = self._until - self._since
        cores = (time.process_time() - begun) / took
        return Effort(cores, float(np.quantile(beats, 0.99)), took)

    async def end(self) -> Figures:
        """Hang up, and look at what was heard."""
        early = [taken for taken, _ in self._takens]
        self._over = True
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._calls)
        refused = [
            taken for taken in early if any(isinstance(one, ConnectionRefused) for one in taken.errors)
        ]
        total = Figures(
            calls=len(self._errors),
            refused=len(self._errors) + len(refused),  # a WebSocket says it after its handshake
            gone=len(early) - len(refused),
        )
        total.add(Figures(errors=[error.as_dict() for error in self._errors]))
        while self._takens:  # each is let go when it was looked at: of many calls they are much sound
            taken, came = self._takens.pop()
            if came:
                webrtc.decode(taken, came)
            total.add(figures_of(taken, self._trial, self._voice, self._since, self._until))
        return total

    async def _one(self, delay: float, up: asyncio.Event) -> None:
        await asyncio.sleep(delay)
        script = Again(self._voice, self._mode, lambda: self._over, up.set)
        try:
            self._takens.append(await self._call(script, uuid.uuid4().hex))
        except RtstreamError as error:
            self._errors.append(error)
        finally:
            up.set()

    async def _call(self, script: Again, id: str) -> tuple[Taken, webrtc.Came]:
        if self._is_light:
            return await webrtc.call(self._url, script, id)
        if self._way == "webrtc":
            return await whole.call(self._url, script, id, ("audio",)), []
        if self._way == "websocket":
            return await websocket.call(self._url, script, id, self._rates), []
        return await phone.call(self._url, script, id, self._way.partition(":")[2] or "twilio"), []

    @property
    def _is_light(self) -> bool:
        return self._way == "webrtc" and webrtc.can_call()
