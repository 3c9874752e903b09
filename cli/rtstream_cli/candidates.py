"""Which objects of a module could be the handler that is meant."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from . import infer

USUAL = ("app", "stream", "handler")  # the outermost first: an app holds a stream, a stream a handler


def of(module: ModuleType) -> dict[str, Any]:
    """The candidates by name: the one of a usual name, else all that are surely meant for media,
    else all public functions.
    """
    there = {name: getattr(module, name) for name in USUAL if _usable(getattr(module, name, None))}
    if there:
        return dict([next(iter(there.items()))])
    own = {name: getattr(module, name) for name in public(module) if _usable(getattr(module, name))}
    sure = {name: obj for name, obj in own.items() if infer.is_sure(obj)}
    return sure or own


def public(module: ModuleType) -> list[str]:
    """The names that a module defines itself, in the order of the file."""
    return [
        name
        for name, obj in vars(module).items()
        if not name.startswith("_")
        and not isinstance(obj, ModuleType)
        and getattr(obj, "__module__", None) in (module.__name__, None)
        or infer.is_stream(obj)
        or (infer.is_handler(obj) and not _is_ours(obj))
    ]


def _is_ours(obj: Any) -> bool:
    """Whether it is a class of rtstream's own, imported to make a handler with."""
    return isinstance(obj, type) and obj.__module__.startswith("rtstream.")


def _usable(obj: Any) -> bool:
    if obj is None:
        return False
    if infer.is_app(obj):
        return bool(streams(obj))
    if infer.is_stream(obj) or infer.is_handler(obj):
        return True
    return inspect.isroutine(obj) or (callable(obj) and not isinstance(obj, type))


def streams(app: Any) -> list[tuple[str, Any]]:
    """The streams that are mounted on a FastAPI app, each with its path."""
    return list(getattr(app.state, "rtstream_streams", []))
