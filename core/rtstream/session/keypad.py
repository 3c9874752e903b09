"""The keys of one session: those that the caller presses, on their way to the handler, and those sent out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

from ..handlers.base import StreamHandlerBase
from ..handlers.shapes import Listener
from ..media.dtmf import Detector, dialled, tones
from ..media.frames import AudioFrame, Digit
from ..transports.base import Keys, Transport

KEYS_KEPT = 100  # that may wait for a slow handler; then the newest are lost


class Keypad:
    """The keys that were pressed and wait for the handler.

    Args:
        listener: what is called with each; None if nobody wants them.
        in_audio: whether they are to be found in the sound; else the line tells of them.
    """

    def __init__(self, listener: Listener | None, *, in_audio: bool) -> None:
        self.listeners = [listener] if listener is not None else []
        self.dropped = 0
        self._pressed: asyncio.Queue[str] = asyncio.Queue(KEYS_KEPT)
        self.in_audio, self._told = in_audio and listener is not None, not in_audio and listener is not None
        self._detector = Detector()

    @classmethod
    def of(cls, handler: StreamHandlerBase, fn: Callable[[str], Any] | None, *, told: bool) -> Self:
        """The keypad of a handler.

        Args:
            fn: the stream's `on_dtmf`, for a handler without one of its own.
            told: whether the line tells of keys; then they are looked for in the sound only if it wants that.
        """
        in_audio = not told if handler.dtmf_in_audio is None else handler.dtmf_in_audio
        return cls(handler.keypad(fn), in_audio=in_audio)

    def listen(self, frame: AudioFrame) -> None:
        """Take what is heard where it may hold keys (`in_audio`): they are found by their tones."""
        for key in self._detector.push(frame):
            self._take(key)

    def push(self, digit: Digit) -> None:
        """Take a key that the line tells of; where keys are found in the sound it would be there twice."""
        if self._told:
            self._take(digit.digit)

    async def next(self) -> str:
        """The next key."""
        return await self._pressed.get()

    def _take(self, key: str) -> None:
        try:
            self._pressed.put_nowait(key)
        except asyncio.QueueFull:
            self.dropped += 1


async def dial(digits: str, transport: Transport) -> AudioFrame | None:
    """Press keys at the far end: by a message where the line has one for them.

    Elsewhere, and where the string holds waits, returns their sound, which is then to be sent.
    """
    keys = "".join(key.digit or "" for key in dialled(digits))
    if len(keys) == len(digits) and isinstance(transport, Keys) and await transport.press(keys):
        return None
    return tones(digits)
