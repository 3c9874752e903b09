"""Sees that a far end is gone: nothing comes from it any more, and its port is closed or it stays so."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from typing import Any

from ..clock import Clock, shared_moment
from ..tasks import ended
from .aioice_checks import Checks
from .aiortc_inside import Line
from .contract import CHECKS
from .private_names import known

LOOK_SECONDS = 1.0  # between two looks at whether anything has come from the far end
# Looks that may find nothing. A live far end sends STUN every 5 s whatever else it does not send
# (RFC 7675 §5.1); ICE itself would take a dead one for live for 30 s, and hold its place for as long.
SILENT_LOOKS = 13
CLOSED_LOOKS = 3  # and as many if its port is closed: what it was asked at the first it has not answered

_INDICATION = bytes.fromhex("001100002112a442")  # RFC 8489 §5: a binding indication, which nobody answers


async def until_gone(lines: Sequence[Line]) -> None:
    """Return when the far end of these lines is gone: killed, unplugged, or it hung up without a word."""
    clock, came, silent = Clock(), -1, 0
    gate = Gate()
    try:
        while silent < SILENT_LOOKS and not (silent >= CLOSED_LOOKS and gate.is_closed):
            await clock.sleep_until(shared_moment(clock.now() + LOOK_SECONDS))
            before, came = came, sum(line.came for line in lines)
            silent = silent + 1 if came == before else 0
            if silent == 0:
                await gate.leave()
            else:
                gate.knock(lines)
    finally:
        await gate.leave()


class Gate:
    """The port of a far end that has fallen silent.

    Some say nothing when they hang up: GStreamer, werift, libdatachannel without a data channel. Their host
    tells whoever sends to the port that it is closed (RFC 1122 §4.1.3.1). It is sent to from a socket of its
    own, as a connected one is told so on every system. A firewall may say the same to strangers, so the far
    end is asked on its line, too: if it is there, it answers, and is silent no more.
    """

    def __init__(self) -> None:
        self.is_closed = False
        self._stranger: socket.socket | None = None
        self._asking: list[asyncio.Task[bool]] = []

    def knock(self, lines: Sequence[Line]) -> None:
        """Ask whether anybody is there, and see what came of it the last time."""
        places = [(line, line.address) for line in lines if line.address is not None]
        if self._stranger is not None:
            self.is_closed = not _taken(self._stranger)
        elif places and not self._asking and known(CHECKS):
            asking = [Checks(line.transport).ask_for_consent() for line, _ in places]
            self._asking = [asyncio.ensure_future(each) for each in asking]
            self._stranger = _stranger_to(places[0][1])

    async def leave(self) -> None:
        """Go away, as if nobody had knocked."""
        if self._stranger is not None:
            self._stranger.close()
        asking = self._asking
        self._stranger, self._asking, self.is_closed = None, [], False
        await ended(*asking)


def _stranger_to(address: Any) -> socket.socket | None:
    """A socket that has sent something there; None if that cannot be."""
    host, port = address[:2]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for scope in _scopes(host):
        stranger = socket.socket(family, socket.SOCK_DGRAM)
        stranger.setblocking(False)
        try:
            stranger.connect((host, port, *scope))
            stranger.send(_INDICATION + os.urandom(12))
            return stranger
        except OSError:  # such as a broadcast, or one that only a relay reaches
            stranger.close()
    return None


def _scopes(host: str) -> list[tuple[int, ...]]:
    """What an address needs to be connected to: candidates do not say which link one of a link is on."""
    links = host.lower().startswith("fe80:")
    return [(0, index) for index, _ in socket.if_nameindex()] if links else [()]


def _taken(stranger: socket.socket) -> bool:
    """Whether what was sent before was not refused."""
    try:
        stranger.send(_INDICATION + os.urandom(12))
    except ConnectionError:  # what a host that has no such port tells, at the next call
        return False
    except OSError:
        pass
    return True
