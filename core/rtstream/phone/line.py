"""A server's line to the outside: a tunnel that is kept, and the number whose calls come in by it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from ..carriers.hook import Hook, Number
from ..clock import Clock
from ..errors import CarrierKeyRefused, QuotaSpent, RtstreamError
from ..tunnels.base import OPEN_SECONDS, Tunnel
from ..tunnels.beacon import Beacon
from ..tunnels.given import Given
from ..tunnels.kept import FIRST_WAIT, LONGEST_WAIT, KeptTunnel, TunnelNews

LOOPBACK = "127.0.0.1"
LAST_SECONDS = 3.0  # for a request that is on its way when the program must go


class Teller(Protocol):
    """Who tells people what becomes of a line."""

    def tunnel(self, news: TunnelNews) -> None:
        """The tunnel is lost, could not be opened again, or is back."""
        ...

    def number(self, number: Number) -> None:
        """The number leads here, after it had to be led anew."""
        ...

    def trouble(self, error: RtstreamError) -> None:
        """Something about the number did not work."""
        ...


class Line:
    """Makes streams reachable from outside, from `open` to `close`.

    Args:
        tunnel: not opened yet.
        streams: their `public_url` is kept right.
        teller: hears the news.
        hook: leads a number's calls here; None for a tunnel alone.
        shown: the paths that the outside may see, such as `["/telephone/"]`; none for all. They hold
            for tunnels, which come in by a door of their own; a given public address has its own proxy.
        seconds: how long the tunnel may take.
    """

    def __init__(
        self,
        tunnel: Tunnel,
        streams: Sequence[Any],
        teller: Teller,
        *,
        hook: Hook | None = None,
        shown: Sequence[str] = (),
        seconds: float = OPEN_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self.url = ""
        self.number: Number | None = None
        self._tunnel = tunnel
        self._streams = streams
        self._teller = teller
        self._hook = hook
        self._shown = shown
        self._seconds = seconds
        self._clock = clock or Clock()
        self._door: socket.socket | None = None
        if shown and not isinstance(tunnel, Given):
            self._door = socket.create_server((LOOPBACK, 0))
        if hook is not None and hook.foreign:
            for stream in streams:
                stream.telephone.secrets = dict
        self._beacon: Beacon | None = None
        self._kept: KeptTunnel | None = None
        self._leading: asyncio.Task[None] | None = None

    @property
    def sockets(self) -> list[socket.socket]:
        """More sockets for the server to listen on."""
        return [self._door] if self._door else []

    def around(self, app: Any) -> Any:
        """The app as the server is to serve it."""
        port = self._door.getsockname()[1] if self._door else None
        self._beacon = Beacon(app, port=port, shown=self._shown)
        return self._beacon

    async def open(self, host: str, port: int) -> str:
        """Open the tunnel to a server that is up, see that it carries, and have the number led to it.

        Args:
            host, port: where the server listens; a door of our own goes before.

        Raises:
            TunnelFailed, ToolMissing: no tunnel.
            CarrierError: no number; `close` ends the tunnel.
        """
        assert self._beacon is not None, "serve `around(app)` first"
        if self._door is not None:
            host, port = self._door.getsockname()[:2]
        self._kept = KeptTunnel(
            self._tunnel,
            host,
            port,
            self._beacon.probe(),
            self._hear,
            seconds=self._seconds,
            clock=self._clock,
        )
        self._reached_at(await self._kept.open())
        if self._hook is not None:
            self.number = await asyncio.to_thread(self._hook.lead, self.url)
        return self.url

    async def give_back(self) -> None:
        """Give the number back: no further calls come. Once; what goes wrong is told."""
        if self._leading is not None:
            self._leading.cancel()
        if self._hook is not None:
            try:
                await asyncio.to_thread(self._hook.give_back)
            except RtstreamError as error:
                self._teller.trouble(error)

    async def close(self) -> None:
        """Give the number back, and close the tunnel."""
        await self.give_back()
        if self._kept is not None:
            await self._kept.close()
        if self._leading is not None:
            await asyncio.gather(self._leading, return_exceptions=True)
        if self._door is not None:
            self._door.close()

    def abandon(self) -> None:
        """The same at once and without the loop, for a program that is about to be gone."""
        try:
            if self._hook is not None:
                with suppress(RtstreamError):
                    self._hook.give_back(LAST_SECONDS)
        finally:
            self._tunnel.kill()

    def _reached_at(self, url: str) -> None:
        self.url = url
        for stream in self._streams:
            stream.public_url = url

    async def _hear(self, news: TunnelNews) -> None:
        self._teller.tunnel(news)
        if news.kind != "back":
            return
        self._reached_at(news.url)
        if news.moved and self._hook is not None:
            if self._leading is not None:
                self._leading.cancel()
            self._leading = asyncio.create_task(self._lead(self._hook, news.url))

    async def _lead(self, hook: Hook, url: str) -> None:
        """Have the number led to another address, as often as it takes."""
        wait = FIRST_WAIT
        while True:
            try:
                self.number = await asyncio.to_thread(hook.lead, url)
                return self._teller.number(self.number)
            except (QuotaSpent, CarrierKeyRefused) as error:
                return self._teller.trouble(error)  # asking again would not help
            except RtstreamError as error:
                self._teller.trouble(error)
            await self._clock.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
