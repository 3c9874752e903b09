"""The one place that touches what aiortc and aioice keep private, each name pinned by a contract test."""

from __future__ import annotations

import os
from collections.abc import Callable

import aioice.ice

LOOPBACK = "127.0.0.1"
ADDRESSES_VARIABLE = "RTSTREAM_ICE_ADDRESSES"

_original: Callable[[bool, bool], list[str]] = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    if given := os.environ.get(ADDRESSES_VARIABLE):
        return [address.strip() for address in given.split(",") if address.strip()]
    return _original(use_ipv4, use_ipv6) or [LOOPBACK]


def choose_ice_addresses() -> None:
    """Let `RTSTREAM_ICE_ADDRESSES` (a comma list) say which own addresses ICE offers.

    Without it aioice chooses, which leaves out 127.0.0.1: then a machine with no network could not even
    talk to itself, so there 127.0.0.1 stands in.
    """
    aioice.ice.get_host_addresses = _host_addresses
