"""Asks the far end again and again whether it still wants to be sent to (RFC 7675)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from ..clock import Clock

PERIOD = 4.0, 6.0  # RFC 7675 §5.1: seconds between two checks, at random
EXPIRES = 30.0  # seconds after the last answer
AT_ONCE = 0.5  # seconds: what took longer was said again, or its answer was late


class Consent:
    """The consent of one far end.

    aioice lets a call fall when six checks in a row were not answered within half a second, each of which
    it sends once: where 30 % is lost each way, that happens to one end or the other in one call of ten a
    minute, and where the way there and back takes longer, to every call.

    RFC 7675 §5.1 has each check sent once, too. Here one that is not answered is said again, as any other
    request of STUN is (RFC 8489 §6.2.1): what makes an answer a consent, that only the far end can have
    seen the check, stays as it is, and where checks are answered at once not a datagram more is sent.

    Args:
        ask: says a check, again after half a second if need be, and returns whether it was answered.
    """

    def __init__(self, ask: Callable[[], Awaitable[bool]], clock: Clock | None = None) -> None:
        self._ask = ask
        self._clock = clock or Clock()
        self._lossy_until = 0.0

    @property
    def lossy(self) -> bool:
        """Whether a check was not answered at once lately."""
        return self._clock.now() < self._lossy_until

    async def keep(self) -> None:
        """Ask until there has been no answer for 30 s, after which nothing more may be sent."""
        asked = self._clock.now()
        try:
            async with asyncio.timeout(EXPIRES) as consent:
                while True:
                    await self._clock.sleep_until(asked + random.uniform(*PERIOD))
                    asked = self._clock.now()
                    if await self._ask():
                        consent.reschedule(self._clock.now() + EXPIRES)
                    if self._clock.now() >= asked + AT_ONCE:
                        self._lossy_until = asked + EXPIRES
        except TimeoutError:
            return
