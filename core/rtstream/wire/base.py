"""What a WebSocket dialect tells the transport, and what the transport asks of it."""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ..context import Call
from ..errors import BadMessage
from ..media.frames import AudioFrame, Digit

MOST_TEXT = 64 * 1024  # characters or bytes in a message; an honest one of 20 ms has less than 3,000


@dataclass(frozen=True)
class Started:
    """The far end has said who it is; a telephone carrier also tells of the call."""

    id: str
    call: Call | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Reply:
    """The dialect itself answers with this text."""

    text: str


@dataclass(frozen=True)
class Marked:
    """The far end has played all that came before the mark of that name."""

    name: str


@dataclass(frozen=True)
class Stopped:
    """The far end is done."""


_JSON = json.JSONDecoder()

Event: TypeAlias = Started | AudioFrame | Digit | Reply | Marked | Stopped


class Wire(Protocol):
    """One dialect: messages to events and back. It keeps what the dialect makes it remember, and no socket.

    Attributes:
        phone: whether it is a telephone carrier's.
        rate: samples a second of the sound to the far end; None for the handler's. Known once it has started.
        lead: how many seconds ahead of the clock the far end may be fed.
        piece: seconds of sound in one message. Known once it has started.
    """

    phone: bool
    rate: int | None
    lead: float
    piece: float

    def decode(self, said: str | bytes, /) -> list[Event]:
        """The events in one message.

        Raises:
            BadMessage: it is not of this dialect.
        """
        ...

    def hear_at(self, rate: int) -> None:
        """Take the handler's input rate, in which its clients speak unless the dialect has its own."""

    def encode(self, frame: AudioFrame, /) -> str | bytes:
        """The message that carries a piece of mono sound."""
        ...

    def mark(self, name: str) -> str | None:
        """The message that asks to be told when all before it has been played, if there is one."""

    def clear(self) -> str | None:
        """The message that makes the far end forget what it has not played, if there is one."""

    def press(self, digits: str) -> str | None:
        """The message that presses keys at the far end, if there is one."""


def parse_object(said: str | bytes) -> dict[str, Any]:
    """The JSON object in a message.

    Raises:
        BadMessage: there is none.
    """
    if isinstance(said, bytes):
        raise BadMessage("a message is binary", why="this dialect is JSON text", fix="Send text messages")
    text = said.strip(" \t\r\n")  # what JSON calls space (RFC 8259 §2)
    try:
        found, end = _JSON.raw_decode(text)  # as `json.loads`, at two thirds of its price
    except (ValueError, RecursionError):
        found, end = None, 0
    if not isinstance(found, dict) or end != len(text):
        raise BadMessage(
            f"a message is no JSON object: {said[:60]!r}",
            fix='Send {"event": "start" | "media" | "stop" | "ping", …}',
        )
    return found


def payload_of(said: dict[str, Any]) -> bytes:
    """The sound in a `media` message, still encoded.

    Raises:
        BadMessage: it has none, or not in base64.
    """
    media = said.get("media")
    payload = media.get("payload") if isinstance(media, dict) else None
    try:
        return binascii.a2b_base64(payload, strict_mode=True)  # type: ignore[arg-type]
    except (TypeError, ValueError, binascii.Error):
        raise BadMessage(
            "a media message holds no base64 payload",
            fix='Send {"event": "media", "media": {"payload": "<base64 of mu-law>"}}',
        ) from None


def digits_in(holder: Any) -> list[Event]:
    """The key that a message tells of, in its `digit`; none when it is none that a telephone has."""
    digit = (text_in(holder, "digit") or "").upper()
    return [Digit(digit)] if len(digit) == 1 and digit in "0123456789*#ABCD" else []


def text_in(holder: Any, *keys: str) -> str | None:
    """The first of the keys that holds a usable id."""
    for key in keys:
        value = holder.get(key) if isinstance(holder, dict) else None
        if isinstance(value, str) and 0 < len(value) <= 256:
            return value
    return None
