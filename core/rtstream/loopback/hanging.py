"""Work that may never come back: given up after a time, with a word on where it stands."""

from __future__ import annotations

import concurrent.futures.thread
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

from rtstream.errors import HandlerHung
from rtstream.errors.where import is_users
from rtstream.worker import Worker

T = TypeVar("T")


def guarded(work: Callable[[], T], limit: float) -> T:
    """Do work in a thread of its own and return or raise what it does; give it up when it hangs.

    Raises:
        HandlerHung: it took longer than `limit` seconds; the error says where the handler stands.
    """
    worker = Worker("rtstream-call")
    done = worker.submit(work)
    try:
        return done.result(limit)
    except TimeoutError:
        if done.done():  # then it was the work itself that raised this
            raise
        error = hung(limit)
        let_pools_go()
        raise error from None
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
    """The user's line that a thread is at, for each that is in the user's code."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]  # it asks; its own code is not what hangs
    places = [_users(frame) for frame in frames.values()]
    return "; ".join(sorted(f"it stands at {place}" for place in places if place))


def let_pools_go() -> None:
    """Let the program end without waiting for threads of `asyncio.to_thread` that hang.

    Python waits at its end for every thread of every pool. Those that the given-up work has made are
    daemons, as the thread is that they were made in.
    """
    waited_for = vars(concurrent.futures.thread).get("_threads_queues", {})
    for thread in threading.enumerate():
        if thread.daemon:
            waited_for.pop(thread, None)


def _users(frame: FrameType | None) -> str:
    """The innermost of a thread's frames that is neither Python's, nor a package's, nor ours."""
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            line = traceback.extract_stack(frame, 1)[0]
            return f"{Path(line.filename).name}:{line.lineno}: {line.line}"
        frame = frame.f_back
    return ""
