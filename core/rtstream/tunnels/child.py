"""A program of somebody else's that a tunnel runs on: started, read, and ended."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from subprocess import PIPE, STDOUT

from ..errors import ToolMissing, TunnelFailed

KEPT_LINES = 12
LONGEST_LINE = 300  # characters of a line that are kept
END_SECONDS = 1.0  # from the request to end to the kill


class Child:
    """A running program; its output is read to the last, so that it never waits for us.

    It is the leader of a process group of its own: a Ctrl-C in the terminal is for us, who may have
    calls to end before the tunnel goes.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self._name = name
        self._process = process
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._news: asyncio.Queue[str | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, name: str, words: Sequence[str], more: Mapping[str, str] | None = None) -> Child:
        """Start a program.

        Args:
            name: how a person calls it.
            words: the command. Everybody on this machine can read it, so no secret may be in it.
            more: added to its environment.

        Raises:
            ToolMissing: it is not there, or may not be run.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=PIPE,  # never written: some end when theirs is closed
                stdout=PIPE,
                stderr=STDOUT,
                env={**os.environ, **(more or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise ToolMissing(
                f"{name} cannot be run", why=f"`{words[0]}`: {error.strerror}", fix=f"Install {name}"
            ) from None
        return cls(name, process)

    @property
    def said(self) -> str:
        """Its last lines."""
        return "\n".join(self._lines)

    async def find(self, address: re.Pattern[str], refusal: re.Pattern[str] | None = None) -> str:
        """Read on to the line with an address, and return its group `address`.

        Raises:
            TunnelFailed: a line says `refusal`, or the program ended before it gave one.
        """
        while (line := await self._news.get()) is not None:
            if found := address.search(line):
                return found["address"]
            if refusal is not None and refusal.search(line):
                raise self._failed("was refused")
        raise self._failed(f"ended before it gave an address (exit code {await self._process.wait()})")

    async def ended(self) -> str:
        """Wait for the end of the program, and return how it went."""
        code = await self._process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"{self._name} ended: {how}"

    async def close(self) -> None:
        """Ask it to end, and kill what is left of it and of its own programs."""
        self._tell(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        self.kill()
        await self._process.wait()
        await self._reading

    def kill(self) -> None:
        """End it and what it has started, without waiting."""
        self._tell(signal.SIGKILL)

    def _tell(self, number: signal.Signals) -> None:
        """Send a signal to it and to what it has started.

        Not by asyncio's own `terminate`: that looks whether the process has ended, and thereby takes its
        exit code away from asyncio, which then warns of an unknown child.
        """
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)  # a number that is ours as long as one of them lives

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                raw = await self._process.stdout.readline()
            except ValueError:  # a line without an end: what was read of it is dropped
                continue
            if not raw:
                return self._news.put_nowait(None)
            line = raw.decode(errors="replace").strip()[:LONGEST_LINE]
            self._lines.append(line)
            if self._news.qsize() < 1000:  # nobody reads on after the address
                self._news.put_nowait(line)

    def _failed(self, what: str) -> TunnelFailed:
        return TunnelFailed(
            f"the tunnel of {self._name} {what}", why=self.said, fix="Try again, or take another --tunnel"
        )
