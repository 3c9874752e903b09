"""The program `rtstream`: its commands, its global flags, and the way in."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from rtstream.errors import UsageError

from . import edge
from .console import console
from .flags import (
    ColorOpt,
    ConfigOpt,
    Context,
    DirectoryOpt,
    Globals,
    NoInputOpt,
    QuietOpt,
    VerboseOpt,
    VersionOpt,
)
from .keys import TUNNELS

CONTEXT = {"help_option_names": ["-h", "--help"]}
GLOBAL_FLAGS = {"-q", "--quiet", "-v", "--verbose", "--no-input"}
GLOBAL_OPTIONS = {"-C", "--color", "--config"}

VARIABLES = (
    "Each option is also a variable: --json is RTSTREAM_JSON. "
    "`rtstream --help` tells the flags of all commands."
)
PARAMETERS = "What follows `--` sets the handler's own parameters: -- --gain 0.5."

TUNNEL = "--tunnel"  # alone it means `auto`: what stands behind it may be the handler

COMMANDS = {  # name: (panel of the help, what it does, what stands below its own help)
    "new": ("Create", "Make a project that runs at once.", VARIABLES),
    "serve": (
        "Run",
        "Serve a handler to browsers, telephones and WebSocket clients.",
        f"{PARAMETERS} {VARIABLES}",
    ),
    "phone": ("Run", "Serve a handler on a telephone number.", f"{PARAMETERS} {VARIABLES}"),
    "tunnel": ("Run", "Put a port of this machine on a public address.", VARIABLES),
    "test-file": (
        "Test",
        "Send a recording through a handler and tell what comes back, how fast and how true.",
        f"{PARAMETERS} {VARIABLES}",
    ),
    "doctor": (
        "Test",
        "Look whether this machine, a handler or a server is fit for calls, and call it to see.",
        f"{PARAMETERS} {VARIABLES}",
    ),
    "bench": (
        "Test",
        "Find out how many calls a handler holds on one core, how late it is then, and what a call costs.",
        f"It takes about a minute. {PARAMETERS} {VARIABLES}",
    ),
}


class Command(TyperCommand):
    """One command: what stands behind `--` belongs to the handler, not to us."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own, words = _split(args)
        ctx.meta["rtstream.words"] = words
        return super().parse_args(ctx, _with_a_value(own))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.rich_markup_mode = _markup()
        super().format_help(ctx, formatter)


class Later(TyperCommand):
    """A command as the list of commands needs it; its module is loaded when it is called."""

    def loaded(self) -> TyperCommand:
        """The command itself: the function of its name in its module in `commands/`."""
        assert self.name is not None
        module = self.name.replace("-", "_")
        function = getattr(import_module(f"{__package__}.commands.{module}"), module)
        alone = typer.Typer(add_completion=False, context_settings=CONTEXT)
        alone.command(self.name, cls=Command, epilog=self.epilog)(function)
        return cast("TyperCommand", get_command(alone))

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.loaded().make_context(info_name, args, parent, **extra)


class Commands(TyperGroup):
    """All commands; `main` is the edge that both the program and a test runner go through."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (panel, help, epilog) in COMMANDS.items():
            self.add_command(Later(name, help=help, epilog=epilog, rich_help_panel=panel))

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
        console.configure(json="--json" in _split(words)[0] or _says_yes("RTSTREAM_JSON"))
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


def _says_yes(variable: str) -> bool:
    """Whether a variable turns its flag on: the words that Typer takes for a yes."""
    return os.environ.get(variable, "").lower() in ("1", "true", "t", "yes", "y", "on")


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words before the first `--`, and those behind it."""
    at = args.index("--") if "--" in args else len(args)
    return list(args[:at]), list(args[at + 1 :])


def _with_a_value(own: list[str]) -> list[str]:
    """A lone `--tunnel` is `--tunnel auto`, whatever stands behind it."""
    at = own.index(TUNNEL) + 1 if TUNNEL in own else 0
    value = own[at] if 0 < at < len(own) else "-"
    is_handler = value not in TUNNELS and any(sign in value for sign in ".:@/")
    return [*own[:at], TUNNELS[0], *own[at:]] if at and (is_handler or value.startswith("-")) else own


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


app = typer.Typer(
    cls=Commands,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings=CONTEXT,
)


@app.callback(invoke_without_command=True)
def main(
    ctx: Context,
    version: VersionOpt = False,
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
    color: ColorOpt = "auto",
    no_input: NoInputOpt = False,
    directory: DirectoryOpt = None,
    config: ConfigOpt = None,
) -> None:
    """Turn a Python function into a realtime audio or video stream."""
    console.configure(quiet=quiet, verbose=verbose, color=color, json=console.json)
    interactive = not (no_input or console.ci) and sys.stdin.isatty() and sys.stderr.isatty()
    ctx.obj = Globals(config, interactive, _working_folder())
    if directory is not None:
        _enter(ctx, directory)
    if ctx.invoked_subcommand is None:
        console.data(ctx.get_help())


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:  # it was deleted, or this user may not look into it
        raise UsageError(
            "the working folder cannot be used", why=error.strerror or str(error), fix="Go to another folder"
        ) from None


def _enter(ctx: Context, directory: Path) -> None:
    """Work in another folder until the command is over."""
    if not directory.is_dir():
        raise UsageError(f"`{directory}` is not a folder", fix="Give an existing one with -C")
    ctx.call_on_close(partial(os.chdir, Path.cwd()))
    os.chdir(directory)


def run() -> NoReturn:
    """The way in: `rtstream …` and `python -m rtstream_cli`."""
    edge.open_streams()
    app()
    raise SystemExit(0)
