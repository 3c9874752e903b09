"""`rtstream doctor`: whether this machine, a handler or a running server is fit for calls."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..config import Settings
from ..console import console
from ..options import (
    Context,
    HostOpt,
    IceServerOpt,
    JsonOpt,
    ModalityOpt,
    ModeOpt,
    PortOpt,
    TargetOrUrlArg,
)

if TYPE_CHECKING:
    from ..health.finding import Finding

Group = tuple[str, Callable[[], Iterator["Finding"]]]

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


def doctor(
    ctx: Context,
    target: TargetOrUrlArg = None,
    modality: ModalityOpt = None,
    mode: ModeOpt = None,
    ice_server: IceServerOpt = None,
    host: HostOpt = None,
    port: PortOpt = None,
    json: JsonOpt = False,
) -> int:
    """Look whether this machine, a handler or a server is fit for calls, and call it to see."""
    settings = Settings.of(ctx)
    logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is told once, in the report
    findings: list[tuple[str, Finding]] = []
    for group, look in _groups(target, settings):
        if not console.json:
            console.data(console.paint(group, "bold", sys.stdout))
        with console.status(f"{group} …"):
            for finding in look():
                findings.append((group, finding))
                if not console.json:
                    _show(finding)
    settings.explain()
    wrong = [finding for _, finding in findings if finding.mark == "fail"]
    exit_code = wrong[0].exit_code if wrong else 0
    if console.json:
        document = [{"group": group, **finding.as_dict()} for group, finding in findings]
        console.document(findings=document, exit_code=exit_code)
    elif wrong:
        console.say(f"not fit for calls: {', '.join(dict.fromkeys(finding.name for finding in wrong))}")
    else:
        console.say("fit for calls")
    return exit_code


def _groups(target: str | None, settings: Settings) -> Iterator[Group]:
    """What is looked at, in an order in which one explains the next."""
    yield "packages", partial(_look, "packages")
    yield "media", partial(_look, "media")
    yield "network", partial(_look, "network", settings)
    yield "calls on this machine", partial(_look, "calls")
    yield "from outside", partial(_look, "outside")
    yield "target", partial(_look, "targets", target, settings)


def _look(module: str, *given: Any) -> Iterator[Finding]:
    """Take the looks of a module, which is loaded only now: what it needs may not be there."""
    try:
        yield from import_module(f"rtstream_cli.health.{module}").look(*given)
    except ImportError as error:
        from ..health.finding import Finding

        yield Finding(module, "fail", f"cannot be looked at: {error}", "Mend the packages first")


def _show(finding: Finding) -> None:
    mark = console.paint(finding.mark.ljust(4), COLOURS[finding.mark], sys.stdout)
    console.data(f"  {mark}  {finding.name}: {finding.said}")
    if finding.fix:
        console.data(f"        → {finding.fix}")
