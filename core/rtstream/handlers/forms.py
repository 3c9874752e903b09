"""Any form of handler, made into one that a session can hold."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from ..errors import HandlerUnfit
from ..options import StreamOptions
from .base import AudioVideoStreamHandler, StreamHandlerBase
from .callables import check_inputs, is_generator, name_of, takes_nothing
from .functions import FunctionHandler, GeneratorHandler, VideoStreamHandler
from .methods import check_methods
from .reply import ReplyOnPause

FASTRTCS_TURNS = ("determine_pause", "process_audio")  # what its subclasses of ReplyOnPause override


def as_handler(handler: Any, options: StreamOptions) -> Callable[[], StreamHandlerBase]:
    """A maker of handlers, one for each connection, from whatever the user passed to `Stream`.

    Raises:
        HandlerUnfit: the object is no handler, or none for this modality and mode.
    """
    if isinstance(handler, StreamHandlerBase):
        _check_fit(handler, options)
        return partial(_copy, handler)
    if _is_class(handler):
        _made(handler, options)  # so that what is wrong with it is told now
        return partial(_made, handler, options)
    if _is_factory(handler):
        return partial(_made, handler, options)
    if isinstance(handler, VideoStreamHandler):
        return _for_function(handler.callable, options, handler.fps)
    return _for_function(handler, options, fps=30)


def _for_function(
    fn: Callable[..., Any], options: StreamOptions, fps: float
) -> Callable[[], StreamHandlerBase]:
    if not callable(fn):
        raise HandlerUnfit(
            f"the handler is {fn!r:.80}, which cannot be called",
            why="a handler is a function, a generator function, or a StreamHandler, its class or factory",
            fix="Pass the function itself, without calling it",
        )
    hears = options.mode != "receive"
    if not hears and not is_generator(fn):
        raise HandlerUnfit(
            f"`{name_of(fn)}` returns once, but mode 'receive' needs a source that goes on",
            why="in this mode nothing comes in that the function could be called with",
            fix="Make it a generator function (yield each frame), or use mode='send-receive'",
        )
    check_inputs(fn, 1 if hears else 0, options.additional_inputs)
    if not hears:
        return partial(GeneratorHandler, fn, fps=fps)
    if "video" in options.kinds or not is_generator(fn):
        return partial(FunctionHandler, fn, options.kinds)
    return partial(ReplyOnPause, fn)


def _copy(handler: StreamHandlerBase) -> StreamHandlerBase:
    return _checked(handler.copy(), f"{type(handler).__name__}.copy()", "Return a new handler from copy()")


def _made(factory: Callable[[], Any], options: StreamOptions) -> StreamHandlerBase:
    try:
        made = factory()
    except TypeError as error:
        raise HandlerUnfit(
            f"`{name_of(factory)}` cannot be made: {error}",
            why="a handler class or factory is called without arguments, once for each connection",
            fix="Give its parameters defaults, or pass an instance: Stream(MyHandler(…))",
        ) from error
    name = name_of(factory)
    checked = _checked(
        made,
        f"{name}()",
        f"Return a StreamHandler from it, or give it a parameter for what comes: `def {name}(audio): …`",
        why="what takes no arguments is called once for each connection, to make its handler",
    )
    _check_fit(checked, options)
    return checked


def _checked(made: Any, by: str, fix: str, why: str = "") -> StreamHandlerBase:
    if not isinstance(made, StreamHandlerBase):
        raise HandlerUnfit(f"{by} gave {made!r:.60}, not a handler", why=why, fix=fix)
    return made


def _check_fit(handler: StreamHandlerBase, options: StreamOptions) -> None:
    if "video" in options.kinds and not isinstance(handler, AudioVideoStreamHandler):
        raise HandlerUnfit(
            f"{type(handler).__name__} handles sound only, but the modality is {options.modality!r}",
            fix="Use modality='audio', or subclass AudioVideoStreamHandler",
        )
    check_methods(handler)
    if isinstance(handler, ReplyOnPause):
        _check_turns(handler)
        check_inputs(handler.fn, 1, options.additional_inputs)


def _check_turns(handler: ReplyOnPause) -> None:
    for name in FASTRTCS_TURNS:
        if hasattr(handler, name):
            raise HandlerUnfit(
                f"`{type(handler).__name__}.{name}` would never be called",
                why="FastRTC asks it about each chunk of sound; here turns are found in windows of 32 ms",
                fix="Pass `turn_model=` (says whether a turn is complete), `model=` (a voice detector) or "
                "`algo_options=` (times), or call `trigger_response()`",
            )


def _is_class(handler: Any) -> bool:
    """Whether it is a class of handlers, or one with arguments bound to it."""
    made_by = handler.func if isinstance(handler, partial) else handler
    return inspect.isclass(made_by) and issubclass(made_by, StreamHandlerBase)


def _is_factory(handler: Any) -> bool:
    """Whether it makes handlers: its annotation says so, or it has no place for a frame."""
    if not callable(handler) or is_generator(handler):
        return False
    if takes_nothing(handler):
        return True
    returns = getattr(handler, "__annotations__", {}).get("return")
    if isinstance(returns, str):
        returns = getattr(handler, "__globals__", {}).get(returns)
    return inspect.isclass(returns) and issubclass(returns, StreamHandlerBase)
