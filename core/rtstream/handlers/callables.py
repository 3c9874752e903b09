"""What can be told of a callable from outside: functions, methods, partials and callable objects alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..errors import HandlerUnfit


def is_async(fn: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine."""
    return inspect.iscoroutinefunction(_innermost(fn))


def is_async_generator(fn: Callable[..., Any]) -> bool:
    """Whether calling it gives an asynchronous generator."""
    return inspect.isasyncgenfunction(_decorated(fn))


def is_generator(fn: Callable[..., Any]) -> bool:
    """Whether calling it gives a generator of either kind."""
    return inspect.isgeneratorfunction(_decorated(fn)) or is_async_generator(fn)


def signature_of(fn: Callable[..., Any]) -> inspect.Signature | None:
    """Its signature, or None for what tells nothing of itself: some builtins and numpy functions."""
    try:
        return inspect.signature(fn)
    except (TypeError, ValueError):
        return None


def takes_nothing(fn: Callable[..., Any]) -> bool:
    """Whether it is known to take no argument at all."""
    signature = signature_of(fn)
    return signature is not None and not signature.parameters


def places_beyond(fn: Callable[..., Any], media: int) -> list[Any]:
    """The defaults of the positional parameters after the first `media`; `Parameter.empty` for none."""
    signature = signature_of(fn)
    parameters = signature.parameters.values() if signature is not None else ()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [p.default for p in positional[media:]]


def defaults_beyond(fn: Callable[..., Any], media: int) -> list[Any] | None:
    """The default values of the parameters after the first `media` ones; None if one has no default."""
    defaults = places_beyond(fn, media)
    return None if inspect.Parameter.empty in defaults else defaults


def takes_beyond(fn: Callable[..., Any], media: int) -> bool:
    """Whether it can be given anything after the first `media` arguments; one that tells nothing may."""
    signature = signature_of(fn)
    return signature is None or _objection(signature.bind_partial, media + 1) is None


def check_inputs(fn: Callable[..., Any], media: int, inputs: Sequence[Any] | None) -> None:
    """Raises HandlerUnfit if it takes inputs after the media, but not those that a stream declares."""
    signature = signature_of(fn)
    if inputs is None or signature is None or not takes_beyond(fn, media):
        return
    if (error := _objection(signature.bind, media + len(inputs))) is not None:
        count = "one input" if len(inputs) == 1 else f"{len(inputs)} inputs"
        raise HandlerUnfit(
            f"`{name_of(fn)}{signature}` cannot be called with {count}: {error}",
            why="it is given the values of `additional_inputs`" + (" behind the media" if media else ""),
            fix="Give it one parameter for each, or leave those that it does not take out of the list",
        ) from error


def _objection(bind: Callable[..., Any], count: int) -> TypeError | None:
    """What Python says to so many positional arguments, if it is not content with them."""
    try:
        bind(*[None] * count)
    except TypeError as error:
        return error
    return None


def name_of(fn: Any) -> str:
    """What its author calls it."""
    inner = fn.func if isinstance(fn, partial) else fn
    return getattr(inner, "__name__", None) or type(inner).__name__


def _decorated(fn: Any) -> Any:
    """What stands under `functools.wraps`: a decorator that logs or times gives on what it is given."""
    return inspect.unwrap(_innermost(fn))


def _innermost(fn: Any) -> Any:
    while isinstance(fn, partial):
        fn = fn.func
    if not inspect.isroutine(fn) and not inspect.isclass(fn):
        return getattr(type(fn), "__call__", fn)  # noqa: B004 (the function behind a callable object)
    return fn


def check_callable(parameter: str, fn: Any) -> None:
    """Raises HandlerUnfit if what was passed for this parameter cannot be called."""
    if not callable(fn):
        raise HandlerUnfit(
            f"`{parameter}` is {fn!r:.80}, which cannot be called",
            why="it is called anew for each turn or connection",
            fix="Pass the function itself, without calling it",
        )
