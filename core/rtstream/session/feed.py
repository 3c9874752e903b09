"""The additional outputs of one session, on their way to whoever reads them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ..outputs import AdditionalOutputs
from ..wire import messages

KEPT = 1000  # outputs that nobody has read; then the oldest go


class Feed:
    """A queue of outputs that ends with its session; or the way to a client that asked to be sent them.

    Args:
        tell: sends a text to the client: that an output waits, or what it is.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._taken = False
        self._keeper: Callable[[AdditionalOutputs], None] = self.keep
        self._waiting: deque[AdditionalOutputs] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()
        self._ended = False

    @property
    def unread(self) -> int:
        """How many are there that nobody has read."""
        return len(self._waiting)

    def put(self, outputs: AdditionalOutputs) -> None:
        """Add one, and tell the client of it; the oldest goes when nobody reads."""
        self._keeper(outputs)
        if not self._taken:
            self._tell(messages.output_ready())

    def keep(self, outputs: AdditionalOutputs) -> None:
        """Add one without a word to the client, unless it is sent them themselves."""
        if self._taken:
            return self._tell(messages.output(outputs.args))
        self._waiting.append(outputs)
        self._changed.set()

    def hand_to(self, keeper: Callable[[AdditionalOutputs], None]) -> None:
        """From now on call this with each that the handler gives, instead of keeping them."""
        self._keeper = keeper

    def deliver(self) -> None:
        """From now on send each to the client, those that wait first; nobody else is given any."""
        self._taken = True
        while self._waiting:
            self._tell(messages.output(self._waiting.popleft().args))

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
