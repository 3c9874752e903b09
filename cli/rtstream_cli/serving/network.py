"""Where a telephone on the same network finds this machine."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress

import ifaddr

from rtstream.errors import MachineError, UsageError

EVERYWHERE = ("0.0.0.0", "::")
# Nobody has it (RFC 5737). The way that would lead there is looked up, and nothing is sent.
ELSEWHERE = ("192.0.2.1", 9)


def host_for_phones(host: str, chosen: bool) -> str:
    """The address to listen on so that other machines can connect.

    Args:
        host: what the settings say.
        chosen: whether somebody has chosen it: then it must do; the default gives way.

    Raises:
        UsageError: the chosen address is that of this machine alone.
    """
    if not is_loopback(host):
        return host
    if chosen:
        raise UsageError(
            f"`--qr` is for another machine, and {host} is this one alone",
            why="a telephone cannot connect to it",
            fix="Leave --host out, or give --host 0.0.0.0 (all addresses of this machine)",
        )
    return EVERYWHERE[0]


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can connect to an address."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def addresses_for_phones(host: str) -> list[str]:
    """All addresses under which a server that listens on `host` is found, those of the network first.

    On a machine that is on no network that is its own loopback.
    """
    if host not in EVERYWHERE:
        return [host]
    family = 6 if host == "::" else 4
    found = [
        ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]
    usable = [
        str(one) for one in found if one.version == family and not (one.is_loopback or one.is_link_local)
    ]
    return list(dict.fromkeys(usable)) or ["::1" if family == 6 else "127.0.0.1"]


def address_for_phones(host: str) -> str:
    """The address under which other machines on the network find a server that listens on `host`.

    Raises:
        MachineError: this machine is on no network.
    """
    if host not in EVERYWHERE:
        return host
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(ELSEWHERE)
        return str(probe.getsockname()[0])
    with suppress(OSError):
        for address in socket.gethostbyname_ex(socket.gethostname())[2]:
            if not is_loopback(address):
                return address
    raise MachineError(
        "this machine is on no network that a telephone could be on",
        why="it has no address but its own loopback",
        fix="Join a network, or name the address with --host",
    )
