"""What the log tells an operator of calls: that one began, how it ended, and what kept one away."""

from __future__ import annotations

import logging

from ..errors import RtstreamError
from .session import Session

logger = logging.getLogger("rtstream.calls")

SLOW = 0.5  # seconds in which a handler is to be made: the event loop, and so every call, waits for it


def begun(session: Session, live: int) -> None:
    """A connection was answered; `live` there are now. Whose numbers they are is not told."""
    way, call = type(session.transport).__name__.removesuffix("Transport").lower(), session.context.call
    logger.info(
        "%.80r begins over %s%s; live: %d",
        session.id,
        way,
        f", call {call.id!r:.80} of {call.carrier}" if call is not None else "",
        live,
        extra={"session": session.id},
    )


def ended(session: Session, seconds: float, live: int) -> None:
    """A connection has ended and is cleaned up; `live` are left."""
    stats = session.stats
    logger.info(
        "%.80r ended after %.1f s: %s; frames in %d, out %d, dropped %d; errors %d; live: %d",
        session.id,
        seconds,
        session.reason.value if session.reason is not None else "failed",
        stats.frames_in,
        stats.frames_out,
        stats.dropped,
        stats.errors,
        live,
        extra={"session": session.id},
    )


def full(limit: int) -> None:
    """A caller was turned away because every place is taken."""
    logger.warning("all places are taken: callers are turned away (concurrency_limit=%d)", limit)


def unmade(id: str, error: RtstreamError) -> None:
    """The user's code raised while it made the handler of a connection, which is refused."""
    logger.error(
        "%s: no handler for %.80r: %s",
        error.code,
        id,
        error.what,
        exc_info=error.__cause__,
        extra={"session": id},
    )


def made(id: str, seconds: float) -> None:
    """The handler of a connection is made."""
    if seconds > SLOW:
        logger.warning(
            "it took %.1f s to make the handler of %.80r, and all other calls waited: "
            "load what takes long once, outside of copy() and __init__, or in start_up()",
            seconds,
            id,
            extra={"session": id},
        )


def shared(id: str) -> None:
    """A connection was given the handler of another one that lives."""
    logger.error(
        "the handler of %.80r serves another call already, and the two hear each other: "
        "return a new one from copy()",
        id,
        extra={"session": id},
    )
