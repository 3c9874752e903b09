"""Cloudflare's quick tunnels: `cloudflared`, without an account."""

from __future__ import annotations

import re
import shutil

from ..errors import ToolMissing
from .running import Running

ADDRESS = re.compile(r"(?P<address>https://[a-z0-9-]+\.trycloudflare\.com)")
REFUSAL = re.compile(r"failed to (request quick Tunnel|unmarshal quick Tunnel)", re.I)


class Cloudflared(Running):
    """Runs the `cloudflared` that is on the PATH.

    Source: Cloudflare's documentation, "TryCloudflare".
    """

    name = "cloudflared"

    def missing(self) -> str:
        return "" if shutil.which("cloudflared") else "there is no `cloudflared` on the PATH"

    async def open(self, host: str, port: int) -> str:
        await self.close()
        if why := self.missing():
            raise ToolMissing("cloudflared is not there", why=why, fix="Install it, or take another --tunnel")
        words = ["cloudflared", "tunnel", "--no-autoupdate", "--url", f"http://{host}:{port}"]
        await self.start(words)
        return await self.child.find(ADDRESS, REFUSAL)
