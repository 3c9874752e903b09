"""A tunnel without a network, and the probe of it, in the hands of a test."""

from __future__ import annotations

import asyncio
from typing import Any

from rtstream.clock import Clock
from rtstream.errors import TunnelFailed

URL = "https://a.example.org"


class Rope:
    """A tunnel and its probe in one: `opens` and `carries` say what happens next."""

    name = "rope"
    said = "the rope says something"

    def __init__(self) -> None:
        self.opens: list[Any] = []  # addresses, or errors; URL when there is nothing left
        self.carries = True
        self.every_other = False
        self.asked = 0
        self.times: list[float] = []
        self.closed = 0
        self.torn = asyncio.Event()

    def missing(self) -> str:
        return ""

    async def open(self, host: str, port: int) -> str:
        self.times.append(Clock().now())
        self.torn.clear()
        given = self.opens.pop(0) if self.opens else URL
        if isinstance(given, Exception):
            raise given
        if given is None:
            await asyncio.Event().wait()
        return str(given)

    async def died(self) -> str:
        await self.torn.wait()
        return "it tore"

    async def close(self) -> None:
        self.closed += 1

    def kill(self) -> None: ...

    async def ask(self, url: str) -> None:
        self.asked += 1
        if not self.carries or (self.every_other and self.asked % 2):
            raise TunnelFailed("it does not carry", why="nothing comes out")

    async def ask_socket(self, url: str) -> None:
        await self.ask(url)
