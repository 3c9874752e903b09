"""The program `rtstream`: its commands, its global flags, and the way in."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from rtstream import __version__
from rtstream.errors import UsageError

from . import edge
from .commands.new import new
from .commands.serve import serve
from .commands.test_file import test_file
from .config import Globals
from .console import COLORS, console
from .options import Context

GLOBAL_FLAGS = {"-q", "--quiet", "-v", "--verbose", "--no-input"}
GLOBAL_OPTIONS = {"-C", "--color", "--config"}

VARIABLES = (
    "Each option is also a variable: --json is RTSTREAM_JSON. "
    "`rtstream --help` tells the flags of all commands."
)
PARAMETERS = "What follows `--` sets the handler's own parameters: -- --gain 0.5."


class Command(TyperCommand):
    """One command: what stands behind `--` belongs to the handler, not to us."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own, words = _split(args)
        ctx.meta["rtstream.words"] = words
        return super().parse_args(ctx, own)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.rich_markup_mode = _markup()
        super().format_help(ctx, formatter)


class Commands(TyperGroup):
    """All commands; `main` is the edge that both the program and a test runner go through."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        words = sys.argv[1:] if args is None else list(args)
        console.configure(json="--json" in _split(words)[0] or os.environ.get("RTSTREAM_JSON") == "1")
        code = edge.run(
            lambda: super(Commands, self).main(
                words, "rtstream", complete_var, False, windows_expand_args, **extra
            )
        )
        edge.flush()
        if standalone_mode:
            sys.exit(code)
        return code

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _global_flags_first(args))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.rich_markup_mode = _markup()
        super().format_help(ctx, formatter)


def _markup() -> Any:
    """Help comes in panels on a terminal and in plain lines everywhere else."""
    return "rich" if console.decorated(sys.stdout) else None


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words before the first `--`, and those behind it."""
    at = args.index("--") if "--" in args else len(args)
    return list(args[:at]), list(args[at + 1 :])


def _global_flags_first(args: Sequence[str]) -> list[str]:
    """Global flags may stand behind the command too: `rtstream serve -v`."""
    own, _ = _split(args)
    front: list[str] = []
    rest: list[str] = []
    words = iter(own)
    for word in words:
        if word in GLOBAL_FLAGS or word.startswith(("--color=", "--config=")):
            front.append(word)
        elif word in GLOBAL_OPTIONS:
            front += [word, *islice(words, 1)]
        else:
            rest.append(word)
    return front + rest + list(args[len(own) :])


def _show_version(wanted: bool) -> None:
    if wanted:
        console.data(f"rtstream {__version__}")
        raise typer.Exit


def _set_color(color: str) -> str:
    if color not in COLORS:
        raise typer.BadParameter(f"{color!r} is none of {', '.join(COLORS)}")
    console.color = color  # at once, so that it counts for `--help` too
    return color


app = typer.Typer(
    cls=Commands,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def main(
    ctx: Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "-q", "--quiet", envvar="RTSTREAM_QUIET", show_envvar=False, help="Only results and errors."
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "-v",
            "--verbose",
            envvar="RTSTREAM_VERBOSE",
            show_envvar=False,
            help="Say where each value comes from; whole tracebacks.",
        ),
    ] = False,
    color: Annotated[
        str,
        typer.Option(
            "--color",
            metavar="|".join(COLORS),
            envvar="RTSTREAM_COLOR",
            show_envvar=False,
            callback=_set_color,
            is_eager=True,
            help="Colours and panels; NO_COLOR and FORCE_COLOR are heard.",
        ),
    ] = "auto",
    no_input: Annotated[
        bool,
        typer.Option(
            "--no-input",
            envvar="RTSTREAM_NO_INPUT",
            show_envvar=False,
            help="Never ask; so it is in CI and without a terminal.",
        ),
    ] = False,
    directory: Annotated[
        Path | None, typer.Option("-C", metavar="DIR", show_default=False, help="Work in this folder.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            envvar="RTSTREAM_CONFIG",
            show_envvar=False,
            show_default=False,
            help="Read this configuration file.",
        ),
    ] = None,
) -> None:
    """Turn a Python function into a realtime audio or video stream."""
    console.configure(quiet=quiet, verbose=verbose, color=color, json=console.json)
    interactive = not (no_input or console.ci) and sys.stdin.isatty() and sys.stderr.isatty()
    if directory is not None:
        _enter(ctx, directory)
    ctx.obj = Globals(config, interactive)
    if ctx.invoked_subcommand is None:
        console.data(ctx.get_help())


def _enter(ctx: Context, directory: Path) -> None:
    """Work in another folder until the command is over."""
    if not directory.is_dir():
        raise UsageError(f"`{directory}` is not a folder", fix="Give an existing one with -C")
    ctx.call_on_close(partial(os.chdir, Path.cwd()))
    os.chdir(directory)


app.command("new", cls=Command, rich_help_panel="Create", epilog=VARIABLES)(new)
app.command("serve", cls=Command, rich_help_panel="Run", epilog=f"{PARAMETERS} {VARIABLES}")(serve)
app.command("test-file", cls=Command, rich_help_panel="Test", epilog=f"{PARAMETERS} {VARIABLES}")(test_file)


def run() -> NoReturn:
    """The way in: `rtstream …` and `python -m rtstream_cli`."""
    app()
    raise SystemExit(0)
