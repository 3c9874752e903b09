"""Which connection the running code belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Context:
    """The connection that a handler is running for.

    `webrtc_id` is the connection's id on every transport (on the telephone the carrier's stream id);
    `websocket` is its WebSocket, or None on WebRTC.
    """

    webrtc_id: str
    websocket: Any = None


class Line(Protocol):
    """What a handler may ask of the connection it serves."""

    context: Context
    phone: bool
    speaks: bool  # whether sound or pictures go to the client

    def send_text(self, text: str) -> None:
        """Send text to the client, beside the media. From any thread; never waits."""

    def clear(self) -> None:
        """Forget the sound and pictures that are queued and not yet played. From any thread."""

    async def all_played(self) -> None:
        """Wait until the client has played all that was given, or has been made to forget it."""

    @property
    def seconds_played(self) -> float:
        """Seconds of sound that the client has played so far."""
        ...


current_line: ContextVar[Line | None] = ContextVar("rtstream_line", default=None)


def get_current_context() -> Context:
    """The context of the connection that the calling handler serves.

    Raises:
        RuntimeError: outside a handler ("No context found").
    """
    line = current_line.get()
    if line is None:
        raise RuntimeError("No context found: get_current_context() works inside a running handler only")
    return line.context
