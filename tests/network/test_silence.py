"""Far ends that fall silent: which of them are gone."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rtstream import Stream
from rtstream.session.outcome import EndReason
from rtstream.transports import silence
from rtstream.transports.silence import Gate
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import answering, until
from tests.helpers.webrtc import caller, connection_of

pytestmark = pytest.mark.network

NEVER = 1_000_000  # looks
ADDRESSES = Path("/proc/net/if_inet6")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(silence, "SILENT_LOOKS", NEVER)


@pytest.mark.usefixtures("media_path")
@pytest.mark.parametrize("channel", [True, False], ids=["with a data channel", "without"])
def test_a_client_that_hangs_up_without_a_word_frees_its_place_as_its_port_is_closed(channel: bool) -> None:
    """So do GStreamer, werift and libdatachannel."""

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with answering(stream) as server, caller(server, channel=channel) as client:
            await client.call()
            await client.hears(0.1)
            session = stream.sessions.get(client.id)
            for protocol in connection_of(client)._protocols:
                protocol.transport.abort()
            await server.empty()
        assert session.reason is EndReason.CLIENT_LEFT

    run(main())


@pytest.mark.usefixtures("media_path")
def test_a_client_that_is_silent_behind_a_wall_is_asked_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall may say to strangers that the port is closed."""
    monkeypatch.setattr(silence, "_taken", lambda stranger: False)
    knocked: list[bool] = []
    knock = Gate.knock

    def counted(self: Gate, lines: Any) -> None:
        knock(self, lines)
        knocked.append(self.is_closed)

    monkeypatch.setattr(Gate, "knock", counted)

    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", mode="send")
        async with answering(stream) as server, caller(server, channel=False) as client:
            await client.call()
            session = stream.sessions.get(client.id)
            await client.pc.getSenders()[0].stop()
            before = len(knocked)
            await until(lambda: len(knocked) > before + 8 or session.over.done())
            assert not session.over.done()

    run(main())


def at(address: Any) -> Any:
    """A line to a far end there, which says nothing."""
    return SimpleNamespace(address=address, transport=None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Whoever was asked whether it is there; nobody answers."""
    asked: list[Any] = []

    async def silent() -> bool:
        return False

    def ask(transport: Any) -> Any:
        asked.append(transport)
        return SimpleNamespace(ask_for_consent=silent)

    monkeypatch.setattr(silence, "Checks", ask)
    return asked


def of_a_link() -> tuple[str, int]:
    """This machine's own address of a link, which GStreamer likes best, and the number of the link."""
    for line in ADDRESSES.read_text().splitlines() if ADDRESSES.exists() else []:
        digits, link, *_ = line.split()
        if digits.startswith("fe80"):
            return str(ipaddress.IPv6Address(int(digits, 16))), int(link, 16)
    pytest.skip("this machine has no link-local address")


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "of a link"])
def test_a_port_that_is_closed_is_told_from_one_whose_program_does_not_answer(host: str) -> None:
    host, link = of_a_link() if host == "of a link" else (host, 0)

    async def main() -> None:
        gate = Gate()
        there = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        there.bind((host, 0, 0, link) if link else (host, 0))
        line = at((host, there.getsockname()[1]))
        for _ in range(3):
            gate.knock([line])
            assert not gate.is_closed
        there.close()
        gate.knock([line])  # nobody has told yet what becomes of this one
        gate.knock([line])
        assert gate.is_closed
        await gate.leave()
        assert not gate.is_closed

    run(main())


@pytest.mark.parametrize(("address", "times"), [(None, 0), (("255.255.255.255", 5000), 1)])
def test_of_a_place_that_cannot_be_sent_to_nothing_is_known(
    address: Any, times: int, asked: list[Any]
) -> None:
    async def main() -> None:
        gate = Gate()
        gate.knock([at(address)])
        gate.knock([at(address)])
        assert not gate.is_closed and len(asked) == times
        await gate.leave()

    run(main())
