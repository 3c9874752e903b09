"""The edge of the command line: the one place where what was raised becomes an exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from rtstream.errors import RtstreamError, UsageError

from .console import console, silence

T = TypeVar("T")

INTERRUPTED = 130  # 128 + SIGINT, as a shell counts it

# What Typer (and click, before it) adds to a message when a name is nearly right.
SUGGESTION = r"(?:Did you mean |\(Possible options: )(.+?)[?)]*$"  # compiled when a word was wrong

# Typer carries its own copy of click since 0.26 or so, so click's classes are reached through Typer's.
Misused: type[Exception] = typer.BadParameter.__mro__[2]


def attempt(call: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    """Call code that may raise anything, and hand over its result or what it raised.

    A KeyboardInterrupt goes through: it is the person's wish, not the code's failure.
    """
    try:
        return call(), None
    except (Exception, SystemExit) as error:
        return None, error


def run(program: Callable[[], Any]) -> int:
    """Run a command, tell what went wrong, and return the exit code."""
    try:
        result, error = attempt(program)
    except KeyboardInterrupt:
        return INTERRUPTED
    if error is None:
        return result if isinstance(result, int) else 0
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    known = _known(error)
    console.error(known)
    return known.exit_code


def _known(error: BaseException) -> RtstreamError:
    """The error as one of ours."""
    if isinstance(error, RtstreamError):
        return error
    if isinstance(error, Misused):
        return _misuse(error)
    unexpected = RtstreamError(
        f"rtstream itself failed: {type(error).__name__}: {error}",
        why="this is a fault in rtstream, not in what you did",
        fix="Run it again with `-v` and report what it prints",
    )
    unexpected.__cause__ = error
    return unexpected


def _misuse(error: Exception) -> UsageError:
    ctx: typer.Context | None = getattr(error, "ctx", None)
    message: str = getattr(error, "format_message", error.__str__)()
    path = ctx.command_path if ctx is not None else "rtstream"
    told = re.search(SUGGESTION, message)
    return UsageError(
        (message[: told.start()] if told else message).rstrip(". ").replace("\n\t", " "),
        fix=f"Did you mean {told[1]}?" if told else f"{path} --help",
    )


def open_streams() -> None:
    """Give a program that was started without stdin, stdout or stderr (`>&-`) empty ones.

    Python has None for each. And the first socket or file would get its number, into which a C library
    may print.
    """
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))


def flush() -> None:
    """Write out what is still buffered, while a broken pipe can still be taken calmly."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            silence(stream)
