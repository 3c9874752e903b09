"""Gradio's share links, by the steps of `gradio.networking.setup_tunnel`, without importing Gradio."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any

from ..errors import RemoteError, TunnelFailed
from . import frpc
from .running import Running

API = "https://api.gradio.app/v3/tunnel-request"
ADDRESS = re.compile(r"start proxy success: (?P<address>\S+)")
REFUSAL = re.compile(r"login to server failed|start error")
API_SECONDS = 15


class Gradio(Running):
    """A way through Gradio's servers, or through the one that `GRADIO_SHARE_SERVER_ADDRESS` names.

    Differs from Gradio's own steps where those hurt: the certificate goes to a private folder and
    not to the working one, which may be read-only; the token is in a file and not among the
    arguments, which everybody on the machine can read; a silent frpc does not hang us. The token
    stays the same for the life of this object, so that the address does too.

    Args:
        api: where to ask for a server; for tests.
    """

    name = "gradio"

    def __init__(self, api: str = API) -> None:
        super().__init__()
        self._api = api
        self._token = secrets.token_urlsafe(32)
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def missing(self) -> str:
        return "" if frpc.known() else f"Gradio has no tunnel for this kind of machine ({frpc.name()})"

    async def open(self, host: str, port: int) -> str:
        await self.close()
        self._folder = tempfile.TemporaryDirectory(prefix="rtstream-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        program, server = await asyncio.gather(
            asyncio.to_thread(frpc.ready, folder), asyncio.to_thread(self._server)
        )
        config = folder / "frpc.ini"
        config.write_text(self._config(folder, server, host, port), encoding="utf-8")
        await self.start([str(program), "-c", str(config)])
        return await self.child.find(ADDRESS, REFUSAL)

    async def close(self) -> None:
        await super().close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _config(self, folder: Path, server: dict[str, Any], host: str, port: int) -> str:
        """What `setup_tunnel` gives frpc as arguments, as frp's own configuration file."""
        lines = ["[common]", f"server_addr = {server['host']}", f"server_port = {server['port']}"]
        lines.append("disable_log_color = true")
        if certificate := server["root_ca"]:
            (folder / "certificate.pem").write_text(certificate, encoding="utf-8")
            lines += ["tls_enable = true", f"tls_trusted_ca_file = {folder / 'certificate.pem'}"]
        lines += [f"[{self._token}]", "type = http", f"local_ip = {host}", f"local_port = {port}"]
        lines += ["subdomain = random", "use_encryption = true", "use_compression = true"]
        return "\n".join(lines) + "\n"

    def _server(self) -> dict[str, Any]:
        """Host, port and certificate of the server that takes the tunnel. Blocks."""
        if given := os.environ.get("GRADIO_SHARE_SERVER_ADDRESS"):
            host, _, port = given.rpartition(":")
            return {"host": host, "port": int(port) if port.isdigit() else 0, "root_ca": None}
        import httpx

        try:
            first = httpx.get(self._api, timeout=API_SECONDS).raise_for_status().json()[0]
            address, number, certificate = str(first["host"]), int(first["port"]), str(first["root_ca"])
        except httpx.HTTPError as error:
            raise RemoteError(
                "Gradio cannot be asked for a tunnel",
                why=f"{self._api}: {str(error) or type(error).__name__}",
                fix="Check the network of this machine, or take another --tunnel",
            ) from None
        except (ValueError, LookupError, TypeError):
            raise self._nonsense() from None
        if not re.fullmatch(r"[\w.:-]+", address):  # it goes into a file whose lines are settings
            raise self._nonsense()
        return {"host": address, "port": number, "root_ca": certificate}

    def _nonsense(self) -> TunnelFailed:
        return TunnelFailed("Gradio gave no tunnel", why=f"{self._api} names no server", fix="Try again")
