"""How a session ends: by its time limit if nothing else ends it, and taken apart once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ..handlers.base import StreamHandlerBase
from .outcome import EndReason
from .reports import Reports
from .runner import Runner

SHUTDOWN_SECONDS = 5.0  # what a handler's shutdown may take before the session ends without it


async def within_limit(
    over: asyncio.Future[tuple[EndReason, str]], limit: float | None
) -> tuple[EndReason, str]:
    """Wait for the end; it is there after `limit` seconds, if there is one."""
    try:
        async with asyncio.timeout(limit):
            return await over
    except TimeoutError:
        return EndReason.TIME_LIMIT, f"The time limit of {limit:g} s is reached"


async def clean_up(
    tasks: Iterable[asyncio.Task[None]], handler: StreamHandlerBase, runner: Runner, reports: Reports
) -> None:
    """Cancel what still runs, call the handler's `shutdown` once, and let its threads go."""
    running = list(tasks)
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=SHUTDOWN_SECONDS)
    try:
        if handler.has_own("shutdown"):
            call = runner.call(handler.shutdown, role="shutdown")
            if not await reports.within(SHUTDOWN_SECONDS, call):
                reports.hung("shutdown")
    finally:
        runner.close()
