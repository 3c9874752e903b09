"""What was heard, on its way to the handler, one kind of media at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Literal

import numpy as np

from ..media.frames import AudioFrame, Kind, VideoFrame
from ..media.resample import Resampler
from .eager import Eager
from .queue import Bell, FrameQueue

# What may wait for a slow handler; then the oldest goes.
HEARD_KEPT = 2.0  # seconds of sound
PICTURES_KEPT = 1  # a second one would only add delay (benchmarks/video.py)


class Ear:
    """What was heard and waits for the handler, in the form that the handler takes."""

    def __init__(self, kind: Kind, rate: int, layout: Literal["mono", "stereo"]) -> None:
        self._bell = Bell()
        self._queue: FrameQueue[AudioFrame | VideoFrame] = (
            FrameQueue(room=HEARD_KEPT, bell=self._bell)
            if kind == "audio"
            else FrameQueue(most=PICTURES_KEPT, bell=self._bell)
        )
        self._resampler = Resampler(rate, 1 if layout == "mono" else 2) if kind == "audio" else None
        self._hear: Callable[[Any], Coroutine[Any, Any, None]] | None = None
        self._waiting: Eager | None = None

    @property
    def dropped(self) -> int:
        """How many frames went because the handler was too slow."""
        return self._queue.dropped

    def push(self, frame: AudioFrame | VideoFrame) -> None:
        """Take a frame from the transport: the handler is called with it at once if it waits for one."""
        if self._waiting is None or self._hear is None:  # if it does wait, nothing is queued
            self._queue.push(frame)
        elif (media := self._formed(frame)) is not None and not self._waiting.begin(self._hear(media)):
            self._waiting = None
            self._bell.ring()

    async def serve(self, hear: Callable[[Any], Coroutine[Any, Any, None]], context: Context) -> None:
        """Call `hear` with each frame, one after another, for as long as the session lasts.

        Args:
            hear: takes `(rate, samples)` or an array of pixels.
            context: of the task that serves.
        """
        self._hear, eager = hear, Eager(context)
        while True:
            if eager.unfinished:
                await eager.finish()
            elif self._queue:
                if (media := self._formed(self._queue.take())) is not None:
                    await hear(media)
            else:
                await self._wait(eager)

    async def _wait(self, eager: Eager) -> None:
        self._waiting = eager
        try:
            await self._bell.wait()
        except asyncio.CancelledError:
            if not eager.unfinished:
                raise
            await eager.finish(cancelled=True)
        finally:
            self._waiting = None

    def _formed(self, frame: AudioFrame | VideoFrame) -> Any:
        """The frame as the handler takes it; None if the resampler still holds it back."""
        if isinstance(frame, VideoFrame):
            return frame.pixels
        assert self._resampler is not None
        if (sound := self._resampler.push(frame)) is None:
            return None
        samples = sound.samples
        interleaved = samples if len(samples) == 1 else np.ascontiguousarray(samples.T).reshape(1, -1)
        return sound.rate, interleaved
