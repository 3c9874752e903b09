"""A place for one thing, the newest."""

from __future__ import annotations

import asyncio
from typing import Any


class Newest:
    """A place for one picture: the newest; what was not taken in time is gone."""

    def __init__(self) -> None:
        self._held: Any = None
        self._ended = False
        self._there = asyncio.Event()

    def put(self, picture: Any) -> None:
        """Lay down a picture in place of the one that lies there."""
        self._held = picture
        self._there.set()

    def offer(self, picture: Any) -> None:
        """Lay a picture back, if no newer one has come."""
        if self._held is None:
            self.put(picture)

    def clear(self) -> None:
        """Take away what lies there."""
        self._held = None

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._there.set()

    async def take(self) -> Any:
        """Wait for a picture and take it; None when no more will come."""
        while self._held is None:
            if self._ended:
                return None
            self._there.clear()
            await self._there.wait()
        picture, self._held = self._held, None
        return picture
