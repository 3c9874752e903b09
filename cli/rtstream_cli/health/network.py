"""The port, the addresses of this machine, and the STUN and TURN servers that were named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from aiortc import RTCIceGatherer, RTCIceServer, RTCIceTransport

from rtstream.errors import MachineError, RemoteError, UsageError
from rtstream.transports.aiortc_inside import choose_ice_addresses

from ..config import Settings
from ..serving import network, ports
from .finding import Finding, failed

PATIENCE = 8.0  # seconds for an ICE server: aioice itself asks a silent one for five
FAR_SIDE = {"stun": "srflx", "turn": "relay"}  # by an address's scheme, the candidate that it gives


def look(settings: Settings) -> Iterator[Finding]:
    """Look at what a server would need first, and ask the ICE servers."""
    yield _port(settings)
    yield _addresses()
    servers = settings.values["ice_server"]
    for server in servers:
        yield asyncio.run(_ice_server(server))
    if not servers:
        said = "no STUN or TURN server was named: callers behind other routers need one"
        yield Finding("ICE servers", "skip", said, "--ice-server URL, here and for `rtstream serve`")


def _port(settings: Settings) -> Finding:
    host, port = settings.values["host"], settings.values["port"]
    try:
        with ports.listen(host, port, hop=False) as listener:
            return Finding("port", "ok", f"{listener.getsockname()[1]} on {host} is free")
    except (MachineError, UsageError) as error:
        if port is None:
            said = f"{error.what}: `rtstream serve` takes the next free one"
            return Finding("port", "warn", f"{said} ({error.why})")
        return failed("port", error)


def _addresses() -> Finding:
    found = [one for one in network.addresses_for_phones("0.0.0.0") if not network.is_loopback(one)]
    if found:
        return Finding("network", "ok", f"others on it find this machine at {', '.join(found)}")
    return Finding(
        "network",
        "warn",
        "this machine is on none: a browser here may refuse to call, for want of an address",
        "Join a network, or call with `rtstream test-file`, which does without",
    )


async def _ice_server(server: Any) -> Finding:
    """Whether it gives a candidate, as a call would ask it for one."""
    told = server if isinstance(server, dict) else {"urls": server}
    urls = told["urls"] if isinstance(told["urls"], str) else told["urls"][0]
    wanted = FAR_SIDE[urls.partition(":")[0].rstrip("s")]
    if wanted in await _candidates(RTCIceServer(**told)):
        return Finding(urls, "ok", f"it gives a candidate ({wanted})")
    fix = "See whether it runs, that this machine reaches it, and that username and credential are right"
    return Finding(urls, "fail", "it gives no candidate", fix, RemoteError.exit_code)


async def _candidates(server: RTCIceServer) -> set[str]:
    """The kinds of candidates that ICE finds with this server."""
    choose_ice_addresses()
    gatherer = RTCIceGatherer([server])
    transport = RTCIceTransport(gatherer)
    try:
        await asyncio.wait_for(gatherer.gather(), PATIENCE)
        return {candidate.type or "" for candidate in gatherer.getLocalCandidates()}
    except OSError:  # a time-out is one, too
        return set()
    finally:
        await transport.stop()  # which gives back what a TURN server gave
