"""The three forms of text to speech, made from one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from typing import Any

import numpy as np

from ..worker import Worker
from .protocols import Audio


class TTS(ABC):
    """An engine that gives pieces of sound one after the other; a subclass writes `stream_tts_sync`."""

    @abstractmethod
    def stream_tts_sync(self, text: str, options: Any = None) -> Generator[Audio, None, None]:
        """The text as pieces of sound `(rate, samples)`, samples int16 or float32 of the shape `(n,)`.

        The first comes as soon as it exists. For code that runs in a thread.
        """

    def tts(self, text: str, options: Any = None) -> Audio:
        """The whole text as one piece of sound. Blocks; empty if nothing in the text can be spoken."""
        pieces = list(self.stream_tts_sync(text, options))
        if not pieces:
            return 24000, np.empty(0, np.int16)
        return pieces[0][0], np.concatenate([samples for _, samples in pieces])

    async def stream_tts(self, text: str, options: Any = None) -> AsyncGenerator[Audio, None]:
        """The text as pieces of sound, for coroutines: the engine works in a thread."""
        worker = Worker("rtstream-speech")
        pieces = self.stream_tts_sync(text, options)
        try:
            while (piece := await worker.run(next, pieces, None)) is not None:
                yield piece
        finally:
            worker.close()  # which ends a call that still runs, and the generator with it
            with suppress(ValueError):  # "generator already executing"
                pieces.close()
