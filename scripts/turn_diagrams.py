"""Draw the diagrams of docs/turns.md from the turn machine, or say with --check that they are out of date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rtstream.turns.states import BOT, USER, Bot, User, transitions

PAGE = Path(__file__).parent.parent / "docs/turns.md"

MACHINES: dict[str, tuple[dict[Any, Any], Any]] = {"speaker": (USER, User.SILENT), "reply": (BOT, Bot.IDLE)}


def diagram(name: str) -> str:
    """The state diagram of one machine, in Mermaid."""
    table, first = MACHINES[name]
    lines = [f"    {a} --> {b}: {because}" for a, b, because in transitions(table)]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {first.value}", *lines, "```"])


def page(text: str) -> str:
    """The page with its diagrams drawn anew."""
    for name in MACHINES:
        begin, end = f"<!-- diagram: {name} -->\n", "\n<!-- end -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end.lstrip())
        if not found or not closed:
            sys.exit(f"docs/turns.md has no place for the diagram of the {name}")
        text = before + begin + diagram(name) + end + after
    return text


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8")
    if "--check" not in sys.argv:
        PAGE.write_text(page(before), encoding="utf-8")
    elif before != page(before):
        sys.exit("docs/turns.md is out of date: run `python scripts/turn_diagrams.py`")
