"""The flags of the program itself, before a command or behind it, and what they leave for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from rtstream import __version__

from .console import COLORS, console

Context = typer.Context  # what a command is handed: the global flags, and the words after `--`


class Globals(NamedTuple):
    """What the flags leave behind for the commands; `origin` is where the program was started."""

    config: Path | None = None
    interactive: bool = True
    origin: Path = Path()


def _show_version(wanted: bool) -> None:
    if wanted:
        console.data(f"rtstream {__version__}")
        raise typer.Exit


def _set_color(color: str) -> str:
    if color not in COLORS:
        raise typer.BadParameter(f"{color!r} is none of {', '.join(COLORS)}")
    console.color = color  # at once, so that it counts for `--help` too
    return color


def _global(*names: str, help: str, variable: str | None = None, **more: Any) -> Any:
    """A flag of the program itself."""
    return typer.Option(*names, help=help, envvar=variable, show_envvar=False, **more)


VersionOpt = Annotated[
    bool, _global("--version", callback=_show_version, is_eager=True, help="Print the version.")
]
QuietOpt = Annotated[
    bool, _global("-q", "--quiet", variable="RTSTREAM_QUIET", help="Only results and errors.")
]
VerboseOpt = Annotated[
    bool,
    _global(
        "-v",
        "--verbose",
        variable="RTSTREAM_VERBOSE",
        help="Say where each value comes from; whole tracebacks.",
    ),
]
ColorOpt = Annotated[
    str,
    _global(
        "--color",
        variable="RTSTREAM_COLOR",
        metavar="|".join(COLORS),
        callback=_set_color,
        is_eager=True,
        help="Colours and panels; NO_COLOR and FORCE_COLOR are heard.",
    ),
]
NoInputOpt = Annotated[
    bool,
    _global(
        "--no-input",
        variable="RTSTREAM_NO_INPUT",
        help="Never ask; so it is in CI and without a terminal.",
    ),
]
DirectoryOpt = Annotated[
    Path | None, _global("-C", metavar="DIR", show_default=False, help="Work in this folder.")
]
ConfigOpt = Annotated[
    Path | None,
    _global(
        "--config",
        variable="RTSTREAM_CONFIG",
        metavar="FILE",
        show_default=False,
        help="Read this configuration file.",
    ),
]
