"""A tunnel that is kept: opened within a time, asked whether it carries, and opened again when it died."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from ..clock import Clock
from ..errors import RtstreamError, TunnelFailed
from ..tasks import ended
from .base import OPEN_SECONDS, Tunnel
from .probe import Probe

# A silent tunnel is noticed after at most ASK_EVERY + two questions of 3 s each: within 15 s.
ASK_EVERY = 5.0
ASK_AGAIN = 1.0
MISSES = 2
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0


@dataclass(frozen=True)
class TunnelNews:
    """What became of a tunnel: it is lost, could not be opened again, or is back."""

    kind: Literal["lost", "failed", "back"]
    url: str
    why: str = ""
    moved: bool = False
    retry_in: float = 0.0


Tell = Callable[[TunnelNews], Awaitable[None]]


class KeptTunnel:
    """Holds one tunnel open from `open` to `close`.

    Args:
        tunnel: not opened yet.
        host, port: of this machine, where it leads.
        probe: how to ask whether it carries.
        tell: awaited with the news, one after another.
        seconds: how long the opening may take, with the first answer through it.
    """

    def __init__(
        self,
        tunnel: Tunnel,
        host: str,
        port: int,
        probe: Probe,
        tell: Tell,
        *,
        seconds: float = OPEN_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self.tunnel = tunnel
        self.url = ""
        self._host = host
        self._port = port
        self._probe = probe
        self._tell = tell
        self._seconds = seconds
        self._clock = clock or Clock()
        self._unanswered = ""  # why the last question was no success
        self._keeping: asyncio.Task[None] | None = None

    async def open(self) -> str:
        """Open it, see that it carries HTTP and WebSockets, and return its address.

        Raises:
            TunnelFailed: it was refused, does not carry, or was not there in time.
            ToolMissing: a program that it needs is not there.
        """
        try:
            self.url = await self._opened()
        except BaseException:
            await self._probe.close()
            raise
        self._keeping = asyncio.create_task(self._keep())
        return self.url

    async def close(self) -> None:
        """Close it for good."""
        try:
            if self._keeping is not None:
                self._keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await self._keeping
        finally:
            await self.tunnel.close()
            await self._probe.close()

    async def _opened(self) -> str:
        self._unanswered = ""
        failure: RtstreamError
        try:
            async with asyncio.timeout(self._seconds):
                url = (await self.tunnel.open(self._host, self._port)).rstrip("/")
                await self._carrying(url)
                return url
        except TimeoutError:
            failure = TunnelFailed(
                f"the tunnel of {self.tunnel.name} was not there after {self._seconds:g} s",
                why=self._unanswered or self.tunnel.said or "it said nothing",
                fix="Check the network of this machine, or take another --tunnel",
            )
        except RtstreamError as error:
            failure = error
        except asyncio.CancelledError:
            await self.tunnel.close()
            raise
        await self.tunnel.close()
        raise failure

    async def _carrying(self, url: str) -> None:
        """Wait until it carries: an address may be known before the far end serves it.

        Raises:
            TunnelFailed: it died meanwhile, or the time is up.
        """
        asking = asyncio.create_task(self._until_answered(url))
        died = asyncio.create_task(self.tunnel.died())
        try:
            await asyncio.wait({asking, died}, return_when=asyncio.FIRST_COMPLETED)
            if died.done():
                raise TunnelFailed(
                    f"the tunnel of {self.tunnel.name} died at once", why=self.tunnel.said or died.result()
                )
        finally:
            await ended(asking, died)

    async def _until_answered(self, url: str) -> None:
        for ask in (self._probe.ask, self._probe.ask_socket):
            while True:
                try:
                    await ask(url)
                    break
                except TunnelFailed as failure:
                    self._unanswered = f"{failure.what}: {failure.why}"
                await self._clock.sleep(ASK_AGAIN / 2)

    async def _keep(self) -> None:
        while True:
            why = await self._lost()
            await self._tell(TunnelNews("lost", self.url, why))
            wait = FIRST_WAIT
            while True:
                try:
                    url = await self._opened()
                    break
                except RtstreamError as error:
                    pause = wait * random.uniform(0.8, 1.2)  # so that not all come back at once
                    reason = f"{error.what}: {error.why}" if error.why else error.what
                    await self._tell(TunnelNews("failed", self.url, reason, retry_in=pause))
                    await self._clock.sleep(pause)
                    wait = min(wait * 2, LONGEST_WAIT)
            moved, self.url = url != self.url, url
            await self._tell(TunnelNews("back", url, moved=moved))

    async def _lost(self) -> str:
        """Wait until the tunnel has died or carries no longer, and return why."""
        died = asyncio.create_task(self.tunnel.died())
        silent = asyncio.create_task(self._silent())
        try:
            done, _ = await asyncio.wait({died, silent}, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            await ended(died, silent)

    async def _silent(self) -> str:
        """Ask again and again, until there was no answer to several questions in a row."""
        missed = 0
        while True:
            await self._clock.sleep(ASK_AGAIN if missed else ASK_EVERY)
            try:
                await self._probe.ask(self.url)
                missed = 0
            except TunnelFailed as failure:
                missed += 1
                if missed >= MISSES:
                    return failure.why
