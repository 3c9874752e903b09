"""The one place where logging is set up: lines for people or JSON for machines, both on stderr."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from .. import tracebacks
from ..console import console
from .warm import CALL_ID


def configure(form: str) -> None:
    """Set up the log of the whole program.

    Args:
        form: "text" or "json". Each record of a session carries its id.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Text())
    handler.addFilter(lambda record: not _told_elsewhere(record))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    told = logging.DEBUG if console.verbose else logging.WARNING if console.quiet else logging.INFO
    logging.getLogger("rtstream").setLevel(told)
    logging.getLogger("uvicorn").setLevel(logging.INFO if console.verbose else logging.WARNING)


def _told_elsewhere(record: logging.LogRecord) -> bool:
    """Whether the command itself tells it: what the warm-up met, and a start-up that failed."""
    if record.name == "uvicorn.error" and not console.verbose:
        return record.getMessage().startswith(
            ("Traceback (most recent call last)", "Application startup failed")
        )
    return getattr(record, "session", "") == CALL_ID


class Text(logging.Formatter):
    """`12:03:04 error: what · session 1a2b3c4d`, and the user's frames below it."""

    STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        if record.levelname in self.STYLES:
            level = console.paint(level, self.STYLES[record.levelname])
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        session = getattr(record, "session", "")
        line = f"{time} {level}: {record.getMessage()}{f' · session {session[:8]}' if session else ''}"
        frames = "\n".join(f"    {frame}" for frame in _frames(record).splitlines())
        return f"{line}\n{frames}" if frames else line


class Json(logging.Formatter):
    """One object a line: time (UTC), level, logger, message; session and traceback where there are some."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if session := getattr(record, "session", ""):
            line["session"] = session
        if frames := _frames(record):
            line["traceback"] = frames
        return json.dumps(line)


def _frames(record: logging.LogRecord) -> str:
    """The user's frames of the exception; all of them with `-v`, or when none is the user's."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return ""
    own = tracebacks.render(error)
    if own and not console.verbose:
        return own
    return "".join(traceback.format_exception(error)).rstrip()
