"""The warm-up before Ready, watched: a handler that blocks the loop is told while it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rtstream.clock import in_loop
from rtstream.server.warm import CALL_ID as CALL_ID
from rtstream.server.warm import LONGEST, OFFERS
from rtstream.server.warm import Warmth as Warmth
from rtstream.server.warm import warm as unwatched

from ..console import console
from .ending import stuck_at

if TYPE_CHECKING:
    from rtstream import Stream


async def warmed(streams: Sequence[Stream], imports: str = OFFERS) -> Warmth:
    """A short call through each stream; what goes wrong in it is told."""
    warmth = Warmth()
    for stream in streams:
        one = await warm(stream, imports)
        warmth = Warmth(warmth.imports + one.imports, warmth.call + one.call)
        if (trouble := one.trouble) is not None:
            console.warn(
                f"the warm-up call failed: {trouble.what}",
                why=trouble.why,
                fix=trouble.fix,
                cause=trouble.__cause__,
            )
    return warmth


async def warm(stream: Stream, imports: str = OFFERS) -> Warmth:
    """`rtstream.server.warm.warm`, watched from another thread.

    The time limits in there are of no use when the handler blocks the loop itself.
    """
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(asyncio.get_running_loop(), over), daemon=True)
    watching.start()
    try:
        return await unwatched(stream, imports)
    finally:
        over.set()
        await asyncio.to_thread(watching.join)


def _watch(loop: asyncio.AbstractEventLoop, over: threading.Event) -> None:
    """Tell of the handler when the loop has not turned for too long, and stands in it."""
    while not over.is_set():
        turned = threading.Event()
        in_loop(loop, turned.set)
        if turned.wait(LONGEST + 0.5):
            over.wait(0.1)
        elif where := stuck_at():
            console.warn(
                "the handler blocks the event loop: nobody else is served while it does",
                why=f"the warm-up call stands at\n{where}".rstrip(),
                fix="Await what takes long, or make the function a plain `def`: that runs in a thread",
            )
            return
