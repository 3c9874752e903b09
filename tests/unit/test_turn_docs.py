"""docs/turns.md tells what the code does: diagrams drawn from the tables, defaults that are the code's."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from rtstream import AlgoOptions
from rtstream.turns.states import BOT, USER, transitions
from scripts import turn_diagrams

PAGE = turn_diagrams.PAGE.read_text(encoding="utf-8")


def test_the_diagrams_are_those_of_the_tables() -> None:
    assert turn_diagrams.page(PAGE) == PAGE, "run `python scripts/turn_diagrams.py`"


@pytest.mark.parametrize(("name", "table"), [("speaker", USER), ("reply", BOT)])
def test_a_diagram_has_every_move_and_no_other(name: str, table: Any) -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+): (.+)$", turn_diagrams.diagram(name), re.M)
    assert drawn == transitions(table)


def test_a_page_without_a_place_for_a_diagram_is_refused() -> None:
    with pytest.raises(SystemExit, match="no place for the diagram of the speaker"):
        turn_diagrams.page("nothing")


def test_every_option_is_there_with_its_default() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", PAGE, re.M))
    made = AlgoOptions()
    for option in fields(AlgoOptions):
        value = getattr(made, option.name)
        assert told.pop(option.name) in (
            str(value),
            f"{value:g}" if value is not None else "",
            "`min_speech`",
        )
    assert not told
