"""What a handler gives beside its media, as JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rtstream.loopback.beside import as_json


class Stubborn:
    def __repr__(self) -> str:
        raise ValueError("not me")


class Plain:
    def __repr__(self) -> str:
        return "x" * 2000


@pytest.mark.parametrize(
    "value, shown",
    [
        ("käse", "käse"),
        (None, None),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ({"role": "user", 1: ("a", [2])}, {"role": "user", "1": ["a", [2]]}),
        (float("nan"), "nan"),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (Plain(), "x" * 1000),
        (Stubborn(), "<Stubborn, which cannot be shown: not me>"),
        ({1, 2}, "{1, 2}"),
    ],
)
def test_what_is_json_stays_and_all_else_is_shown_as_python_shows_it(value: Any, shown: Any) -> None:
    assert as_json(value) == shown
    json.dumps(as_json(value), allow_nan=False)


def test_a_picture_is_named_and_not_printed() -> None:
    assert as_json(np.zeros((480, 640, 3), np.uint8)).startswith("array([[[0, 0, 0]")


def test_a_list_that_holds_itself_has_an_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert len(json.dumps(as_json(endless))) < 200
