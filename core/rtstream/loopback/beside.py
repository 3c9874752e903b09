"""What a handler gives beside its media, as JSON can hold it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

DEPTH = 20  # of lists in lists: deeper ones, and those that hold themselves, are shown as Python shows them
SHOWN = 1000  # characters of what is no JSON
NUMBERS = 100  # of an array that is shown as a list


def as_json(value: Any, depth: int = DEPTH) -> Any:
    """The value itself where JSON has its kind, else as Python shows it, cut to 1,000 characters."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float() if math.isfinite(value):
            return float(value)
        case np.generic():
            return as_json(value.item(), 0)
        case np.ndarray() if value.size <= NUMBERS and depth:
            return as_json(value.tolist(), depth)
        case dict() if depth:
            return {str(key): as_json(one, depth - 1) for key, one in value.items()}
        case list() | tuple() if depth:
            return [as_json(one, depth - 1) for one in value]
        case _:
            return _shown(value)


def _shown(value: Any) -> str:
    try:
        return repr(value)[:SHOWN]
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        return f"<{type(value).__name__}, which cannot be shown: {error}>"
