"""The event loops that users have: asyncio's own, and uvloop where it is installed."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Callable

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.SelectorEventLoop]
if importlib.util.find_spec("uvloop") is not None:
    LOOPS.append(importlib.import_module("uvloop").new_event_loop)


def named(loop: Callable[[], asyncio.AbstractEventLoop]) -> str:
    """What a test's name calls a loop."""
    return loop.__module__.partition(".")[0]
