"""The shape of a tunnel: opened to a port of this machine, and alive until it has died or is closed."""

from __future__ import annotations

from typing import Protocol

OPEN_SECONDS = 30.0  # for an address and the first answer through it; a tunnel that hangs must not hang us


class Tunnel(Protocol):
    """One way in. Opened again after it has died, it may have another address.

    Attributes:
        name: what `--tunnel` calls it.
    """

    name: str

    def missing(self) -> str:
        """What keeps it from being used on this machine, and "" when nothing does. Asks nobody."""
        ...

    async def open(self, host: str, port: int) -> str:
        """Open it to `host:port` of this machine, and return the public address (`https://…`, no path).

        Raises:
            TunnelFailed: the far end refuses, or the program ended.
            ToolMissing: a program that it needs is not there.
        """
        ...

    async def died(self) -> str:
        """Wait until it has died by itself, and return why."""
        ...

    async def close(self) -> None:
        """Close it; again is no error."""
        ...

    def kill(self) -> None:
        """Close it at once, without a loop: for a program that has no time left."""
        ...

    @property
    def said(self) -> str:
        """Its last words, for a reason; no secret is in them."""
        ...
