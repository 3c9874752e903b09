"""The messages that go to the client beside the media, in FastRTC's words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..errors import HandlerReturnedNonsense, RtstreamError
from .plain import plain

LONGEST_OUTPUT = 200_000  # characters: more than a browser takes in one message (RFC 8831 §6.6)


def _text(type: str, **fields: Any) -> str:
    return json.dumps({"type": type, **fields}, default=str)


def inputs_wanted() -> str:
    """The handler wants the additional inputs; the client answers by sending them."""
    return _text("send_input", data=[])


def output_ready() -> str:
    """An `AdditionalOutputs` waits to be fetched."""
    return _text("fetch_output", data=[])


def output(values: Sequence[Any]) -> str:
    """An `AdditionalOutputs` itself, to a client that asked to be sent them."""
    text = _text("output", data=plain(list(values)))
    if len(text) > LONGEST_OUTPUT:
        return _text("output", data=[f"An output of {len(text)} characters: too long to be sent"])
    return text


def error(text: str, cause: RtstreamError | None = None) -> str:
    """Something went wrong; the connection lives on unless `end_stream` follows."""
    return _text("error", message=text, data=text, **(cause.as_dict() if cause else {}))


def ended(text: str, reason: str) -> str:
    """The server ends the connection."""
    return _text("end_stream", data=text, reason=reason)


def log(text: str, **more: Any) -> str:
    """Something happened that a page may show, and more of it for programs."""
    return _text("log", data=text, **more)


def stopword() -> str:
    """A stop word was heard: what is said from now on is a turn."""
    return _text("stopword", data="")


def pong() -> str:
    """The answer to a client's `ping`."""
    return _text("pong")


def closed() -> str:
    """The connection was closed from outside the handler."""
    return _text("update_connection", data="closed")


def sendable(text: Any) -> str:
    """A text of the handler's own, as it can travel: half a surrogate pair in it becomes a question mark.

    Raises:
        HandlerReturnedNonsense: it is none.
    """
    if not isinstance(text, str):
        raise HandlerReturnedNonsense(
            f"send_message was given {type(text).__name__} {text!r:.40}",
            why="what travels beside the media is text",
            fix="Pass json.dumps(…), with the keys that your page looks for",
        )
    return text.encode(errors="replace").decode()
