"""The senders of all calls in one event loop, which encode more cheaply while that is busy."""

from __future__ import annotations

import asyncio

from ..clock import Clock
from ..rtp.effort import Effort
from ..rtp.sender import AudioSender

LOOK_SECONDS = 1.0  # between two looks at how busy it is

_of_loops: dict[asyncio.AbstractEventLoop, Sparing] = {}


class Sparing:
    """Looks how much of its core a loop uses up, as long as it has senders, and tells all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._clock = loop, Clock()
        self._senders: set[AudioSender] = set()
        self._effort = Effort(self._clock.worked(), self._clock.now())
        self._due = loop.call_later(LOOK_SECONDS, self._look)

    def add(self, sender: AudioSender) -> None:
        """Tell one more, from the next look on."""
        self._senders.add(sender)

    def remove(self, sender: AudioSender) -> None:
        """Tell it no more; without any this ends."""
        self._senders.remove(sender)
        if not self._senders:
            self._due.cancel()
            del _of_loops[self._loop]

    def _look(self) -> None:
        spares = self._effort.look(self._clock.worked(), self._clock.now())
        for sender in self._senders:
            sender.spare(spares)
        self._due = self._loop.call_later(LOOK_SECONDS, self._look)


def sparing() -> Sparing:
    """The one of the running loop."""
    loop = asyncio.get_running_loop()
    if (found := _of_loops.get(loop)) is None:
        found = _of_loops[loop] = Sparing(loop)
    return found
