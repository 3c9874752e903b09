"""Where in the user's own code something happened: neither in Python, nor in a package, nor in rtstream."""

from __future__ import annotations

import functools
import os
import sysconfig
import traceback
from pathlib import Path

_OURS = str(Path(__file__).resolve().parents[1]) + os.sep
_PATHS = sysconfig.get_paths()
_FOREIGN = tuple(
    str(Path(_PATHS[name]).resolve()) + os.sep
    for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
)


@functools.cache
def is_users(filename: str) -> bool:
    """Whether code of that file is the user's own. A cell of a notebook is, though there is no such file."""
    path = Path(filename)
    if not (path.is_file() or path.is_absolute()):  # what others have compiled
        return False
    return not str(path.resolve()).startswith((_OURS, *_FOREIGN))


def frames_of(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames that an exception went through, the innermost last."""
    if isinstance(error.__cause__, StopIteration | StopAsyncIteration):
        error = error.__cause__  # what Python makes of one in a generator begins outside of it (PEP 479)
    return list(traceback.extract_tb(error.__traceback__))


def place(error: BaseException) -> str:
    """Where in the user's code it happened, as `file.py:12`; empty where that is not known.

    A handler may lie in a package: where no code is the user's own, it is that of others that counts.
    """
    frames = frames_of(error)
    own = [frame for frame in frames if is_users(frame.filename)]
    others = [frame for frame in frames if not str(Path(frame.filename).resolve()).startswith(_OURS)]
    for frame in (own or others)[-1:]:
        return f"{Path(frame.filename).name}:{frame.lineno}"
    return ""
