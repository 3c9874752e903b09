"""`-- --gain 0.5`: the handler's own parameters, typed from its signature."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from functools import partial
from json import loads
from pathlib import PurePath
from typing import Any

from rtstream.errors import ConfigError, UsageError

from . import infer
from .discover import Target

YES = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}

SEVERAL = (list, tuple, set, frozenset, dict)  # what is said as JSON


def apply(target: Target, words: Sequence[str], configured: Mapping[str, Any], file: str) -> Any:
    """The target's object with values for its parameters: from the words after `--`, else from the file.

    Args:
        words: for example `["--gain", "0.5", "--loud"]`.
        configured: the table `[parameters]` of the configuration file called `file`.

    Raises:
        UsageError: an unknown parameter, a value that does not fit, or an object without parameters.
        ConfigError: the same, said by the file.
    """
    if not words and not configured:
        return target.obj
    known = _settable(target.obj)
    values: dict[str, Any] = {}
    for name, value in configured.items():
        values[name] = _fitted(target, known, name, value, ConfigError, f"{file}: `{name}` of [parameters]")
    for name, text in _pairs(words):
        values[name] = _fitted(target, known, name, text, UsageError, f"`--{name.replace('_', '-')}`")
    return partial(target.obj, **values)


def _settable(obj: Any) -> dict[str, tuple[Any, Any]]:
    """The parameters beyond the media: name → (annotation, default)."""
    if infer.is_stream(obj) or infer.is_app(obj) or not callable(obj):
        return {}
    parameters = list(inspect.signature(obj).parameters.values())
    if isinstance(obj, type):
        hints = infer.hints(vars(obj).get("__init__", obj))
    else:
        hints = infer.hints(obj)
        parameters = parameters[1:] if infer.takes_media(obj) else parameters
    return {
        p.name: (hints.get(p.name, _type_of(p.default)), p.default)
        for p in parameters
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }


def check_values(name: str, fn: Any, media: int, shown: bool) -> None:
    """See that each parameter of a function has a value, or somebody who can give it one.

    Args:
        name: the target, for the error.
        fn: the function, with the values that were said already.
        media: how many of its parameters are the place of a frame.
        shown: whether clients are asked for those that go by place.

    Raises:
        UsageError: nobody would ever say what one of them is, and the function would never be called.
    """
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):  # some builtins and numpy functions tell nothing of themselves
        return
    by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    asked = by_place if shown else by_place[:media]
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for parameter in parameters:
        if parameter.default is parameter.empty and parameter.kind not in variable and parameter not in asked:
            word = f"--{parameter.name.replace('_', '-')}"
            raise UsageError(
                f"`{name}` has a parameter `{parameter.name}`, and nothing says what it is",
                why="it has no default, and no page has a control for it",
                fix=f"Say it (`-- {word} VALUE`), or give it a default",
            )


def _type_of(default: Any) -> Any:
    return str if default is inspect.Parameter.empty or default is None else type(default)


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`--a 1 --b=2 --c --no-d` as pairs of a name and a text."""
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--") or word == "--":
            raise UsageError(
                f"`{word}` behind `--` has no name",
                why="there stand the handler's own parameters, each as `--name value`",
                fix="Write `-- --name value`",
            )
        name, given, text = word.removeprefix("--").partition("=")
        if not given and left and not left[0].startswith("--"):
            text = left.pop(0)
        elif not given:
            name, text = (name.removeprefix("no-"), "false") if name.startswith("no-") else (name, "true")
        yield name.replace("-", "_"), text


def _fitted(
    target: Target,
    known: Mapping[str, tuple[Any, Any]],
    name: str,
    value: Any,
    failure: type[UsageError],
    source: str,
) -> Any:
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        raise failure(
            f"`{target.name}` has no parameter `{name}`",
            why=f"it has {', '.join(_described(one, *known[one]) for one in known)}"
            if known
            else "it has none to set",
            fix=f"Did you mean `{'' if failure is ConfigError else '--'}{near[0]}`?"
            if near
            else f"Remove it ({source})",
        )
    hint, default = known[name]
    try:
        return _converted(value, hint)
    except ValueError:
        raise failure(
            f"{source} cannot be {value!r}",
            why=f"`{target.name}` takes {_described(name, hint, default)}",
            fix="Give a value of that type",
        ) from None


def _described(name: str, hint: Any, default: Any) -> str:
    shown = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
    return f"`{name}: {shown}`" if default is inspect.Parameter.empty else f"`{name}: {shown} = {default!r}`"


def _converted(value: Any, hint: Any) -> Any:
    """A text (or a value from TOML) as the type that an annotation asks for; ValueError if it is none."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value == "none" and type(None) in args:
            return None
        return _first_fit(value, [arg for arg in args if arg is not type(None)])
    if origin is typing.Literal:
        return _first_fit(value, [type(arg) for arg in args], among=args)
    if hint is bool and isinstance(value, str):
        if value.lower() not in YES:
            raise ValueError
        return YES[value.lower()]
    if hint in (int, float) and not isinstance(value, bool):
        return _number(value, hint)
    kind = origin or hint
    if not isinstance(kind, type) or kind is Any or isinstance(value, kind):
        return value
    return _read(value, kind)


def _number(value: Any, hint: type[int] | type[float]) -> float:
    if hint is int and isinstance(value, float) and not value.is_integer():
        raise ValueError
    return hint(value)


def _read(value: Any, kind: type) -> Any:
    """A value of a class from a text: an Enum's by its value or name, what holds several from JSON."""
    if issubclass(kind, Enum):
        for member in kind:
            if value in (member.name, member.value, str(member.value)):
                return member
    if issubclass(kind, PurePath) and isinstance(value, str):
        return kind(value)
    if kind in SEVERAL:
        found = loads(value) if isinstance(value, str) else value
        if isinstance(found, dict if kind is dict else list):
            return kind(found)
    raise ValueError


def _first_fit(value: Any, hints: Sequence[Any], among: Sequence[Any] | None = None) -> Any:
    for hint in hints:
        try:
            found = _converted(value, hint)
        except ValueError:
            continue
        if among is None or found in among:
            return found
    raise ValueError
