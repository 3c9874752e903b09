"""What a client may ask of its session by message: to leave, to be sent the outputs, to set its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..errors import InputUnfit
from ..handlers.base import StreamHandlerBase
from ..inputs import fitted
from ..wire import messages
from .feed import Feed
from .outcome import EndReason

Wish = Callable[[dict[str, Any]], None]


class Granting(Protocol):
    """What of a session the wishes need."""

    handler: StreamHandlerBase
    outputs: Feed

    def send_text(self, text: str) -> None: ...

    def end(self, reason: EndReason, message: str = "") -> None: ...


def granted(session: Granting, declared: Sequence[Any] | None) -> Mapping[str, Wish]:
    """By the type of a message what is done when it comes.

    Inputs are taken only where the stream declares them (`additional_inputs`), and only such as fit: what
    an author's own route checks before `set_input` must not be had past it.
    """

    def set_input(said: dict[str, Any]) -> None:
        try:
            session.handler.set_args(fitted(declared, said.get("data")))
        except InputUnfit as error:
            session.send_text(messages.error(error.what, error))

    return {
        "bye": lambda _: session.end(EndReason.CLIENT_LEFT),
        "take_outputs": lambda _: session.outputs.deliver(),
        "set_input": set_input,
    }
