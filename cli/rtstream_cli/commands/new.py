"""`rtstream new`: a project that runs, proved before it is called done."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtstream.errors import UsageError

from ..config import Globals
from ..console import console
from ..options import Context, JsonOpt

if TYPE_CHECKING:
    from ..scaffold import Template


def new(
    ctx: Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default=False, help="The project and its folder.")
    ] = None,
    template: Annotated[
        str,
        typer.Option(
            "-t",
            "--template",
            metavar="TEMPLATE",
            envvar="RTSTREAM_TEMPLATE",
            show_envvar=False,
            help="What to start from.",
        ),
    ] = "echo",
    list_: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written.")] = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not run the project's own test.")
    ] = False,
    json: JsonOpt = False,
) -> None:
    """Make a project that runs at once."""
    from .. import proof, scaffold

    if list_:
        _list(json)
        return
    chosen = scaffold.template(template)
    name = name or _ask(ctx)
    scaffold.check_name(name)
    folder = Path.cwd() / name
    scaffold.check_folder(folder)
    project = scaffold.contents(chosen, name)
    if not dry_run:
        scaffold.write(project, folder)
    if not json:
        _show_tree(name, project)
    passed: list[str] = []
    if not (dry_run or no_verify):
        with console.status("running its own test"):
            passed = proof.prove(folder, chosen.sample)
    _finish(json, name, chosen, project, passed, written=not dry_run)


def _list(json: bool) -> None:
    from ..scaffold import templates

    found = templates().values()
    if json:
        keys = ("name", "summary", "modality", "mode", "lines", "sample")
        console.document(templates=[{key: getattr(one, key) for key in keys} for one in found])
        return
    rows = [(one.name, one.modality, one.mode, str(one.lines), one.summary) for one in found]
    console.table(("template", "modality", "mode", "lines", "what it does"), rows, right=("lines",))


def _ask(ctx: Context) -> str:
    known = ctx.find_object(Globals)
    if known is None or not known.interactive:
        raise UsageError(
            "the project has no name", why="nobody can be asked for it here", fix="rtstream new myapp"
        )
    answer: str = typer.prompt("Name of the project", default="myapp", err=True)
    return answer


def _show_tree(name: str, paths: Iterable[str]) -> None:
    """The files: as a tree on a terminal, as paths when piped."""
    if not console.decorated(sys.stdout):
        for path in paths:
            console.data(f"{name}/{path}")
        return
    console.data(f"  {console.paint(name, 'bold', sys.stdout)}/")
    ordered = sorted(paths, key=lambda path: (path.count("/"), path))
    for path in ordered:
        console.data(f"  {'└─' if path == ordered[-1] else '├─'} {path}")


def _finish(
    json: bool,
    name: str,
    chosen: Template,
    project: dict[str, bytes],
    passed: list[str],
    *,
    written: bool,
) -> None:
    steps = [f"cd {name}", f"rtstream test-file {chosen.sample}", "rtstream serve"]
    if json:
        console.document(
            project=name,
            template=chosen.name,
            written=written,
            files=list(project),
            passed=passed,
            next=steps,
        )
        return
    if not written:
        console.say("Nothing was written (--dry-run)")
        return
    if passed:
        mark = console.paint("✓", "green") if console.decorated(sys.stderr) else "ok:"
        console.say(f"  {mark} passes its own {' and '.join(f'`{one}`' for one in passed)}")
    console.say("\n  Next:")
    for step in steps:
        console.say(f"    {console.paint(step, 'cyan')}")
