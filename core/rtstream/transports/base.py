"""The one shape of a line to a far end: what a session needs of a browser, a telephone, a file or a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, runtime_checkable

from ..media.frames import Frame, Heard


class Transport(Protocol):
    """A two-way line to one far end.

    Attributes:
        rate: samples a second of the sound that the far end is sent; None: what the handler likes.
        lead: how many seconds ahead of the clock the far end may be fed.
        phone: whether the far end is a telephone carrier, which is sent nothing but its own protocol.
        channels: how many channels of sound the far end can be sent.
        piece: seconds of sound that the far end is sent at a time.
        behind: how many seconds late the far end plays what it is sent, as far as it tells.
        drift: by how much the far end's clock is faster than this one, as a share, as far as that is known:
            what it says and hears again would else pile up, a little more each minute.
        websocket: the WebSocket behind it, if there is one.
    """

    rate: int | None
    lead: float
    phone: bool
    channels: int
    piece: float
    websocket: Any

    @property
    def behind(self) -> float: ...

    @property
    def drift(self) -> float: ...

    async def run(self, hear: Callable[[Heard], None]) -> None:
        """Hand all that the far end says to `hear`, which never waits; return when the far end is gone."""

    def send(self, frame: Frame) -> Awaitable[None] | None:
        """Send a frame, sound at `rate` in pieces of `piece` seconds. Does nothing on a line that is gone.

        Returns:
            what to wait for before the next one; None if there is nothing, which costs least.
        """

    async def send_message(self, text: str) -> None:
        """Send text beside the media, in order with the other texts. May be called early: it is kept."""

    async def clear(self) -> None:
        """Make the far end forget what it was sent and has not yet played."""

    async def close(self) -> None:
        """Hang up. Safe to call twice, and on a line that is gone."""


@runtime_checkable
class Keys(Protocol):
    """A line that may have messages for the keys of a telephone."""

    async def press(self, digits: str) -> bool:
        """Press keys at the far end, one after another; False when this line has no message for that."""
        ...
