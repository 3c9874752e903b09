"""Any value that a handler puts out, as JSON that every browser reads."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Mapping, Set
from enum import Enum
from typing import Any

DEEPEST = 20  # levels of lists in lists
MOST_NUMBERS = 1000  # of an array; of a larger one its shape is told
EXACT = 2**53  # beyond it a browser's numbers are not whole


def plain(value: Any, depth: int = 0) -> Any:
    """The value as dicts, lists, texts, finite numbers, booleans and null; what is none of these as text."""
    if isinstance(value, Enum):
        return plain(value.value, depth)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < EXACT else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth >= DEEPEST:
        return "…"
    return _composed(value, depth + 1)


def _composed(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple | deque | Set):
        return [plain(item, depth) for item in value]
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), depth) for field in dataclasses.fields(value)}
    if callable(dump := getattr(value, "model_dump", None)):  # pydantic's models
        return plain(dump(), depth)
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _numbers(value, depth)
    return str(value)


def _numbers(array: Any, depth: int) -> Any:
    """A number or an array of numpy's."""
    if array.size > MOST_NUMBERS:
        return f"array of shape {array.shape}, {array.dtype}"
    return plain(array.tolist(), depth)
