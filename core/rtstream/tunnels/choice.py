"""Which tunnel is meant: by its name, or the first that this machine has what it takes for."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ToolMissing, UsageError
from .base import Tunnel
from .cloudflared import Cloudflared
from .given import Given
from .gradio import Gradio
from .ngrok import Ngrok
from .ssh import Ssh

NAMES = ("auto", "gradio", "ngrok", "cloudflared", "ssh", "public-url")


@dataclass(frozen=True)
class TunnelWish:
    """What was said about the tunnel.

    Attributes:
        name: one of `NAMES`.
        public_url: an address that leads here already; with `ssh`, the one of one's own server.
        ngrok_path: where ngrok's agent is.
        ssh, ssh_forward, ssh_config: see `Ssh`.
    """

    name: str = "auto"
    public_url: str = ""
    ngrok_path: str = ""
    ssh: str = ""
    ssh_forward: str = "0"
    ssh_config: str = ""


def choose(wish: TunnelWish) -> Tunnel:
    """The tunnel that is meant, not opened yet.

    `auto` goes by what was said, then by what is there: a public address, an SSH destination, ngrok's
    agent with a token, cloudflared, Gradio.

    Raises:
        UsageError: there is no such tunnel, or something that it needs was not said.
        ToolMissing: this machine has nothing for it.
    """
    if wish.name == "auto":
        return _first(wish)
    tunnel = _named(wish)
    if why := tunnel.missing():
        raise ToolMissing(
            f"the tunnel {wish.name} cannot be used here", why=why, fix="Install it, or take another --tunnel"
        )
    return tunnel


def _named(wish: TunnelWish) -> Tunnel:
    match wish.name:
        case "gradio":
            return Gradio()
        case "ngrok":
            return Ngrok(wish.ngrok_path)
        case "cloudflared":
            return Cloudflared()
        case "ssh":
            if not wish.ssh:
                raise UsageError("the tunnel ssh needs a destination", fix="For example: --ssh user@host")
            return _ssh(wish)
        case "public-url":
            if not wish.public_url:
                raise UsageError("which address?", fix="For example: --public-url https://voice.example.org")
            return Given(wish.public_url)
    raise UsageError(f"there is no tunnel {wish.name!r:.40}", fix=f"Take one of {', '.join(NAMES)}")


def _first(wish: TunnelWish) -> Tunnel:
    if wish.ssh:
        return _ssh(wish)
    if wish.public_url:
        return Given(wish.public_url)
    ngrok = Ngrok(wish.ngrok_path)
    if wish.ngrok_path or ngrok.is_set_up():
        return ngrok
    tunnels: list[Tunnel] = [Cloudflared(), Gradio()]
    for tunnel in tunnels:
        if not tunnel.missing():
            return tunnel
    raise ToolMissing(
        "this machine has nothing to open a tunnel with",
        why="; ".join(tunnel.missing() for tunnel in tunnels),
        fix="Install cloudflared or ngrok, or give --ssh user@host or --public-url https://…",
    )


def _ssh(wish: TunnelWish) -> Ssh:
    return Ssh(wish.ssh, forward=wish.ssh_forward, public_url=wish.public_url, config=wish.ssh_config)
