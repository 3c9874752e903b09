"""Which connection the running code belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar, overload

from .errors import OptionError

Hearing = TypeVar("Hearing", bound=Callable[[str], Any])


@dataclass(frozen=True)
class Call:
    """A telephone call, as its carrier tells of it.

    Attributes:
        carrier: "twilio" (SignalWire's calls too), "telnyx", "plivo", "vonage", "exotel" or "sip".
        id: the call's own id at the carrier, which its REST API takes; "" when it tells none.
        caller, callee: the numbers, as the carrier writes them (mostly E.164: "+4930…"); "" when unknown.
        parameters: the custom parameters of the call, by name; over SIP the headers that begin with X-.
        codec: in which its sound comes, over SIP: "PCMU", "PCMA", "G722" or "opus"; "" elsewhere.
    """

    carrier: str
    id: str = ""
    caller: str = ""
    callee: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    codec: str = ""

    def completed(self, known: Call | None) -> Call:
        """This call, and what it lacks from what was known of it before."""
        if known is None:
            return self
        return Call(
            self.carrier,
            self.id or known.id,
            self.caller or known.caller,
            self.callee or known.callee,
            {**known.parameters, **self.parameters},
        )


@dataclass(frozen=True)
class Context:
    """The connection that a handler is running for.

    `webrtc_id` is the connection's id on every transport (on the telephone the carrier's stream id);
    `websocket` is its WebSocket, or None on WebRTC; `call` is the telephone call, or None elsewhere.
    """

    webrtc_id: str
    websocket: Any = None
    call: Call | None = None


class Line(Protocol):
    """What a handler may ask of the connection it serves."""

    context: Context
    phone: bool
    speaks: bool  # whether sound or pictures go to the client

    def send_text(self, text: str) -> None:
        """Send text to the client, beside the media. From any thread; never waits."""

    def hear_text(self, fn: Callable[[str], Any]) -> None:
        """Call `fn`, plain or async, with each text that the client sends from now on; in the event loop."""

    def clear(self) -> None:
        """Forget the sound and pictures that are queued and not yet played. From any thread."""

    async def all_played(self) -> None:
        """Wait until the client has played all that was given, or has been made to forget it."""

    @property
    def seconds_played(self) -> float:
        """Seconds of sound that the client has played so far."""
        ...


@dataclass(frozen=True)
class Channel:
    """The way to a client for text, as FastRTC's users have it: with the names of aiortc's data channel."""

    line: Line

    @property
    def readyState(self) -> str:  # aiortc's name
        """Always "open": what is sent before the client has its data channel waits for it."""
        return "open"

    def send(self, message: str) -> None:
        """Send text to the client. From any thread; never waits. Carriers are sent none."""
        self.line.send_text(message)

    @overload
    def on(self, event: str) -> Callable[[Hearing], Hearing]: ...
    @overload
    def on(self, event: str, fn: Hearing) -> Hearing: ...
    def on(self, event: str, fn: Callable[[str], Any] | None = None) -> Any:
        """Call a function, plain or async, with each text of the client: `@channel.on("message")`.

        Raises:
            OptionError: for another event.
        """
        if event != "message":
            raise OptionError(
                f"channels have no event {event!r}",
                fix='Use "message"; `start_up` and `shutdown` tell the rest',
            )
        if fn is None:
            return partial(self.on, event)
        self.line.hear_text(fn)
        return fn


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
