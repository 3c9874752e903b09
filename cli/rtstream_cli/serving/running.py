"""What every server of the command line shares: its loop, and the end of its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..console import console

if TYPE_CHECKING:
    from rtstream import Stream


def run(server: Coroutine[Any, Any, None]) -> None:
    """Run a server to its end."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(server)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (the extra `fast`)."""
    if find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    return factory


async def drain(streams: Sequence[Stream], seconds: float) -> None:
    """Take no more calls, let the live ones go on for a while, and end the rest."""
    live = sum(len(stream.sessions) for stream in streams)
    if console.json:
        console.event("draining", calls=live, seconds=seconds)
    elif live:
        calls = "1 call" if live == 1 else f"{live} calls"
        console.say(f"Draining {calls} for up to {seconds:g} s; press Ctrl-C again to drop them")
    await asyncio.gather(*(stream.sessions.drain(seconds) for stream in streams))
