"""The warm-up before Ready, watched: a handler that blocks the loop is told while it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rtstream.server.warm import CALL_ID as CALL_ID
from rtstream.server.warm import LONGEST, OFFERS
from rtstream.server.warm import Warmth as Warmth
from rtstream.server.warm import warm as unwatched

from ..console import console
from .ending import after, stuck_at

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
    watch = after(LONGEST + 0.5, _tell_of_blocked_loop)
    try:
        return await unwatched(stream, imports)
    finally:
        watch.cancel()


def _tell_of_blocked_loop() -> None:
    console.warn(
        "the handler blocks the event loop: nobody else is served while it does",
        why=f"the warm-up call stands at\n{stuck_at()}".rstrip(),
        fix="Await what takes long, or make the function a plain `def`: that runs in a thread",
    )
