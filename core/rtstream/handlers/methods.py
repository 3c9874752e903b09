"""Whether the methods of a handler can be called as a session calls them: told when the stream is made."""

from __future__ import annotations

from typing import Any

from ..errors import HandlerUnfit
from .base import StreamHandlerBase
from .callables import is_generator, signature_of

FRAME = "the frame"
ONCE = "it is called once, and nobody goes through what it yields"
# What each is called with, and what it should do instead of yielding.
CALLED: dict[str, tuple[tuple[str, ...], str]] = {
    "start_up": ((), "Put the greeting where `emit` takes it from, or use ReplyOnPause(fn, startup_fn=…)"),
    "receive": ((FRAME,), "Put what is heard into a queue, and return the next piece of sound from `emit`"),
    "emit": ((), "Return one piece of sound; it is called again for the next one"),
    "video_receive": ((FRAME,), "Put the picture into a queue, and return the next one from `video_emit`"),
    "video_emit": ((), "Return one picture; it is called again for the next one"),
    "shutdown": ((), "Leave `yield` out of it"),
}


def check_methods(handler: StreamHandlerBase) -> None:
    """Raises HandlerUnfit if one of them yields, or does not take what it is called with."""
    for name, (given, instead) in CALLED.items():
        method = getattr(handler, name, None)
        if method is None:
            continue
        if is_generator(method):
            raise HandlerUnfit(f"`{type(handler).__name__}.{name}` yields", why=ONCE, fix=instead)
        _check_taken(f"{type(handler).__name__}.{name}", method, given)


def _check_taken(name: str, method: Any, given: tuple[str, ...]) -> None:
    if (signature := signature_of(method)) is None:
        return
    try:
        signature.bind(*given)
    except TypeError as error:
        raise HandlerUnfit(
            f"`{name}{signature}` cannot be called: {error}",
            why=f"it is called with {' and '.join(given) or 'nothing'}",
            fix=f"Write `def {name.split('.')[-1]}({', '.join(['self', *('frame' for _ in given)])})`",
        ) from error
