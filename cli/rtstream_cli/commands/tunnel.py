"""`rtstream tunnel PORT`: a port of this machine on a public address, until it is stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from rtstream.tasks import ended

from ..config import Settings
from ..console import console
from ..options import (
    OUTSIDE,
    Context,
    JsonOpt,
    LogFormatOpt,
    NgrokPathOpt,
    PublicUrlOpt,
    SshConfigOpt,
    SshForwardOpt,
    SshOpt,
    TunnelOpt,
    option,
)

if TYPE_CHECKING:
    from rtstream.tunnels.base import Tunnel
    from rtstream.tunnels.kept import KeptTunnel
    from rtstream.tunnels.probe import PortProbe

LOCAL = "127.0.0.1"

PortArg = Annotated[
    int, typer.Argument(metavar="PORT", min=1, max=65535, help="The port that a server listens on.")
]
TimeoutOpt = Annotated[
    float,
    option(
        "--timeout",
        min=1,
        metavar="SECONDS",
        show_default=True,
        panel=OUTSIDE,
        help="How long the opening may take, with the first answer through it.",
    ),
]


def tunnel(
    ctx: Context,
    port: PortArg = 8000,
    tunnel: TunnelOpt = None,
    public_url: PublicUrlOpt = None,
    ngrok_path: NgrokPathOpt = None,
    ssh: SshOpt = None,
    ssh_forward: SshForwardOpt = None,
    ssh_config: SshConfigOpt = None,
    timeout: TimeoutOpt = 30.0,
    log_format: LogFormatOpt = None,
    json: JsonOpt = False,
) -> int:
    """Put a port of this machine on a public address."""
    from ..serving import logs, outside

    settings = Settings.of(ctx)
    logs.configure(settings.values["log_format"])
    way = outside.tunnel(settings)
    settings.explain()
    asyncio.run(_keep(way, port, timeout))
    return 0


async def _keep(way: Tunnel, port: int, seconds: float) -> None:
    """Hold the tunnel until a signal asks for the end."""
    from rtstream.tunnels.kept import KeptTunnel, TunnelNews
    from rtstream.tunnels.probe import PortProbe

    from ..serving.ending import Ending
    from ..serving.outside import Teller

    async def tell(news: TunnelNews) -> None:
        Teller().tunnel(news)

    ending, probe = Ending(0.0, way.kill), PortProbe(LOCAL, port)
    kept = KeptTunnel(way, LOCAL, port, probe, tell, seconds=seconds)
    asked = asyncio.create_task(ending.asked.wait())
    opening = asyncio.create_task(_open(kept, probe, port))
    try:
        await asyncio.wait({asked, opening}, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
            await asked
    finally:
        await ended(opening)
        await kept.close()
    if console.json:
        console.event("stopped")


async def _open(kept: KeptTunnel, probe: PortProbe, port: int) -> None:
    """Open it and say where it is."""
    name, served = kept.tunnel.name, await probe.here() is not None
    if not served:
        console.warn(
            f"nobody answers on port {port} of this machine yet", fix=f"rtstream serve --port {port}"
        )
    with console.status(f"opening a tunnel ({name}) …"):
        url = await kept.open()
    if console.json:
        console.event("ready", tunnel=name, port=port, public_url=url, checked=served)
        return
    console.data(url)
    console.say(f"{name} leads there to port {port}; whoever knows the address reaches it · Ctrl-C stops")
