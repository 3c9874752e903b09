"""A listening socket before anything is promised; and who holds the port when it cannot be had."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rtstream.errors import MachineError, PortBusy, UsageError

DEFAULT_PORT = 8000
HOPS = 20  # ports that are tried after the default one


def listen(host: str, port: int | None, *, hop: bool) -> socket.socket:
    """A socket that listens on `host` and `port`.

    Args:
        port: the port asked for, 0 for any free one; None for the default one.
        hop: when nobody asked for a port and the default one is taken, take the next free one.

    Raises:
        PortBusy: somebody else listens there.
        MachineError: the port may not be used by this user.
        UsageError: `host` is no address of this machine.
    """
    if port is not None:
        return _bound(host, port)
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + (HOPS if hop else 0)):
        with suppress(PortBusy):
            return _bound(host, candidate)
    return _bound(host, DEFAULT_PORT)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UsageError(
            f"`{host}` is not an address",
            why=error.strerror or str(error),
            fix="Give one with --host, or leave it out",
        ) from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)  # from here on a caller waits instead of being turned away
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from None
    return listener


def _refused(host: str, port: int, error: OSError) -> MachineError | UsageError:
    if error.errno == errno.EADDRINUSE:
        return PortBusy(
            f"port {port} is in use",
            why=f"{holder(port) or 'another program'} listens on it",
            fix=f"Add --port {_next_free(host, port)} (that one is free)",
        )
    if error.errno == errno.EACCES:
        return MachineError(
            f"port {port} may not be used",
            why="ports below 1024 are for root",
            fix="Add --port 8000",
        )
    return UsageError(
        f"nobody can listen on {host}:{port}",
        why=error.strerror or str(error),
        fix="Give an address of this machine with --host, or leave it out",
    )


def _next_free(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port + 1, min(port + 100, 65536)):
        with suppress(OSError), socket.socket(family) as probe:
            probe.bind((host, candidate))
            return candidate
    return 0


def holder(port: int) -> str:
    """Who listens on a TCP port: command, pid and command line; empty where /proc does not tell."""
    inodes = set(_listening(port))
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(os.readlink(fd) in inodes for fd in (process / "fd").iterdir()):
                words = (process / "cmdline").read_text().replace("\0", " ").split()
                name = (process / "comm").read_text().strip()
                return f'{name} (pid {process.name}) "{" ".join(words)[:80]}"'
    return ""


def _listening(port: int) -> Iterator[str]:
    """The sockets of /proc/net/tcp that listen on a port, as they stand in /proc/<pid>/fd."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: TCP_LISTEN
                    yield f"socket:[{fields[9]}]"
