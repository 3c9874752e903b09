"""The direct way: a recording through a stream without a wire, as fast as the handler allows."""

from __future__ import annotations

import asyncio

from rtstream.clock import run_stepped
from rtstream.loopback.hanging import guarded
from rtstream.loopback.taken import Taken
from rtstream.outputs import AdditionalOutputs
from rtstream.session.session import Session
from rtstream.stream import Stream
from rtstream.transports.file import FileTransport, Script


def run(
    stream: Stream, script: Script, *, realtime: bool = False, limit: float = 60.0
) -> tuple[Taken, Session, list[AdditionalOutputs]]:
    """Send a recording through a stream without a wire; on the step clock the same samples come each time.

    Args:
        stream: it is run as it is, its limits included.
        script: what is said, and how long is listened after it.
        realtime: take as long as the recording lasts, for handlers that measure time themselves.
        limit: real seconds after which the handler is taken to hang (default 60).

    Raises:
        HandlerHung: the handler did not come back within `limit`.
        ConnectionRefused: the stream is full.
    """

    async def call() -> tuple[Taken, Session, list[AdditionalOutputs]]:
        taken = Taken("direct")
        session = await stream.run(FileTransport(script, taken), "direct")
        return taken, session, await drained(session)

    return guarded(lambda: (asyncio.run if realtime else run_stepped)(call()), limit)


async def drained(session: Session) -> list[AdditionalOutputs]:
    """All additional outputs of a session that has ended."""
    kept: list[AdditionalOutputs] = []
    while (outputs := await session.outputs.next()) is not None:
        kept.append(outputs)
    return kept
