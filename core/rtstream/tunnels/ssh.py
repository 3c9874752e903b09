"""Tunnels over `ssh -R`: one's own server, or a service that speaks SSH."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import ToolMissing, UsageError
from .given import address
from .running import Running

SECURE = r"(?P<address>https://[\w-]+\.[\w.-]*{domain}[\w.-]*)"
ALLOCATED = re.compile(r"Allocated port (?P<address>\d+) for remote forward")


@dataclass(frozen=True)
class Service:
    """A service behind SSH: where it is, what is asked of it, and what it says."""

    destination: str
    forward: str
    address: re.Pattern[str]
    words: tuple[str, ...] = ()


# Not verified against the services: as their documentation has it.
SERVICES = {
    "localhost.run": Service(  # localhost.run/docs/http-tunnels
        "nokey@localhost.run",
        "80",
        re.compile(SECURE.format(domain=r"(?:lhr\.life|lhr\.rocks|localhost\.run)")),
    ),
    "pinggy": Service(  # pinggy.io/docs
        "ssh://free.pinggy.io:443", "0", re.compile(SECURE.format(domain=r"pinggy[\w-]*\.\w+"))
    ),
    "serveo": Service(  # serveo.net
        "serveo.net", "80", re.compile(SECURE.format(domain=r"serveo(?:usercontent)?\.\w+"))
    ),
}


class Ssh(Running):
    """Runs the system's `ssh`, which knows the user's keys, agent and hosts.

    Args:
        destination: `user@host`, `ssh://user@host:port`, a name of `~/.ssh/config`, or a service:
            localhost.run, pinggy, serveo.
        forward: on one's own server: the port, or `address:port`, that it listens on; 0 for any.
        public_url: how the public reaches that port, when a proxy stands before it.
        config: a file in the place of `~/.ssh/config`.

    Raises:
        UsageError: the destination would be an option of ssh, or a value cannot be.
    """

    name = "ssh"

    def __init__(
        self, destination: str, *, forward: str = "0", public_url: str = "", config: str = ""
    ) -> None:
        super().__init__()
        if not destination or destination.startswith("-") or any(c.isspace() for c in destination):
            raise UsageError(f"{destination!r} is no SSH destination", fix="For example: --ssh user@host")
        if not re.fullmatch(r"(?:[\w.:*\[\]-]+:)?\d{1,5}", forward):
            raise UsageError(f"{forward!r} is no port of a server", fix="For example: --ssh-forward 8080")
        self._service = SERVICES.get(destination)
        self._destination = self._service.destination if self._service else destination
        self._forward = self._service.forward if self._service else forward
        self._public_url = address(public_url) if public_url else ""
        self._config = config

    def missing(self) -> str:
        return "" if shutil.which("ssh") else "there is no `ssh` on the PATH"

    async def open(self, host: str, port: int) -> str:
        await self.close()
        if why := self.missing():
            raise ToolMissing("ssh is not there", why=why, fix="Install OpenSSH's client")
        await self.start([*self._options(), "-R", f"{self._forward}:{host}:{port}", self._destination])
        if self._service:
            return await self.child.find(self._service.address)
        if self._forward.rpartition(":")[2] == "0":
            given = await self.child.find(ALLOCATED)
        else:
            given = self._forward.rpartition(":")[2]
        return self._public_url or f"http://{self._host()}:{given}"

    def _options(self) -> list[str]:
        words = ["ssh", "-T", "-o", "ExitOnForwardFailure=yes", "-o", "BatchMode=yes"]
        words += ["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2", "-o", "ConnectTimeout=15"]
        if self._service is None:
            words.append("-N")
        else:  # nobody has met its key before: the first one is taken, another one later is not
            words += ["-o", "StrictHostKeyChecking=accept-new"]
        return [*words, "-F", self._config] if self._config else words

    def _host(self) -> str:
        """The server's own name, as far as the destination tells it."""
        if self._destination.startswith("ssh://"):
            name = urlsplit(self._destination).hostname or ""
        else:
            name = self._destination.rpartition("@")[2]
        return f"[{name}]" if ":" in name else name
