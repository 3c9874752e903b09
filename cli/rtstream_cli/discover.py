"""TARGET → object: a file, a module, a built-in, a URL, or what the project says.

Loading a target runs the code of its file, as `python handler.py` would.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rtstream.errors import HandlerAmbiguous, HandlerNotFound, UsageError

from .config import Settings
from .console import console
from .keys import ARGUMENT

URL_SCHEMES = ("http://", "https://", "ws://", "wss://")
CONVENTIONAL = ("handler.py", "app.py", "main.py")


@dataclass(frozen=True)
class Target:
    """What a command works on.

    Attributes:
        name: the target as a person writes it: `handler.py:echo`, `@echo`, a URL.
        obj: the handler, the `rtstream.Stream` or the FastAPI app; None for a URL.
        url: the address of a running server, if the target is one.
        folder: the folder of the user's code, for imports and for `--reload`; None without any.
        source: who named it: the argument, RTSTREAM_TARGET, a file, or `discovery`.
    """

    name: str
    obj: Any = None
    url: str | None = None
    folder: Path | None = None
    source: str = field(default=ARGUMENT, compare=False)


def find(given: str | None, settings: Settings) -> Target:
    """The target of a command: what was given, else what the configuration names, else what is there.

    Args:
        given: the TARGET argument or RTSTREAM_TARGET.
        settings: for the key `target`, and the folder its path starts from.

    Raises:
        HandlerNotFound: no such file, module, name or built-in; or nothing given and nothing there.
        UsageError: a URL without a host, a name without a file.
        HandlerAmbiguous: a file has several candidates and none of the usual names.
        HandlerImportFailed: the user's code raised while it was loaded.
    """
    text = settings.take("target", given)
    console.keep_stdout()
    if text is None:
        return _discovered(Path.cwd())
    return replace(load(text, settings.folder("target")), source=settings.sources["target"])


def load(text: str, folder: Path) -> Target:
    """The object that a TARGET names, with its path counted from `folder`."""
    if text.startswith("@"):
        from . import builtins  # loads numpy

        return Target(text, builtins.find(text))
    if text.startswith(URL_SCHEMES):
        return Target(text, url=_address(text).rstrip("/"))
    place, name = split(text)
    if not place:
        raise UsageError(
            f"`{text}` names no file",
            why="before the colon stands a file or a module",
            fix=f"For example: handler.py:{name or 'fn'}",
        )
    if place.endswith(".py") or "/" in place or "\\" in place or (folder / place).exists():
        return _from_file(folder / place, place, name)
    return _from_module(place, name, folder)


def _address(text: str) -> str:
    try:
        found = urlsplit(text)
        if found.hostname and (found.port is None or found.port > 0):
            return text
    except ValueError:  # a port that is none, half an IPv6 address
        pass
    raise UsageError(
        f"`{text}` is not the address of a server",
        why="it has no host, or a port that is none",
        fix="For example: http://127.0.0.1:8000",
    )


def server(url: str, settings: Settings) -> str:
    """The address of a running server as its offers are posted to, where it was given as that of its sockets.

    Raises:
        UsageError: its handler's parameters were given, which it was started with.
    """
    if settings.words:
        raise UsageError(
            f"`{settings.words[0]}` is not for a running server",
            why="its handler has the parameters that it was started with",
            fix="Leave out what follows `--`, or give it to `rtstream serve`",
        )
    return url.replace("ws", "http", 1) if url.startswith("ws") else url


def split(text: str) -> tuple[str, str]:
    """A target's file or module, and the name in it (empty when there is none); `::` is accepted."""
    for separator in ("::", ":"):
        place, found, name = text.rpartition(separator)
        if found and "/" not in name and "\\" not in name:
            return place, name
    return text, ""


def _discovered(folder: Path) -> Target:
    for name in CONVENTIONAL:
        if (folder / name).is_file():
            return replace(_from_file(folder / name, name, ""), source="discovery")
    raise HandlerNotFound(
        "there is no handler here",
        why=f"no target was given, no configuration names one, and {folder} has no "
        f"{', '.join(CONVENTIONAL[:-1])} or {CONVENTIONAL[-1]}",
        fix="Name one (`handler.py:fn`), try `@echo`, or make a project with `rtstream new myapp`",
    )


def _from_file(path: Path, shown: str, name: str) -> Target:
    if path.is_dir():
        raise HandlerNotFound(
            f"`{shown}` is a folder",
            why="a target is a file, a module or a built-in",
            fix=f"Go there with `-C {shown}`",
        )
    if path.suffix != ".py":
        raise HandlerNotFound(
            f"`{shown}` is not a Python file",
            why="a handler stands in a file that ends in .py",
            fix="Name a .py file",
        )
    if not path.is_file():
        raise _no_such_file(path, shown, name)
    from .loading import load_file

    module = load_file(path.resolve(), shown)
    found, obj = _pick(module, shown, name)
    return Target(f"{shown}:{found}", obj, None, path.resolve().parent)


def _no_such_file(path: Path, shown: str, name: str) -> HandlerNotFound:
    beside = sorted(file.name for file in path.parent.glob("*.py")) if path.parent.is_dir() else []
    near = get_close_matches(path.name, beside, n=1, cutoff=0.6)
    suffix = f":{name}" if name else ""
    if near:
        fix = f"Did you mean `{str(Path(shown).with_name(near[0]))}{suffix}`?"
    else:
        fix = "Name an existing file, or make a project with `rtstream new myapp`"
    there = f"{path.parent} has {', '.join(beside[:8])}" if beside else f"{path.parent} has no Python files"
    return HandlerNotFound(f"there is no file `{shown}`", why=there, fix=fix)


def _from_module(dotted: str, name: str, folder: Path) -> Target:
    if not all(part.isidentifier() for part in dotted.split(".")):
        raise HandlerNotFound(
            f"`{dotted}` is neither a file nor a module",
            why="a target is `handler.py:fn`, `package.module:fn`, `handler.py`, `@echo` or a URL",
            fix="Name one of these",
        )
    if importlib.util.find_spec(dotted.split(".")[0]) is None and (folder / f"{dotted}.py").is_file():
        return _from_file(folder / f"{dotted}.py", f"{dotted}.py", name)
    from .loading import load_module

    module = load_module(dotted, folder)
    found, obj = _pick(module, dotted, name)
    file = getattr(module, "__file__", None)
    return Target(f"{dotted}:{found}", obj, None, Path(file).resolve().parent if file else folder)


def _pick(module: Any, shown: str, name: str) -> tuple[str, Any]:
    """The object of that name in a module, or its one candidate."""
    if name:
        return name, _named(module, shown, name)
    from .candidates import of as candidates_of

    choice = candidates_of(module)
    if len(choice) == 1:
        return next(iter(choice.items()))
    if choice:
        named, more = list(choice)[:8], len(choice) - 8
        raise HandlerAmbiguous(
            f"`{shown}` has {len(choice)} handlers",
            why="each of these could be meant: "
            + ", ".join(f"`{shown}:{one}`" for one in named)
            + (f" and {more} more" if more > 0 else ""),
            fix=f"Name one, for example `{shown}:{next(iter(choice))}`, or call one `handler`",
        )
    raise HandlerNotFound(
        f"`{shown}` has no handler in it",
        why=_defined(module),
        fix="Define a function such as `def handler(audio: tuple[int, np.ndarray])`, or a Stream",
    )


def _named(module: Any, shown: str, name: str) -> Any:
    from .candidates import public

    obj = module
    for part in name.split("."):
        if not hasattr(obj, part):
            names = public(module)
            near = get_close_matches(name, names, n=1, cutoff=0.5)
            raise HandlerNotFound(
                f"`{shown}` has no `{name}`",
                why=_defined(module),
                fix=f"Did you mean `{shown}:{near[0]}`?" if near else "Name one that is there",
            )
        obj = getattr(obj, part)
    return obj


def _defined(module: Any) -> str:
    from .candidates import public

    names = public(module)
    if not names:
        return "it defines nothing"
    return "it defines " + ", ".join(f"`{name}`" for name in names[:8])
