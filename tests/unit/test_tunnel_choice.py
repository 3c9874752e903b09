"""Which tunnel is taken, what cannot be, and which token is found: nothing is opened here."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtstream.errors import CarrierKeyRefused, ToolMissing, UsageError
from rtstream.phone.fastphone import FastPhone, hugging_face_token
from rtstream.tunnels import frpc
from rtstream.tunnels.choice import NAMES, TunnelWish, choose
from rtstream.tunnels.given import address
from rtstream_cli.keys import TUNNELS


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on its PATH, no token, and a home without files."""
    for name in (
        "NGROK_AUTHTOKEN",
        "PYNGROK_NGROK_PATH",
        "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN",
        "HF_TOKEN_PATH",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("pyngrok.conf.DEFAULT_NGROK_PATH", str(tmp_path / "none"))
    monkeypatch.setattr("pyngrok.conf.DEFAULT_NGROK_CONFIG_PATH", str(tmp_path / "none.yml"))
    return tmp_path


def program(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_the_command_line_knows_every_tunnel() -> None:
    assert TUNNELS == NAMES


def test_auto_takes_what_was_said_before_what_is_there(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "cloudflared")
    program(bare, "ngrok")
    monkeypatch.setenv("NGROK_AUTHTOKEN", "x")
    assert choose(TunnelWish(ssh="user@host")).name == "ssh"
    assert choose(TunnelWish(ssh="user@host", public_url="https://a.example.org")).name == "ssh"
    assert choose(TunnelWish(public_url="https://a.example.org")).name == "public-url"
    assert choose(TunnelWish()).name == "ngrok"


def test_auto_takes_ngrok_only_with_a_token(bare: Path) -> None:
    program(bare, "ngrok")
    assert choose(TunnelWish()).name == "gradio"
    program(bare, "cloudflared")
    assert choose(TunnelWish()).name == "cloudflared"


def test_auto_takes_gradio_where_nothing_else_is() -> None:
    assert choose(TunnelWish()).name == "gradio"


def test_a_machine_with_nothing_is_told_what_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    with pytest.raises(ToolMissing) as caught:
        choose(TunnelWish())
    assert "cloudflared" in caught.value.why
    assert "pdp11" in caught.value.why
    assert "--ssh" in caught.value.fix
    with pytest.raises(ToolMissing, match="no tunnel for this kind"):
        frpc.ready(Path())


@pytest.mark.parametrize("name", ["cloudflared", "ssh"])
def test_a_tunnel_whose_program_is_missing_is_refused_before_anything(name: str) -> None:
    with pytest.raises(ToolMissing, match=f"the tunnel {name} cannot be used here"):
        choose(TunnelWish(name, ssh="user@host"))


@pytest.mark.parametrize("wish", [TunnelWish("ssh"), TunnelWish("public-url"), TunnelWish("wormhole")])
def test_a_wish_without_what_it_needs_is_refused(wish: TunnelWish) -> None:
    with pytest.raises(UsageError):
        choose(wish)


@pytest.mark.parametrize(
    "url",
    [
        "voice.example.org",
        "ftp://voice.example.org",
        "https://",
        "https://voice.example.org/path",
        "https://voice.example.org?x=1",
        "https://user:secret@voice.example.org",
        "https://voice.example.org:0",
        "https://voice.example.org:99999",
        "https://[::1",
        "",
    ],
)
def test_what_is_no_public_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        address(url)


def test_a_public_address_keeps_its_port_and_loses_its_slash() -> None:
    assert address("https://voice.example.org:8443/") == "https://voice.example.org:8443"


# The token of Hugging Face.


def test_the_token_is_looked_for_as_hugging_faces_own_libraries_do(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hugging_face_token() == ""
    (bare / "hf").mkdir()
    (bare / "hf/token").write_text("from-home\n")
    assert hugging_face_token() == "from-home"
    (bare / "mine").write_text("from-path\n")
    monkeypatch.setenv("HF_TOKEN_PATH", str(bare / "mine"))
    assert hugging_face_token() == "from-path"
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "old")
    assert hugging_face_token() == "old"
    monkeypatch.setenv("HF_TOKEN", " new ")
    assert hugging_face_token() == "new"


def test_without_a_token_it_is_said_where_they_are_made() -> None:
    with pytest.raises(CarrierKeyRefused) as caught:
        FastPhone()
    assert "huggingface.co/settings/tokens" in caught.value.fix
    FastPhone("given")


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "frpc_linux_amd64"),
        ("Linux", "aarch64", "frpc_linux_arm64"),
        ("Darwin", "arm64", "frpc_darwin_arm64"),
        ("Windows", "AMD64", "frpc_windows_amd64.exe"),
    ],
)
def test_each_machine_has_its_own_frpc(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, name: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert frpc.name() == name
    assert frpc.known()
