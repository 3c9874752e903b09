"""`rtstream test-file`: a recording through a handler over every wire, and what came of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtstream.errors import UsageError

from .. import candidates, dialog, discover, infer, streams
from ..config import DEFAULT, Settings
from ..console import as_document, console
from ..discover import Target
from ..keys import LONGEST, TRANSPORTS
from ..options import OUTPUT, Context, JsonOpt, ModalityOpt, ModeOpt, TargetOrUrlArg, option

if TYPE_CHECKING:
    from rtstream.loopback.report import Report, Row

COLUMNS = (
    "transport",
    "in",
    "out",
    "first back",
    "p95 gap",
    "max gap",
    "late",
    "lost",
    "vs direct",
    "verdict",
)
COLOURS = {"pass": "green", "fail": "red", "silent": "yellow"}
WAYS = "Ways"

FileArg = Annotated[
    Path,
    typer.Argument(
        metavar="IN",
        show_default=False,
        readable=False,  # asked here, that would be another error than all else that is wrong with it
        help="The recording: wav, mp3, ogg, flac, m4a, mp4, webm, and what else FFmpeg reads.",
    ),
]
HandlerOpt = Annotated[
    str | None,
    typer.Option("--handler", metavar="TARGET", show_default=False, help="The handler, if not after IN."),
]
ViaOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--via",
        envvar="RTSTREAM_VIA",
        show_envvar=False,
        metavar="|".join(TRANSPORTS),
        show_default="direct; all, to a server",
        rich_help_panel=WAYS,
        help="How the recording travels; a comma list, or given again. `all`: every way that fits. "
        "The telephone speaks Twilio's dialect, or that of `phone:telnyx`, `phone:plivo`, `phone:vonage`, "
        "`phone:exotel`; `phone:all`: all of them.",
    ),
]
DtmfOpt = Annotated[
    str | None,
    option(
        "--dtmf",
        metavar="KEYS",
        panel=WAYS,
        help="Keys that the caller presses from the beginning on, as in `1w2#`; `w` waits half a second. "
        "Carriers tell of them; elsewhere they are heard in the sound.",
    ),
]
RealtimeOpt = Annotated[
    bool | None,
    typer.Option(
        "--realtime/--no-realtime",
        envvar="RTSTREAM_REALTIME",
        show_envvar=False,
        rich_help_panel=WAYS,
        show_default=False,
        help="Let `direct` take as long as the recording, for handlers that look at a clock.",
    ),
]
LingerOpt = Annotated[
    float,
    option(
        "--linger",
        min=0.1,
        max=LONGEST,
        metavar="SECONDS",
        show_default=True,
        panel=WAYS,
        help="How long the handler must be quiet at the end before the caller hangs up.",
    ),
]
TimeoutOpt = Annotated[
    float | None,
    option(
        "--timeout",
        min=0.1,
        max=LONGEST,
        metavar="SECONDS",
        panel=WAYS,
        show_default="60 and twice the recording",
        help="How long one way may take before the handler is given up.",
    ),
]
OutOpt = Annotated[
    Path | None,
    option(
        "--out",
        metavar="FILE",
        panel=OUTPUT,
        help="Write what came back; its suffix says how. With several ways: FILE-direct.wav, …",
    ),
]


def test_file(
    ctx: Context,
    file: FileArg,
    target: TargetOrUrlArg = None,
    handler: HandlerOpt = None,
    modality: ModalityOpt = None,
    mode: ModeOpt = None,
    ways: ViaOpt = None,
    realtime: RealtimeOpt = None,
    linger: LingerOpt = 1.0,
    timeout: TimeoutOpt = None,
    dtmf: DtmfOpt = None,
    out: OutOpt = None,
    expect_turns: dialog.ExpectTurnsOpt = None,
    max_latency: dialog.MaxLatencyOpt = None,
    interrupt_at: dialog.InterruptAtOpt = None,
    interrupt_with: dialog.InterruptWithOpt = None,
    json: JsonOpt = False,
) -> int:
    """Send a recording through a handler and tell what comes back, how fast and how true."""
    settings = Settings.of(ctx)
    if target and handler:
        raise UsageError(f"two targets: `{target}` and `{handler}`", fix="Leave one out")
    via = _each(settings, ways)
    found = discover.find(target or handler, settings)
    if found.url is not None and settings.sources["via"] == DEFAULT:
        via = ["all"]  # `direct` does not lead to another server
    logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is told once, in the report

    from rtstream.loopback.run import run_file  # loads the engine, which `--help` must not

    report = run_file(
        path=file,
        via=via,
        out=out,
        realtime=settings.take("realtime", realtime),
        linger=linger,
        timeout=timeout,
        name=found.name,
        dtmf=dtmf or "",
        before=_announce,
        **dialog.wanted(file, expect_turns, max_latency, interrupt_at, interrupt_with),
        **_what(found, settings, modality, mode),
    )
    settings.explain()
    _show(report)
    return report.exit_code


def _each(settings: Settings, ways: Sequence[str] | None) -> list[str]:
    """The ways that were named, or else the one that the configuration names."""
    words = [word for text in ways or () for word in text.split(",") if word]
    return [settings.take("via", word) for word in words] or [settings.take("via")]


def _what(found: Target, settings: Settings, modality: str | None, mode: str | None) -> dict[str, Any]:
    """The stream under test, and where it is mounted; or its address and what was said of it."""
    if found.url is not None:
        given = {"modality": settings.take("modality", modality), "mode": settings.take("mode", mode)}
        return {"target": discover.server(found.url, settings), **given}
    stream = streams.of(found, settings, modality, mode, verbose=False)
    if not infer.is_app(found.obj):
        return {"target": stream}
    path = next(path for path, one in candidates.streams(found.obj) if one is stream)
    return {"target": stream, "app": found.obj, "mounted_at": path}


def _announce(way: str) -> None:
    console.detail(f"{way} …")


def _show(report: Report) -> None:
    if console.json:
        errors = [[as_document(error) for error in result.errors] for result in report.results]
        document = report.as_dict()
        for row, told in zip(document["rows"], errors, strict=True):
            row["errors"] = told
        console.document(**document)
        return
    right = COLUMNS[1:-1]
    console.table(COLUMNS, [_cells(row) for row in report.rows], right=right)
    dialog.show(report.rows)
    for row in report.rows:
        if row.why:
            console.say(f"{row.via}: {row.why}")
    _show_errors(report)
    if report.files:
        console.say(f"what came back is in {', '.join(str(path) for path in report.files)}")


def _cells(row: Row) -> list[str]:
    first = row.first_audio_ms if row.first_audio_ms is not None else row.first_picture_ms
    return [
        row.via,
        f"{row.seconds_in:.2f} s",
        f"{row.seconds_out:.2f} s",
        _milliseconds(first),
        _milliseconds(row.gap_p95_ms),
        _milliseconds(row.gap_max_ms),
        f"{row.late}/{row.frames}",
        str(row.dropped),
        "exact" if row.exact else "–" if row.likeness is None else f"{row.likeness:.3f}",
        console.paint(row.verdict, COLOURS[row.verdict], sys.stdout),
    ]


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms"


def _show_errors(report: Report) -> None:
    """Each error once, whatever the number of ways that met it."""
    told: set[tuple[str, str]] = set()
    for result in report.results:
        for error in result.errors:
            if (error.code, error.what) not in told:
                told.add((error.code, error.what))
                console.error(error)
