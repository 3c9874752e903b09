"""How `serve` lets telephones in: the address they see, the certificate, the QR code."""

from __future__ import annotations

import socket
import ssl
import stat
import tempfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ifaddr
import pytest
import segno
from cryptography import x509

from rtstream.errors import MachineError, UsageError
from rtstream_cli.serving import certificate, doors, network
from rtstream_cli.serving.certificate import LASTS, for_names
from rtstream_cli.serving.doors import Door, opened, qr_code

NAMES = ["localhost", "127.0.0.1", "::1", "192.168.1.20"]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "rtstream"


def alternatives(path: Path) -> list[str]:
    found = x509.load_pem_x509_certificate(path.read_bytes())
    return [
        str(name.value)
        for name in found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    ]


def test_a_certificate_is_for_all_its_names_and_its_key_for_its_owner_alone(cache: Path) -> None:
    made = for_names(NAMES)
    assert made.chain.parent == cache
    assert alternatives(made.chain) == NAMES
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(made.chain, made.key)


def test_no_browser_refuses_it_for_its_length() -> None:
    found = x509.load_pem_x509_certificate(for_names(NAMES).chain.read_bytes())
    assert found.not_valid_after_utc - found.not_valid_before_utc == LASTS <= timedelta(days=397)


def test_it_is_kept_while_it_is_good_and_has_all_names() -> None:
    first = for_names(NAMES).chain.read_bytes()
    assert for_names(NAMES[:2]).chain.read_bytes() == first
    assert for_names([*NAMES, "10.0.0.1"]).chain.read_bytes() != first


@pytest.mark.parametrize("spoiled", ["old", "without key", "garbage"])
def test_it_is_made_anew_when_it_is_no_longer_good(monkeypatch: pytest.MonkeyPatch, spoiled: str) -> None:
    made = for_names(NAMES)
    first = made.chain.read_bytes()
    if spoiled == "old":
        monkeypatch.setattr(certificate, "RENEWED", LASTS)
    elif spoiled == "without key":
        made.key.unlink()
    else:
        made.chain.write_text("no certificate")
    assert for_names(NAMES).chain.read_bytes() != first
    assert made.key.is_file()


def test_where_nothing_can_be_kept_it_lies_in_a_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "rtstream").write_text("a file where the folder would be")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = for_names(NAMES)
    assert made.chain.parent.name.startswith("rtstream-") and made.key.is_file()


@pytest.mark.parametrize("text", ["https://192.168.1.20:8000/", "http://10.0.0.1:80/", "x" * 100])
def test_the_drawn_code_is_the_code(text: str) -> None:
    modules = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=2)]
    signs = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}
    drawn: list[list[int]] = []
    for line in qr_code(text):
        pairs = [signs[sign] for sign in line]
        drawn += [[above for above, _ in pairs], [below for _, below in pairs]]
    assert drawn[: len(modules)] == modules


def test_without_a_telephone_the_address_stays_as_it_is() -> None:
    assert opened("127.0.0.1", chosen=False, https=False, phone=False) == Door("127.0.0.1")


def test_for_a_telephone_the_default_address_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "address_for_phones", lambda host: "192.168.1.20")
    door = opened("127.0.0.1", chosen=False, https=True, phone=True)
    assert (door.host, door.phone) == ("0.0.0.0", "192.168.1.20")
    assert door.certificate is not None and "192.168.1.20" in alternatives(door.certificate.chain)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_an_address_of_this_machine_alone_is_refused_when_it_was_chosen(host: str) -> None:
    with pytest.raises(UsageError, match=f"{host} is this one alone") as caught:
        opened(host, chosen=True, https=False, phone=True)
    assert "--host 0.0.0.0" in caught.value.fix


def test_an_address_of_the_network_is_shown_as_it_was_chosen() -> None:
    assert opened("192.168.1.7", chosen=True, https=False, phone=True).phone == "192.168.1.7"


def on_networks(monkeypatch: pytest.MonkeyPatch, addresses: list[str], outward: str | None = None) -> None:
    """Give this machine addresses, of which one leads outward, or none."""

    class Probe(socket.socket):
        def connect(self, address: Any) -> None:
            if outward is None:
                raise OSError("Network is unreachable")

        def getsockname(self) -> tuple[str, int]:
            return str(outward), 40_000

    ips = [SimpleNamespace(ip=(one, 0, 0) if ":" in one else one) for one in addresses]
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: [SimpleNamespace(ips=[ip]) for ip in ips])
    monkeypatch.setattr(socket, "socket", Probe)


ITSELF = ["127.0.0.1", "::1", "169.254.3.4", "fe80::1"]


def test_a_machine_on_no_network_is_told_so_and_is_found_from_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    on_networks(monkeypatch, ITSELF)
    for host in network.EVERYWHERE:
        with pytest.raises(MachineError, match="on no network"):
            network.address_for_phones(host)
    assert network.addresses_for_phones("0.0.0.0") == ["127.0.0.1"]
    assert network.addresses_for_phones("::") == ["::1"]


def test_the_address_that_leads_outward_is_told_before_those_of_bridges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_networks(monkeypatch, [*ITSELF, "172.17.0.1", "192.168.1.20", "fd00::20"], "192.168.1.20")
    assert network.addresses_for_phones("0.0.0.0") == ["192.168.1.20", "172.17.0.1"]
    assert network.addresses_for_phones("::") == ["fd00::20"]
    assert network.address_for_phones("0.0.0.0") == "192.168.1.20"
    assert network.address_for_phones("::") == "192.168.1.20"


def test_a_network_that_leads_nowhere_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    on_networks(monkeypatch, [*ITSELF, "10.0.0.7", "10.0.0.7"])
    assert network.address_for_phones("0.0.0.0") == "10.0.0.7"
    assert network.addresses_for_phones("0.0.0.0") == ["10.0.0.7"]


class Listener:
    def __init__(self, host: str) -> None:
        self.host = host

    def getsockname(self) -> tuple[str, int]:
        return self.host, 8000


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("192.168.1.7", "http://192.168.1.7:8000"),
    ],
)
def test_a_browser_on_this_machine_is_shown_an_address_that_it_can_open(host: str, url: str) -> None:
    listener: Any = Listener(host)
    assert Door(host).url(listener) == url
    assert Door(host).phone_url(listener) is None
    assert Door(host, phone="10.0.0.7").phone_url(listener) == "http://10.0.0.7:8000"


@pytest.mark.parametrize(("mode", "warned"), [("send-receive", True), ("receive", False)])
def test_a_code_without_https_is_warned_of_where_a_microphone_is_needed(
    capsys: pytest.CaptureFixture[str], mode: str, warned: bool
) -> None:
    stream: Any = type("Stream", (), {"mode": mode})
    doors.warn_of_http(Door("0.0.0.0", phone="10.0.0.7"), [stream])
    assert ("no microphone" in capsys.readouterr().err) == warned
