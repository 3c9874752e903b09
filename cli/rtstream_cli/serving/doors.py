"""How a server is come to: its address here and for telephones, over https or not, and the QR code of it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..console import console
from . import network

if TYPE_CHECKING:
    from rtstream import Stream

    from .certificate import Certificate

HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # how a browser on this machine calls "all addresses"


@dataclass(frozen=True)
class Door:
    """What was decided of it.

    `host` is listened on; `phone` is the address that a telephone is shown, None where none was asked for.
    """

    host: str
    certificate: Certificate | None = None
    phone: str | None = None

    def url(self, listener: socket.socket) -> str:
        """Where a browser on this machine finds the server."""
        return self._url(*here(listener))

    def phone_url(self, listener: socket.socket) -> str | None:
        """Where a telephone finds it."""
        phone = self.phone
        return None if phone is None else self._url(phone, listener.getsockname()[1])

    def _url(self, host: str, port: int) -> str:
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def opened(host: str, *, chosen: bool, https: bool, phone: bool) -> Door:
    """The door that the settings ask for.

    Args:
        host: the address to listen on.
        chosen: whether somebody chose it; else it gives way where a telephone is to connect.
        https: with a certificate made on the spot.
        phone: for telephones on the same network too.

    Raises:
        UsageError, MachineError: no telephone can come in there.
    """
    address = None
    if phone:
        host = network.host_for_phones(host, chosen)
        address = network.address_for_phones(host)
    if not https:
        return Door(host, None, address)
    from .certificate import for_names

    own = ["localhost", "127.0.0.1", "::1", socket.gethostname()]
    asked = [one for one in (host, address) if one is not None and one not in (*own, *network.EVERYWHERE)]
    return Door(host, for_names([*own, *asked]), address)


def warn_of_http(door: Door, streams: Sequence[Stream]) -> None:
    """Tell when a telephone is shown the way, but its browser will not give out a microphone there."""
    if door.phone is not None and door.certificate is None and any(one.mode != "receive" for one in streams):
        console.warn(
            "a telephone's browser will give out no microphone or camera here",
            why="browsers do so over https only, but on the machine itself",
            fix="Add --https",
        )


def qr_code(text: str) -> list[str]:
    """A QR code of a text, two rows of it in each line: its light modules are drawn, on a dark ground."""
    import segno

    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    halves = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(halves[above, below] for above, below in zip(*pair, strict=True)) for pair in pairs]


def here(listener: socket.socket) -> tuple[str, int]:
    """Host and port at which this machine finds the server, also when it listens on all addresses."""
    host, port = listener.getsockname()[:2]
    return str(HERE.get(host, host)), int(port)
