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
    """All addresses under which a server that listens on `host` is found, the likeliest first.

    On a machine that is on no network that is its own loopback.
    """
    if host not in EVERYWHERE:
        return [host]
    if host == "::":
        return _addresses(6) or ["::1"]
    return _addresses(4) or ["127.0.0.1"]


def address_for_phones(host: str) -> str:
    """The address under which other machines on the network find a server that listens on `host`.

    Raises:
        MachineError: this machine is on no network.
    """
    if host not in EVERYWHERE:
        return host
    if found := _addresses(4):  # whoever listens on `::` hears IPv4 too, on Linux and macOS
        return found[0]
    raise MachineError(
        "this machine is on no network that a telephone could be on",
        why="it has no address but its own loopback",
        fix="Join a network, or name the address with --host",
    )


def _addresses(version: int) -> list[str]:
    """Those that others on a network can reach, of one version of IP.

    The first is the one from which the way leads to the rest of the world: bridges of containers and private
    networks have addresses as well, on which no telephone is.
    """
    ips = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    texts = [*_outward(), *(ip if isinstance(ip, str) else ip[0] for ip in ips)]  # of IPv6 a tuple
    found = [one for one in map(ipaddress.ip_address, texts) if one.version == version]
    return list(dict.fromkeys(str(one) for one in found if not (one.is_loopback or one.is_link_local)))


def _outward() -> list[str]:
    """The address from which packets to the rest of the world would go, if any would."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(ELSEWHERE)
        return [str(probe.getsockname()[0])]
    return []
