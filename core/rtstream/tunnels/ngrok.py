"""ngrok's agent, by pyngrok."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import redirect_stdout, suppress
from importlib import import_module
from io import StringIO
from logging import getLogger
from pathlib import Path
from typing import Any

from ..errors import ToolMissing, TunnelFailed

TOKEN = "NGROK_AUTHTOKEN"
LOOK_SECONDS = 0.5
logger = getLogger(__name__)


class Ngrok:
    """A tunnel of one's ngrok account; the token is `NGROK_AUTHTOKEN`, or stands in ngrok's own file.

    Args:
        path: of the agent; else PYNGROK_NGROK_PATH, one on the PATH, or pyngrok's own, which it
            fetches when there is none.
    """

    name = "ngrok"

    def __init__(self, path: str = "") -> None:
        self._given = path
        self._config: Any = None
        self._url = ""
        self._process: Any = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def missing(self) -> str:
        if self._given and not Path(self._given).is_file():
            return f"there is no agent at `{self._given}`"
        return ""

    def is_set_up(self) -> bool:
        """Whether there is an agent and a token, so that it would probably work."""
        return Path(self._path()).is_file() and bool(os.environ.get(TOKEN) or _own_config().is_file())

    @property
    def said(self) -> str:
        logs = list(getattr(self._process, "logs", ()))[-6:]
        return _without_token("\n".join(str(getattr(log, "line", "")).strip() for log in logs))

    async def open(self, host: str, port: int) -> str:
        if why := self.missing():
            raise ToolMissing("ngrok is not there", why=why, fix="Give its path with --ngrok-path")
        await self.close()
        work = asyncio.get_running_loop().run_in_executor(None, self._connect, f"http://{host}:{port}")
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # pyngrok reads a silent agent's output for ever, with its lock held: only the agent's end helps.
            while not work.done():
                self.kill()
                await asyncio.wait([work], timeout=LOOK_SECONDS)
            with suppress(TunnelFailed, ToolMissing):
                work.result()
            raise

    async def died(self) -> str:
        process = self._process
        code = await asyncio.to_thread(process.proc.wait)
        return f"ngrok ended: exit code {code}"

    async def close(self) -> None:
        await asyncio.to_thread(self._disconnect)

    def kill(self) -> None:
        running = getattr(import_module("pyngrok.process"), "_current_processes", {}).get(self._path())
        if running is not None:
            with suppress(OSError):
                running.proc.kill()

    def _connect(self, upstream: str) -> str:
        from pyngrok import conf, exception, ngrok

        if not Path(self._path()).is_file():
            _fetch(self._path())
        self._config = conf.PyngrokConfig(
            ngrok_path=self._path(), config_path=self._config_path(), start_new_session=True
        )
        self._config.auth_token = None  # it would go among the agent's arguments; the agent has the variable
        try:
            tunnel = ngrok.connect(upstream, "http", pyngrok_config=self._config)
        except (exception.PyngrokError, OSError) as error:
            self._disconnect()
            why = getattr(error, "ngrok_error", None) or str(error)
            raise TunnelFailed(
                "ngrok opened no tunnel",
                why=_without_token(str(why))[:500],
                fix=f"Set {TOKEN}, or run `ngrok config add-authtoken`",
            ) from None
        self._url = str(tunnel.public_url)
        self._process = ngrok.get_ngrok_process(self._config)
        return self._url

    def _disconnect(self) -> None:
        if self._config is None:
            return
        from pyngrok import exception, ngrok

        with suppress(exception.PyngrokError, OSError):
            if self._url and self._process.proc.poll() is None:
                ngrok.disconnect(self._url, self._config)
        ngrok.kill(self._config)
        self._config, self._url = None, ""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _path(self) -> str:
        from pyngrok import conf

        own = os.environ.get("PYNGROK_NGROK_PATH") or _on_the_path()
        return self._given or own or str(conf.DEFAULT_NGROK_PATH)

    def _config_path(self) -> str | None:
        """ngrok's own file where there is one; else one of ours, for its folder may be read-only."""
        if _own_config().is_file():
            return None
        self._folder = tempfile.TemporaryDirectory(prefix="rtstream-", ignore_cleanup_errors=True)
        return str(Path(self._folder.name) / "ngrok.yml")


def _on_the_path() -> str:
    """The agent on the PATH; not pyngrok's program of that name, which virtual environments have there."""
    found = shutil.which("ngrok")
    if found is None:
        return ""
    with suppress(OSError), open(found, "rb") as program:  # a program need not be readable
        if b"from pyngrok" in program.read(1000):
            return ""
    return found


def _fetch(path: str) -> None:
    from pyngrok import exception, installer

    logger.info("fetching ngrok's agent from bin.ngrok.com, for there is none on this machine")
    try:
        with redirect_stdout(StringIO()):  # pyngrok tells there how far it is, and stdout is for data
            installer.install_ngrok(path)
    except (exception.PyngrokError, OSError) as error:
        raise ToolMissing(
            "ngrok's agent is not there and cannot be fetched",
            why=str(error),
            fix="Install it, or give its path with --ngrok-path",
        ) from None


def _own_config() -> Path:
    from pyngrok import conf

    return Path(conf.DEFAULT_NGROK_CONFIG_PATH)


def _without_token(text: str) -> str:
    token = os.environ.get(TOKEN)
    return text.replace(token, "***") if token else text
