"""Tunnels over SSH through Debian's own sshd on 127.0.0.1."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from rtstream.errors import TunnelFailed, UsageError
from rtstream.tunnels.kept import KeptTunnel, TunnelNews
from rtstream.tunnels.ssh import SERVICES, Service, Ssh
from tests.conftest import run
from tests.helpers.server import until
from tests.helpers.tunnels import outpost, page

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(SSHD is None, reason="Debian's openssh-server is not installed"),
]


class Sshd:
    """A server of the test's own: `url` is its destination, `config` lets `ssh` in."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}"
        self.config = str(folder / "ssh_config")

    def write(self, more: str = "") -> list[str]:
        """Write its keys and files, and return the command that starts it."""
        for name in ("host", "user"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        (self.folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder}/user.pub\nStrictModes no\nUsePAM no\n"
            f"PermitRootLogin prohibit-password\n{more}"
        )
        (self.folder / "ssh_config").write_text(
            f"IdentityFile {self.folder}/user\nIdentitiesOnly yes\n"
            f"UserKnownHostsFile {self.folder}/known\nStrictHostKeyChecking accept-new\n"
        )
        assert SSHD is not None
        return [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]


@asynccontextmanager
async def sshd(folder: Path, port: int, more: str = "") -> AsyncIterator[Sshd]:
    """A running sshd."""
    if os.geteuid() == 0:  # where sshd looks for its empty folder, which Debian's service makes
        os.makedirs("/run/sshd", exist_ok=True)
    server = Sshd(folder, port)
    words = await asyncio.to_thread(server.write, more)
    process = await asyncio.create_subprocess_exec(*words, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        while b"listening on" not in (line := await process.stderr.readline()):
            assert line, "sshd has ended"
        reading = asyncio.create_task(process.stderr.read())  # so that it never waits for us
        yield server
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        await reading


@asynccontextmanager
async def kept(tunnel: Ssh, port: int, probe: object) -> AsyncIterator[tuple[KeptTunnel, list[TunnelNews]]]:
    news: list[TunnelNews] = []

    async def tell(one: TunnelNews) -> None:
        news.append(one)

    kept = KeptTunnel(tunnel, "127.0.0.1", port, probe, tell, seconds=15)  # type: ignore[arg-type]
    await kept.open()
    try:
        yield kept, news
    finally:
        await kept.close()


def test_a_server_of_ones_own_gives_a_port_and_comes_back_after_a_kill(
    tmp_path: Path, free_port: int
) -> None:
    async def scene() -> None:
        async with sshd(tmp_path, free_port) as server, outpost() as post:
            tunnel = Ssh(server.url, config=server.config)
            async with kept(tunnel, post.port, post.beacon.probe()) as (line, news):
                assert re.fullmatch(r"http://127\.0\.0\.1:\d+", line.url)
                assert await page(line.url) == "hello"
                tunnel.kill()
                await until(lambda: news and news[-1].kind == "back", 15)
                assert "SIGKILL" in news[0].why
                assert await page(line.url) == "hello"

    run(scene(), timeout=30)


def test_a_fixed_port_behind_a_proxy_has_the_proxys_address(tmp_path: Path, free_port: int) -> None:
    async def scene() -> None:
        async with sshd(tmp_path, free_port) as server, outpost() as post, outpost() as proxy:
            remote = proxy.port + 1 if proxy.port < 65000 else proxy.port - 1
            tunnel = Ssh(
                server.url,
                forward=f"127.0.0.1:{remote}",
                public_url="https://voice.example.org",
                config=server.config,
            )
            assert await tunnel.open("127.0.0.1", post.port) == "https://voice.example.org"
            await until_served(f"http://127.0.0.1:{remote}")
            await tunnel.close()

    run(scene(), timeout=30)


async def until_served(url: str) -> None:
    async with asyncio.timeout(10):
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
                writer.close()
                del reader
                break
            await asyncio.sleep(0.02)
    assert await page(url) == "hello"


def test_a_port_that_the_server_has_in_use_is_told_in_sshs_words(tmp_path: Path, free_port: int) -> None:
    async def scene() -> None:
        async with sshd(tmp_path, free_port) as server, outpost() as post, outpost() as other:
            tunnel = Ssh(server.url, forward=f"127.0.0.1:{other.port}", config=server.config)
            with pytest.raises(TunnelFailed) as caught:
                async with kept(tunnel, post.port, post.beacon.probe()):
                    pass
            assert "remote port forwarding failed" in caught.value.why

    run(scene(), timeout=30)


def test_a_key_that_the_server_does_not_know_is_told(tmp_path: Path, free_port: int) -> None:
    async def scene() -> None:
        async with sshd(tmp_path, free_port) as server:
            (tmp_path / "user.pub").write_text("")
            with pytest.raises(TunnelFailed) as caught:
                await Ssh(server.url, config=server.config).open("127.0.0.1", 1)
            assert "Permission denied" in caught.value.why

    run(scene(), timeout=30)


def test_a_server_that_is_not_there_is_told(tmp_path: Path, free_port: int) -> None:
    async def scene() -> None:
        tunnel = Ssh(f"ssh://127.0.0.1:{free_port}")
        with pytest.raises(TunnelFailed) as caught:
            await tunnel.open("127.0.0.1", 1)
        await tunnel.close()
        assert "Connection refused" in caught.value.why

    run(scene())


def test_a_service_is_read_for_the_address_that_it_gives(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "1a2b.lhr.life tunneled with tls termination, https://1a2b.lhr.life"

    async def scene() -> None:
        async with sshd(tmp_path, free_port, f'ForceCommand echo "{line}"; read x\n') as server:
            known = SERVICES["localhost.run"]
            monkeypatch.setitem(SERVICES, "localhost.run", Service(server.url, "0", known.address))
            tunnel = Ssh("localhost.run", config=server.config)
            assert await tunnel.open("127.0.0.1", 1) == "https://1a2b.lhr.life"
            await tunnel.close()

    run(scene(), timeout=30)


@pytest.mark.parametrize(
    ("service", "says", "address"),
    [
        ("localhost.run", "3f.lhr.life tunneled with tls, https://3f.lhr.life", "https://3f.lhr.life"),
        ("pinggy", "https://rnab-1-2-3-4.a.free.pinggy.link", "https://rnab-1-2-3-4.a.free.pinggy.link"),
        ("serveo", "Forwarding HTTP traffic from https://ab.serveo.net", "https://ab.serveo.net"),
        ("serveo", "from https://ab.serveousercontent.com", "https://ab.serveousercontent.com"),
    ],
)
def test_the_services_addresses_are_found_in_what_they_say(service: str, says: str, address: str) -> None:
    found = SERVICES[service].address.search(says)
    assert found is not None
    assert found["address"] == address


@pytest.mark.parametrize("destination", ["", "-oProxyCommand=touch x", "a b"])
def test_a_destination_that_ssh_would_take_for_an_option_is_refused(destination: str) -> None:
    with pytest.raises(UsageError):
        Ssh(destination)


@pytest.mark.parametrize("forward", ["x", "80:", "-1", "1:2 3"])
def test_a_forward_that_is_no_port_is_refused(forward: str) -> None:
    with pytest.raises(UsageError):
        Ssh("host", forward=forward)
