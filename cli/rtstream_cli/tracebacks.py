"""A traceback cut to the frames that the user wrote."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path

from rtstream.errors.where import frames_of, is_users

SHOWN = 5  # frames: the place, and how one got there

_OURS = str(Path(__file__).resolve().parent) + os.sep


def of_user(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an exception that lie neither in Python, nor in an installed package, nor in rtstream."""
    return [frame for frame in frames_of(error) if _is_users(frame.filename)]


def _is_users(filename: str) -> bool:
    return is_users(filename) and not str(Path(filename).resolve()).startswith(_OURS)


def place(error: BaseException) -> str:
    """Where in the user's code it happened, as `file:line`; empty when it did not happen there."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}:{error.lineno}"
    own = of_user(error)
    return f"{_short(own[-1].filename)}:{own[-1].lineno}" if own else ""


def render(error: BaseException) -> str:
    """The user's frames, the newest last, each with its line of code."""
    if isinstance(error, SyntaxError) and error.filename:
        shown = (error.text or "").strip()
        return f"{place(error)}\n  {shown}".rstrip()
    return _lines(of_user(error))


def of_thread(thread: threading.Thread) -> str:
    """Where in the user's code a thread stands just now, in the same form; empty when it is elsewhere."""
    frame = sys._current_frames().get(thread.ident or 0)
    return _lines([one for one in traceback.extract_stack(frame) if _is_users(one.filename)])


def _lines(frames: list[traceback.FrameSummary]) -> str:
    lines: list[str] = []
    for frame in frames[-SHOWN:]:
        lines.append(f"{_short(frame.filename)}:{frame.lineno} in {frame.name}")
        if frame.line:
            lines.append(f"  {frame.line}")
    return "\n".join(lines)


def _short(filename: str) -> str:
    path = Path(filename).resolve()
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
