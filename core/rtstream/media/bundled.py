"""The libraries that come with PyAV, for those that are called directly."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Prototypes = Mapping[str, tuple[Any, list[Any]]]  # by a function's name, what it returns and what it takes


def libraries(name: str) -> Iterator[str]:
    """The paths of those in whose file's name this stands."""
    import av

    package = Path(av.__file__).parent
    for folder in (package.parent / "av.libs", package / ".dylibs", package):  # Linux, macOS; Windows
        files = sorted(folder.glob(f"*{name}*"))
        yield from (str(path) for path in files if ".so" in path.name or path.suffix in (".dylib", ".dll"))


def loaded(paths: Iterable[str], prototypes: Prototypes, fits: Callable[[Any], bool]) -> Any | None:
    """The first library that has these functions and fits, the functions declared; None if none does."""
    for path in paths:
        try:
            # It keeps the GIL: a call is soon over, and a thread that took it would hold up the loop.
            found = ctypes.PyDLL(path)
            for name, (result, arguments) in prototypes.items():
                function = getattr(found, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        if fits(found):
            return found
    return None
