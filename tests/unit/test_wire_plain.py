"""Whatever a handler puts out becomes JSON that a browser reads."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest

from rtstream.wire import messages
from rtstream.wire.messages import LONGEST_OUTPUT
from rtstream.wire.plain import DEEPEST, EXACT, plain


class Color(Enum):
    RED = "red"


@dataclass
class Box:
    x: int
    label: str


class Turn(pydantic.BaseModel):
    role: str


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        ("x", "x"),
        (5, 5),
        (EXACT, str(EXACT)),
        (0.5, 0.5),
        (float("nan"), None),
        (float("inf"), None),
        (Color.RED, "red"),
        (Box(1, "cat"), {"x": 1, "label": "cat"}),
        (Box, str(Box)),
        (Turn(role="user"), {"role": "user"}),
        (Path("a"), "a"),
        (b"abc", "3 bytes"),
        ({1: (2, {3})}, {"1": [2, [3]]}),
        (deque([1]), [1]),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.zeros((480, 640), np.uint8), "array of shape (480, 640), uint8"),
    ],
)
def test_a_value_is_written_as_a_browser_can_read_it(value: Any, written: Any) -> None:
    assert plain(value) == written
    assert json.loads(messages.output([value])) == {"type": "output", "data": [written]}


def test_what_holds_itself_comes_to_an_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert json.dumps(plain(endless)).count("[") == DEEPEST


def test_an_output_that_is_too_long_is_told_of() -> None:
    said = json.loads(messages.output(["x" * LONGEST_OUTPUT]))
    assert "too long to be sent" in said["data"][0]
