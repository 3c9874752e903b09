"""A public address that somebody else keeps: a proxy of one's own, a machine on the public network."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from ..errors import UsageError


class Given:
    """The address itself; there is nothing to open.

    Raises:
        UsageError: it is no address of the form `https://host`.
    """

    name = "public-url"
    said = ""

    def __init__(self, url: str) -> None:
        self._url = address(url)

    def missing(self) -> str:
        return ""

    async def open(self, host: str, port: int) -> str:
        return self._url

    async def died(self) -> str:
        await asyncio.get_running_loop().create_future()  # never by itself: the probes tell
        return ""

    async def close(self) -> None:
        pass

    def kill(self) -> None:
        pass


def address(url: str) -> str:
    """The scheme, host and port of an address that is nothing more than that.

    Raises:
        UsageError: it is more, or less.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, good = urlsplit(""), False
    if not good or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise UsageError(
            f"{url!r:.100} is no public address",
            why="it takes a scheme and a host, with a port or without, and nothing behind",
            fix="For example: https://voice.example.org",
        )
    return f"{parts.scheme}://{parts.netloc}"
