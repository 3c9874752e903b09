"""A browser's process and the socket on which it takes commands: JSON, numbered, with events between."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from threading import Thread
from typing import Any

from websockets.sync.client import connect

PATIENCE = 30.0  # seconds for an answer


class Line:
    """Starts a browser and speaks with it.

    Args:
        command: the program and its flags; it prints the address of its socket on stderr.
        path: what that address lacks.
        environment: more variables for it.
    """

    def __init__(self, command: Sequence[str], path: str = "", **environment: str) -> None:
        with ExitStack() as held:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            held.callback(self._end)
            address = self._printed() + path
            self._reader = Thread(target=self._read_on, daemon=True)
            self._reader.start()
            self._socket = held.enter_context(connect(address, max_size=None, compression=None))
            self._held = held.pop_all()
        self._numbers = itertools.count(1)
        self._events: deque[dict[str, Any]] = deque(maxlen=1000)

    def _printed(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := re.search(r"listening on (ws://\S+)", line):
                return found[1]
        raise AssertionError(f"{self._process.args!r} ended before it listened")

    def _read_on(self) -> None:
        """Let it print what it likes, and not wait until somebody reads it."""
        assert self._process.stderr is not None
        for _ in self._process.stderr:
            pass

    def ask(self, method: str, params: dict[str, Any], **more: Any) -> Any:
        """Send a command and wait for its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params, **more}))
        while (said := self._hear()).get("id") != number:
            self._events.append(said)
        assert "result" in said, f"{method}: {said}"
        return said["result"]

    def forget(self) -> None:
        """Forget the events so far, so that `wait` waits for a new one."""
        self._events.clear()

    def wait(self, method: str, **more: Any) -> dict[str, Any]:
        """Wait for an event, and return its parameters."""
        while True:
            said = self._events.popleft() if self._events else self._hear()
            if said.get("method") == method and more.items() <= said.items():
                return dict(said["params"])

    def _hear(self) -> dict[str, Any]:
        return dict(json.loads(self._socket.recv(timeout=PATIENCE)))

    def close(self) -> None:
        """End the browser."""
        self._held.close()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self._process.stderr is not None
        self._process.stderr.close()
