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

    def send_text(self, text: str) -> None:
        """Send text to the client, beside the media. From any thread; never waits."""

    def clear(self) -> None:
        """Forget the sound and pictures that are queued and not yet sent. From any thread."""


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
