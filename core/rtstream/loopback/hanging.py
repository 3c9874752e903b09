"""Work that may never come back: given up after a time, with a word on where it stands."""

from __future__ import annotations

import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

import rtstream
from rtstream.errors import HandlerHung
from rtstream.worker import Worker

T = TypeVar("T")

PREFIX = "rtstream-"  # of the names of all threads in which handlers run
_PATHS = sysconfig.get_paths()
_FOREIGN = tuple(
    str(Path(path).resolve()) for path in (_PATHS["stdlib"], _PATHS["purelib"], *rtstream.__path__)
)


def guarded(work: Callable[[], T], limit: float) -> T:
    """Do work in a thread of its own and return or raise what it does; give it up when it hangs.

    Raises:
        HandlerHung: it took longer than `limit` seconds; the error says where the handler stands.
    """
    worker = Worker(f"{PREFIX}call")
    done = worker.submit(work)
    try:
        return done.result(limit)
    except TimeoutError:
        if done.done():  # then it was the work itself that raised this
            raise
        raise hung(limit) from None
    finally:
        worker.close()


def hung(limit: float) -> HandlerHung:
    """The error that a handler has not come back for `limit` seconds, and where it stands now."""
    return HandlerHung(
        f"the handler has not come back for {limit:g} s",
        why=_where() or "none of its code is running: it waits for something that does not come",
        fix="Give each wait in the handler a time limit, or allow it more time with --timeout",
    )


def _where() -> str:
    """The user's line that a handler's thread is at, for each that is in the user's code."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = [
        frame for ident, frame in sys._current_frames().items() if names.get(ident, "").startswith(PREFIX)
    ]
    places = (_users(frame) for frame in frames)
    return "; ".join(sorted(f"it stands at {place}" for place in places if place))


def _users(frame: FrameType | None) -> str:
    """The innermost of a thread's frames that is neither Python's, nor a package's, nor ours."""
    while frame is not None:
        if not str(Path(frame.f_code.co_filename).resolve()).startswith(_FOREIGN):
            line = traceback.extract_stack(frame, 1)[0]
            return f"{Path(line.filename).name}:{line.lineno}: {line.line}"
        frame = frame.f_back
    return ""
