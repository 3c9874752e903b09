"""The speaker of one session: what is said, window by window, each with the probability that it is speech."""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

import numpy as np

from ..errors import HandlerHung
from ..media.frames import AudioFrame
from ..turns.vad import VadModel, VadStream
from ..turns.windows import Window, Windows
from .asking import Asked, probability

HUNG_AFTER = 3.0  # seconds that a voice detector may take for 32 ms of sound


class Speaker:
    """One speaker and the voice detector that listens.

    Args:
        model: where the detector comes from.
        rate, layout: of what `push` is given.
    """

    def __init__(self, model: VadModel, rate: int, layout: Literal["mono", "stereo"]) -> None:
        self._model = model
        self._layout = layout
        self._windows = Windows(rate)
        self._waiting: deque[Window] = deque()
        self._asked = Asked("the voice detector", HUNG_AFTER)
        self._detector: VadStream | None = None

    def push(self, frame: tuple[int, Any]) -> None:
        """Take sound as `receive` is given it."""
        rate, samples = frame
        if self._layout == "stereo":
            samples = samples.reshape(-1, 2).mean(axis=1).astype(np.int16)[None, :]
        self._waiting.extend(self._windows.push(AudioFrame(samples, rate)))

    def next(self) -> Window | None:
        """The next whole window, None when there is none yet."""
        return self._waiting.popleft() if self._waiting else None

    async def probability(self, window: Window) -> float:
        """How probable it is that the window holds speech.

        Raises:
            HandlerHung: the detector did not answer; the next window is put to a new one.
            HandlerReturnedNonsense: it gave no probability.
            Exception: what it raises.
        """
        if (detector := self._detector) is None:
            detector = await self._fresh()
        try:
            answer = await self._ask(detector, window)
        except HandlerHung:
            self._detector = None
            raise
        return probability(answer, who="the voice detector", of="of speech", argument="model")

    async def _fresh(self) -> VadStream:
        detector: VadStream = await self._asked.ask(self._model.stream)
        if self._model.quick:
            self._asked.close()
        self._detector = detector
        return detector

    async def _ask(self, detector: VadStream, window: Window) -> Any:
        return detector(window) if self._model.quick else await self._asked.ask(detector, window)

    def close(self) -> None:
        """Give back what the detector holds."""
        self._asked.close()
        if self._detector is not None:
            self._detector.close()
            self._detector = None
