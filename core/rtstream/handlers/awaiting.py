"""Waiting for the inputs of a client, and a word in the log where nobody sends any."""

from __future__ import annotations

import asyncio
import logging

LONG = 5.0  # seconds: a page answers at once, and a program has set them by then

logger = logging.getLogger("rtstream.handlers")


async def inputs_sent(sent: asyncio.Event, whose: str) -> None:
    """Wait until the inputs were sent.

    Args:
        sent: set when they are.
        whose: the name of who takes them, for the log.
    """
    try:
        async with asyncio.timeout(LONG):
            await sent.wait()
    except TimeoutError:
        logger.warning(
            "%s has waited %g s for its inputs, which no client has sent: give its parameters defaults, "
            "declare `additional_inputs`, or call stream.set_input(webrtc_id, …)",
            whose,
            LONG,
        )
        await sent.wait()
