"""The additional outputs of one session, on their way to whoever reads them."""

from __future__ import annotations

import asyncio
from collections import deque

from ..outputs import AdditionalOutputs

KEPT = 1000  # outputs that nobody has read; then the oldest go


class Feed:
    """A queue of outputs that ends with its session."""

    def __init__(self) -> None:
        self._waiting: deque[AdditionalOutputs] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()
        self._ended = False

    @property
    def unread(self) -> int:
        """How many are there that nobody has read."""
        return len(self._waiting)

    def put(self, outputs: AdditionalOutputs) -> None:
        """Add one; the oldest goes when nobody reads."""
        self._waiting.append(outputs)
        self._changed.set()

    def end(self) -> None:
        """No more will come; what is there can still be read."""
        self._ended = True
        self._changed.set()

    async def next(self) -> AdditionalOutputs | None:
        """Take the oldest; wait for one; None when the session has ended and all is read."""
        while not self._waiting:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()
