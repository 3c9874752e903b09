"""The turns of a test call: the flags that ask something of them, and how they and the outputs are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rtstream.errors import UsageError

from .console import console
from .options import option

if TYPE_CHECKING:
    from rtstream.loopback.report import Row
    from rtstream.loopback.turns import Turn

TURNS = "Turns"
COLUMNS = ("turn", "caller spoke", "reply from", "latency", "heard", "interrupted")
SHOWN = 40  # outputs of one way that are told in words; `--json` has them all

ExpectTurnsOpt = Annotated[
    int | None,
    option(
        "--expect-turns",
        min=0,
        metavar="N",
        panel=TURNS,
        help="Fail (exit 1) unless so many turns are answered. With 0, silence is what is wanted.",
    ),
]
MaxLatencyOpt = Annotated[
    float | None,
    option(
        "--max-latency",
        min=0,
        metavar="MS",
        panel=TURNS,
        help="Fail (exit 1) if a reply begins later than that after the end of speech.",
    ),
]
InterruptAtOpt = Annotated[
    float | None,
    option(
        "--interrupt-at",
        min=0,
        metavar="SECONDS",
        panel=TURNS,
        help="Speak over the reply to the last words of IN, so long after it began; fail if it goes on.",
    ),
]
InterruptWithOpt = Annotated[
    Path | None,
    option(
        "--interrupt-with",
        metavar="FILE",
        panel=TURNS,
        show_default="IN once more",
        help="What is said over the reply.",
    ),
]


def wanted(
    file: Path,
    expect_turns: int | None,
    max_latency: float | None,
    interrupt_at: float | None,
    interrupt_with: Path | None,
) -> dict[str, Any]:
    """What `run_file` is to say over a reply, and what it is to expect of the turns.

    Raises:
        UsageError: there is something to say, and nobody knows when.
        MediaFileError: what is to be said cannot be read.
    """
    from rtstream.loopback.expected import Expected
    from rtstream.loopback.interrupting import Interruption
    from rtstream.media.files import Clip

    if interrupt_at is None and interrupt_with is not None:
        raise UsageError(
            f"nobody knows when `{interrupt_with}` is to be said", fix="Add `--interrupt-at SECONDS`"
        )
    over = None if interrupt_at is None else Interruption(interrupt_at, Clip.open(interrupt_with or file))
    return {"interruption": over, "expected": Expected(expect_turns, max_latency, interrupt_at)}


def show(rows: list[Row]) -> None:
    """The turns of all ways in one table, and what the handler gave beside its media."""
    table = [(row.via, *_cells(number, turn)) for row in rows for number, turn in enumerate(row.turns, 1)]
    if table:
        console.data("")
        console.table(("transport", *COLUMNS), table, right=COLUMNS[:-1])
    for number, row in enumerate(row for row in rows if row.outputs):
        if number == 0:
            console.data("")
        for line in _told(row, named=len(rows) > 1):
            console.data(line)


def _cells(number: int, turn: Turn) -> list[str]:
    return [
        str(number),
        f"{turn.began:.2f}–{turn.ended:.2f} s",
        "–" if turn.reply is None else f"{turn.reply:.2f} s",
        "–" if turn.latency_ms is None else f"{turn.latency_ms:.0f} ms",
        f"{turn.heard:.2f} s",
        _interrupted(turn),
    ]


def _interrupted(turn: Turn) -> str:
    if not turn.interrupted:
        return "no"
    return "yes" if turn.silence_ms is None else f"silent after {turn.silence_ms:.0f} ms"


def _told(row: Row, *, named: bool) -> Iterator[str]:
    """The outputs of a way, one a line; the last ones when there are many."""
    way = f"{row.via}: " if named else ""
    left_out = len(row.outputs) - SHOWN
    if left_out > 0:
        yield f"{way}… {left_out} outputs before these (all of them: --json)"
    for output in row.outputs[-SHOWN:]:
        yield way + ", ".join(_words(value) for value in output)


def _words(value: Any) -> str:
    """A value as a person reads it: a message as `role: content`, a name with its text as `name: text`."""
    match value:
        case str():
            return value
        case {"role": str(name), "content": str(text)}:
            return f"{name}: {text}"
        case dict() if len(value) == 1 and isinstance(text := next(iter(value.values())), str):
            return f"{next(iter(value))}: {text}"
        case _:
            return json.dumps(value, ensure_ascii=False)
