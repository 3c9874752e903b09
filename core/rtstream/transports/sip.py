"""A line over SIP: a telephone that calls this machine itself, its sound over plain RTP."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from ..clock import Clock
from ..media.frames import AudioFrame, Frame, Heard
from ..tasks import ended
from .rtp_line import RtpLine

LEAD = 0.04  # seconds: evens out a handler's jitter without a delay that could be heard
LOOK_SECONDS = 1.0  # between two looks at whether anything has come from the far end
SILENT_SECONDS = 30.0  # without a packet of sound or a report of it, after which a caller is taken to be gone
PROBE_SECONDS = 30.0  # between two questions whether a caller that has put us on hold is still there
EARLY_KEPT = 20  # keys that may come before the session listens
LINGER_SECONDS = 0.1  # after its BYE, in which the last of what it said and pressed comes to the handler


class SipTransport:
    """The far end of a SIP call that was answered and confirmed.

    Args:
        line: its sound, which talks already.
        hang_up: ends the call; it does nothing for one that is over.
        probe: asks the caller whether it is there; when nobody answers, `gone` is set.
    """

    lead = LEAD
    phone = True
    channels = 1
    websocket: Any = None
    behind = 0.0

    def __init__(self, line: RtpLine, hang_up: Callable[[], None], probe: Callable[[], None]) -> None:
        self.rate: int | None = line.rate
        self.piece = line.piece
        self.gone = asyncio.Event()
        self._line, self._hang_up, self._probe = line, hang_up, probe
        self._clock = Clock()
        self._hear: Callable[[Heard], None] | None = None
        self._early: deque[Heard] = deque(maxlen=EARLY_KEPT)

    def hear_at(self, rate: int, channels: int) -> None:
        """Say in which form the handler hears."""
        self._line.rtp.hear_at(rate, channels)

    def told(self, heard: Heard) -> None:
        """Take what comes beside the sound: a key that was told by INFO."""
        if self._hear is not None:
            self._hear(heard)
        else:
            self._early.append(heard)

    async def run(self, hear: Callable[[Heard], None]) -> None:
        self._hear = hear
        for heard in self._early:
            hear(heard)
        self._line.listen(hear)
        watching = asyncio.ensure_future(self._watch())
        try:
            await self.gone.wait()
            await self._clock.sleep(LINGER_SECONDS)
        finally:
            await ended(watching)

    async def _watch(self) -> None:
        """See that the caller is there: by its packets, and on hold, when it sends none, by asking."""
        asked = self._clock.now()
        while self._line.on_hold or self._line.silent < SILENT_SECONDS:
            await self._clock.sleep(LOOK_SECONDS)
            if self._line.on_hold and self._clock.now() - asked >= PROBE_SECONDS:
                asked = self._clock.now()
                self._probe()
        self.gone.set()

    def send(self, frame: Frame) -> None:
        if isinstance(frame, AudioFrame):
            self._line.say(frame)

    async def send_message(self, text: str) -> None:
        """Nothing: a telephone shows no text."""

    async def press(self, digits: str) -> bool:
        return await self._line.press(digits)

    async def clear(self) -> None:
        """Nothing: what was sent is as good as played."""

    async def close(self) -> None:
        self.gone.set()
        self._hang_up()
        self._line.close()

    @property
    def drift(self) -> float:
        return self._line.rtp.drift

    @property
    def counted(self) -> dict[str, Any]:
        """What was counted of the sound, see `RtpLine.counted`."""
        return self._line.counted
