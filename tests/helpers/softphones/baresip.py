"""Debian's baresip: plays a file, presses keys, keeps what it hears; told what to do over its own socket."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

MODULES = Path("/usr/lib/baresip/modules")
CONFIG = """
poll_method epoll
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
audio_source aufile,{said}
audio_player aubridge,none
audio_alert aubridge,none
rtp_stats yes
module_path {modules}
module g711.so
module g722.so
module opus.so
module aufile.so
module aubridge.so
module sndfile.so
module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
module_app account.so
module_app menu.so
"""


class Baresip:
    """A running baresip. `events` are what it has told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._reader, self._writer, self._folder = reader, writer, folder

    def tell(self, command: str, words: str = "") -> None:
        """Give it a command: `dial`, `sndcode` (press keys), `hangup`."""
        said = json.dumps({"command": command, "params": words})
        self._writer.write(f"{len(said)}:{said},".encode())

    async def read(self) -> None:
        """Read what it tells, for as long as it runs."""
        try:
            while True:
                size = int((await self._reader.readuntil(b":"))[:-1])
                self.events.append(json.loads(await self._reader.readexactly(size)))
                await self._reader.readexactly(1)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    def told(self, kind: str) -> bool:
        """Whether it has told of something, such as CALL_ESTABLISHED."""
        return any(event.get("type") == kind for event in self.events)

    @property
    def heard(self) -> Path:
        """The recording of what it heard."""
        (found,) = self._folder.glob("dump-*-dec.wav")
        return found


@asynccontextmanager
async def baresip(folder: Path, said: Path, codec: str) -> AsyncIterator[Baresip]:
    """baresip with one codec, ended when the block ends."""
    sip, control = _free_ports()
    config = CONFIG.format(sip=sip, said=said, modules=MODULES, control=control, folder=folder)
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(f"<sip:alice@127.0.0.1>;regint=0;audio_codecs={codec}\n")
    (folder / "contacts").touch()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "baresip", "-f", str(folder), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        reader, writer = await _connected(control)
        running = Baresip(reader, writer, folder)
        reading = asyncio.create_task(running.read())
        try:
            yield running
            running.tell("quit")
            async with asyncio.timeout(10):
                await process.wait()
        finally:
            writer.close()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(20):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.02)


def _free_ports() -> tuple[int, int]:
    """One for SIP, above which there is one for SIP over TLS, and one for commands."""
    while True:
        with socket.socket() as first, socket.socket() as above, socket.socket() as control:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                above.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            control.bind(("127.0.0.1", 0))
            return port, control.getsockname()[1]
