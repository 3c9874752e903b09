"""What flows through a handler, and which way: read from its type, its annotations, its parameters' names."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rtstream.errors import HandlerAmbiguous, HandlerUnfit

if TYPE_CHECKING:
    from rtstream.options import Modality, Mode

PICTURE_NAMES = ("image", "img", "picture", "video")
MEDIA_NAMES = (*PICTURE_NAMES, "audio", "frame")


@dataclass(frozen=True)
class Reading:
    """How a handler is understood: modality and mode, and from what (for people)."""

    modality: Modality
    mode: Mode
    because: str


def is_stream(obj: Any) -> bool:
    """Whether it is an `rtstream.Stream`; does not load the engine to find out."""
    module = sys.modules.get("rtstream.stream")
    return module is not None and isinstance(obj, module.Stream)


def is_app(obj: Any) -> bool:
    """Whether it is a FastAPI or Starlette application; does not load either to find out."""
    module = sys.modules.get("starlette.applications")
    return module is not None and isinstance(obj, module.Starlette)


def is_handler(obj: Any) -> bool:
    """Whether it is a handler by its type: an instance or a subclass of the handler classes."""
    return _family(obj) is not None


def _family(obj: Any) -> Modality | None:
    """The modality of a handler object or class; None when its type does not say."""
    base = sys.modules.get("rtstream.handlers.base")
    functions = sys.modules.get("rtstream.handlers.functions")
    kind = _class_of(obj)
    if base is not None and issubclass(kind, base.StreamHandlerBase) and not inspect.isabstract(kind):
        return "audio-video" if issubclass(kind, base.AudioVideoStreamHandler) else "audio"
    if functions is not None and isinstance(obj, functions.VideoStreamHandler):
        return "video"
    return None


def is_handler_class(obj: Any) -> bool:
    """Whether it is a subclass of the handler classes, with values for its parameters or without."""
    return isinstance(obj, type | partial) and is_handler(obj)


def _class_of(obj: Any) -> type[Any]:
    """A class itself, with values for its parameters or without; else the object's."""
    made_by = obj.func if isinstance(obj, partial) else obj
    return made_by if isinstance(made_by, type) else type(obj)


def is_sure(obj: Any) -> bool:
    """Whether it says of itself that it handles media."""
    if is_app(obj) or is_stream(obj) or is_handler(obj):
        return True
    return bool(_signed(obj)[0])


def read(obj: Any, name: str, modality: Modality | None = None, mode: Mode | None = None) -> Reading:
    """Modality and mode of a handler: those given, else what it says of itself.

    Args:
        obj: a handler in any form (not a Stream, which knows both).
        name: the target, for the error.
        modality, mode: from a flag or the configuration; None to read them from the handler.

    Raises:
        HandlerUnfit: the object cannot be called.
        HandlerAmbiguous: it could be sound or pictures.
    """
    family = _family(obj)
    if family is not None:
        handles = obj.callable if family == "video" else None
        way: Mode = "receive" if handles is not None and _is_source(handles) else "send-receive"
        return Reading(modality or family, mode or way, f"it is a {_class_of(obj).__name__}")
    if not callable(obj):
        raise HandlerUnfit(
            f"`{name}` is no handler: its type is {type(obj).__name__}",
            why="a handler is a function, a StreamHandler, a Stream, or an app with a Stream mounted",
            fix="Name one of these",
        )
    found, because = _signed(obj)
    if (flows := modality or found) is None:
        raise _two_readings(obj, name)
    return Reading(flows, mode or _mode(obj), because if modality is None else "it was given")


def _signed(fn: Any) -> tuple[Modality | None, str]:
    """The modality that a function's signature tells, and the words that tell it."""
    if not callable(fn):
        return None, ""
    told = hints(fn)
    first = _first(fn)
    if first is not None:
        if found := _of_hint(told.get(first.name)):
            return found, f"its parameter `{first.name}` is {_shown(told[first.name])}"
        if first.name == "audio":
            return "audio", "its parameter is called `audio`"
        if first.name in PICTURE_NAMES:
            return "video", f"its parameter is called `{first.name}`"
    if found := _of_hint(told.get("return")):
        return found, f"it returns {_shown(told['return'])}"
    family = _family(told.get("return")) if isinstance(told.get("return"), type) else None
    return family, f"it makes a {_shown(told['return'])}" if family else ""


def _of_hint(hint: Any) -> Modality | None:
    """The modality of an annotation: a tuple with a rate and an array is sound, an array alone a picture."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and len(args) >= 2 and args[0] is int and _is_array(args[1]):
        return "audio"
    if _is_array(hint):
        return "video"
    if origin is dict or origin is typing.Literal:
        return None
    for inner in args:  # of Iterator[…], X | None, tuple[X, AdditionalOutputs]
        if found := _of_hint(inner):
            return found
    return None


def _is_array(hint: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and (typing.get_origin(hint) or hint) is numpy.ndarray


def _mode(fn: Callable[..., Any]) -> Mode:
    if _is_source(fn):
        return "receive"
    returns = hints(fn).get("return", inspect.Parameter.empty)
    return "send" if returns is type(None) else "send-receive"


def _is_source(fn: Any) -> bool:
    """Whether it is a generator function without a place for media."""
    from rtstream.handlers.callables import is_generator

    return is_generator(fn) and not takes_media(fn)


def takes_media(fn: Any) -> bool:
    """Whether a function's first parameter is the place of a frame.

    A generator function's is, when its annotation or its name says so; any other function's always is.
    """
    from rtstream.handlers.callables import is_generator

    first = _first(fn)
    if first is None:
        return False
    return (
        not is_generator(fn) or first.name in MEDIA_NAMES or _of_hint(hints(fn).get(first.name)) is not None
    )


def _first(fn: Any) -> inspect.Parameter | None:
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):  # some builtins and numpy functions tell nothing of themselves
        return None
    return next((p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)), None)


def hints(fn: Any) -> dict[str, Any]:
    """The annotations of anything that can be called, as far as they can be resolved."""
    while hasattr(fn, "func"):
        fn = fn.func
    if not inspect.isroutine(fn) and not isinstance(fn, type):
        fn = type(fn).__call__
    try:
        return typing.get_type_hints(fn)
    except (NameError, TypeError, AttributeError):  # a name that only a type checker knows
        return {}


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def _two_readings(obj: Any, name: str) -> HandlerAmbiguous:
    called = getattr(obj, "__name__", name)
    first = _first(obj)
    if first is None:
        return HandlerAmbiguous(
            f"`{name}` could make sound or pictures",
            why=f"as sound it yields `(rate, samples)`, as video `pixels`; `{called}()` does not say which",
            fix="Add `--modality audio` or `--modality video`, or annotate what it yields",
        )
    return HandlerAmbiguous(
        f"`{name}` could take sound or pictures",
        why=f"as sound it gets `{first.name}=(rate, samples)`, as video `{first.name}=pixels`; "
        f"its signature does not say which",
        fix="Add `--modality audio` or `--modality video`, or annotate it: "
        f"`{first.name}: tuple[int, np.ndarray]` is sound, `{first.name}: np.ndarray` is video",
    )
