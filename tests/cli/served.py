"""A server started as its own process, and what it says."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

PATIENCE = 40.0  # seconds for what should take one, on a machine that others use too


class Served:
    """`rtstream serve …`, or another `command`, on a free port; leaving the block ends it.

    `before` stands before it all. With `terminal` its talk goes to one, which `close_terminal` closes.

    Attributes:
        code: its exit code, once it has ended.
        seconds: how long it took to end after the last signal.
    """

    def __init__(
        self,
        *words: str,
        cwd: Path,
        port: str = "0",
        ready: bool = True,
        before: Sequence[str] = (),
        command: Sequence[str] = ("serve",),
        terminal: bool = False,
        **environment: str,
    ) -> None:
        more = [] if "tunnel" in command or "--sip" in words else ["--port", port]
        self._terminal = Terminal() if terminal else None
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", "rtstream_cli", *command, *more, *words],
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=self._terminal.fd if self._terminal else subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.out = Lines(self._process.stdout)
        self.err = Lines(self._terminal.shown() if self._terminal else self._process.stderr)
        self._ready = ready
        self.code: int | None = None
        self.seconds = 0.0

    def __enter__(self) -> Served:
        try:
            if self._ready:
                self.err.until("Ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE)
        self._close()

    @property
    def url(self) -> str:
        found = re.search(r"https?://[\d.]+:\d+", "\n".join(self.err.seen))
        assert found, self.err.seen
        return found[0]

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        begun = time.monotonic()
        self.tell(number)
        self.code = self.wait()
        self.seconds = time.monotonic() - begun
        return self.code

    def wait(self) -> int:
        code = self._process.wait(PATIENCE)
        self._close()
        return code

    def close_terminal(self) -> None:
        """As one closes a window: from now on what is written there is an error, and the server is told."""
        assert self._terminal is not None
        self._terminal.close()
        self.tell(signal.SIGHUP)

    def _close(self) -> None:
        if self._terminal is not None:
            self._terminal.close()
        self.out.close()
        self.err.close()


class Terminal:
    """A terminal to write to: `fd`, until `shown` is asked for."""

    def __init__(self) -> None:
        screen, self.fd = os.openpty()
        # A process of its own reads it: a thread that reads would keep it open when it is to be closed.
        self._reader = subprocess.Popen(["cat"], stdin=screen, stdout=subprocess.PIPE, text=True)
        os.close(screen)

    def shown(self) -> IO[str] | None:
        """What is written there; from now on only a program that was given it can write."""
        os.close(self.fd)
        return self._reader.stdout

    def close(self) -> None:
        self._reader.kill()
        self._reader.wait(PATIENCE)


class Lines:
    """The lines of a stream as they come; `seen` are those so far."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._stream:
            self.seen.append(line.rstrip("\n"))
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def until(self, text: str) -> str:
        """Read on to the line that holds a text."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r}; there are {self.seen}")

    def close(self) -> None:
        self._reader.join(PATIENCE)
        self._stream.close()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.seen]
