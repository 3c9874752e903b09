"""The way that a message goes, and a message on it."""

from __future__ import annotations

from typing import NamedTuple


class Flow(NamedTuple):
    """Which way a message goes: `transport` is "UDP" or "TCP", `host` and `port` are the far end's.

    `connection` is a number of the owner's for a TCP connection, 0 over UDP.
    """

    transport: str
    host: str
    port: int
    connection: int = 0


class Send(NamedTuple):
    """Send these bytes."""

    data: bytes
    flow: Flow
