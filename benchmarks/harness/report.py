"""Tables in Markdown on stdout, and what the machine is."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from statistics import median

PACKAGES = ("aiortc", "av", "fastapi", "numpy", "starlette", "typer", "uvicorn", "uvloop", "websockets")


def title(text: str) -> None:
    print(f"\n## {text}\n", flush=True)


def note(text: str) -> None:
    print(f"- {text}", flush=True)


def progress(text: str) -> None:
    """Say on stderr what is going on: the tables come at the end."""
    print(text, file=sys.stderr, flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; the first column holds names, the others figures."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(head), *cells]) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        first, *rest = (
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        return "| " + " | ".join([first, *rest]) + " |"

    print()
    print(line(head))
    print("|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|")
    for row in cells:
        print(line(row))
    print(flush=True)


def plot(title: str, across: str, up: str, xs: Sequence[object], lines: dict[str, Sequence[float]]) -> None:
    """A chart in Mermaid, one line a name, in the order of the words above it; short lines end early."""
    print(f"{title}, from the first line to the last: {', '.join(lines)}.\n\n```mermaid\nxychart-beta")
    print(f'    x-axis "{across}" [{", ".join(map(str, xs))}]\n    y-axis "{up}"')
    for values in lines.values():
        print(f"    line [{', '.join(f'{value:.3g}' for value in values)}]")
    print("```\n", flush=True)


def verdict(row: str, target: str, measured: str, met: bool | None) -> None:
    """The line that says whether a row of the targets is met; None: it could not be measured."""
    word = {True: "met", False: "MISSED", None: "not measured"}[met]
    print(f"**{row} {word}**: target {target}; measured {measured}\n", flush=True)


def middle(values: Sequence[float]) -> float:
    """The median; not a number when there is none."""
    return median(values) if values else float("nan")


def ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def machine() -> None:
    """What the figures were measured on."""
    note(f"date: {date.today().isoformat()}")
    note(f"processor: {_processor()}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the start")
    note(f"system: {platform.system()} {platform.release()}, {_distribution()}")
    versions = (f"{name} {_version(name)}" for name in PACKAGES)
    note(f"Python {platform.python_version()}; {', '.join(versions)}")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "?")
    except OSError:
        return "?"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
