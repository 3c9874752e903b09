"""`rtstream bench`: how many calls a handler holds on one core, how late it is then, what a call costs."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtstream.errors import UsageError

from .. import discover
from ..config import Globals, Settings
from ..console import console
from ..edge import INTERRUPTED
from ..keys import CARRIERS, LONGEST
from ..options import Context, JsonOpt, ModalityOpt, ModeOpt, TargetOrUrlArg, option

if TYPE_CHECKING:
    from ..capacity.course import Wish

CALLS = "Calls"
WAYS = ("webrtc", "websocket", "phone", *(f"phone:{carrier}" for carrier in CARRIERS))

WayOpt = Annotated[
    str,
    typer.Option(
        "--via",
        envvar="RTSTREAM_VIA",
        show_envvar=False,
        metavar="webrtc|websocket|phone",
        rich_help_panel=CALLS,
        show_default=True,
        help="How the callers come. The telephone speaks Twilio's dialect, or that of `phone:telnyx`, "
        "`phone:plivo`, `phone:vonage`, `phone:exotel`.",
    ),
]
CallsOpt = Annotated[
    str | None,
    option(
        "--calls",
        metavar="N,N,…",
        panel=CALLS,
        show_default="up until it fails, then in between",
        help="How many calls at once, one step after another, behind one alone; fail (exit 1) unless all are "
        "held.",
    ),
]
SecondsOpt = Annotated[
    float,
    option(
        "--seconds",
        min=0.5,
        max=LONGEST,
        metavar="SECONDS",
        panel=CALLS,
        show_default=True,
        help="How long a step is measured; longer where an answer takes longer.",
    ),
]
InOpt = Annotated[
    Path | None,
    option(
        "--in",
        metavar="FILE",
        panel=CALLS,
        show_default="a sentence of 3 s",
        help="What the callers say, again and again.",
    ),
]
MaxLatencyOpt = Annotated[
    float | None,
    option(
        "--max-latency",
        min=1,
        metavar="MS",
        panel=CALLS,
        show_default="200; with turns, 200 more than alone",
        help="How late the 99th percentile of the answers may be: after what they answer, or after the end "
        "of speech if the handler takes turns.",
    ),
]


def bench(
    ctx: Context,
    target: TargetOrUrlArg = None,
    modality: ModalityOpt = None,
    mode: ModeOpt = None,
    way: WayOpt = "webrtc",
    calls: CallsOpt = None,
    seconds: SecondsOpt = 4.0,
    said: InOpt = None,
    max_latency: MaxLatencyOpt = None,
    json: JsonOpt = False,
) -> int:
    """Find out how many calls a handler holds on one core, how late it is then, and what a call costs."""
    settings = Settings.of(ctx)
    wish = _wish(ctx, settings, target, _way(way), _calls(calls), seconds, said, max_latency)

    from ..capacity import told
    from ..capacity.channel import Ended
    from ..capacity.course import Course

    course = Course(wish, _announce)
    try:
        asyncio.run(course.run())
    except Ended as end:
        return end.code
    except KeyboardInterrupt:
        if not course.steps:
            raise
        told.show(course, INTERRUPTED)
        return INTERRUPTED
    settings.explain()
    exit_code = told.exit_code(course)
    told.show(course, exit_code)
    return exit_code


def _wish(
    ctx: Context,
    settings: Settings,
    target: str | None,
    way: str,
    calls: tuple[int, ...],
    seconds: float,
    said: Path | None,
    most_ms: float | None,
) -> Wish:
    """What is wanted, as the processes are to know it; the handler itself is loaded by the server's alone."""
    from ..capacity.course import Wish

    given = settings.values
    named = given["target"]
    url = None
    if named is not None and named.startswith(discover.URL_SCHEMES):
        url = discover.server(discover.find(target, settings).url or "", settings)
        _check_elsewhere(settings)
    known = ctx.find_object(Globals) or Globals()
    config = str(known.config.resolve()) if known.config is not None else None
    surroundings = {"config": config, "color": console.color, "json": console.json}
    file = str(said or files("rtstream_templates") / "echo" / "sample.wav")
    words, modality, mode = settings.words, given["modality"], given["mode"]
    return Wish(target, url, modality, mode, words, way, file, calls, seconds, most_ms, surroundings)


def _check_elsewhere(settings: Settings) -> None:
    """See that nothing is asked of a running server that can only be asked of a handler."""
    if settings.values["mode"] == "send" or settings.values["modality"] not in (None, "audio"):
        raise UsageError(
            "of that server nothing would be seen that tells how well it is",
            why="callers measure the sound that comes back",
            fix="Name the handler itself, if it takes sound",
        )


def _way(way: str) -> str:
    if way not in WAYS:
        raise UsageError(f"`--via` cannot be {way!r}", fix=f"Choose of {', '.join(WAYS)}")
    return way


def _calls(text: str | None) -> tuple[int, ...]:
    """The steps that were named."""
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    if not all(word.isdecimal() and 1 <= int(word) <= 10_000 for word in words) or (text and not words):
        raise UsageError(
            f"`--calls` cannot be {text!r}",
            why="it takes whole numbers from 1 to 10000, with commas between",
            fix="For example: --calls 1,5,20",
        )
    return tuple(int(word) for word in words)


def _announce(text: str) -> None:
    console.say(f"{text} …")
