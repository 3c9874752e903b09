"""`--reload`: a process that watches the project's files and starts the server again when one changes.

The listening socket belongs to the watching process and is handed to each server, so a caller who
comes in between waits instead of being turned away.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..console import console
from .ending import SIGNALS, ask_for_the_end, end_with

LOOK_EVERY = 0.3  # seconds between two looks at the files
END_WITHIN = 4.0  # seconds that an old server may take to end before it is killed
FDS = "RTSTREAM_RELOAD_FDS"  # the variable with the numbers of the socket and of the pipe
WATCHED = {".py", ".toml"}
SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def inherited() -> socket.socket | None:
    """The watching process's socket, in a server that it has started; such a server ends with it."""
    fds = os.environ.pop(FDS, "")
    if not fds:
        return None
    listener, pipe = map(int, fds.split(","))
    end_with(pipe)
    return socket.socket(fileno=listener)


class Supervisor:
    """Starts a server, and another one in its place whenever the project has changed.

    Args:
        listener: the socket they listen on.
        folders: the project: its .py and .toml files count, but not those in hidden folders and
            virtual environments.
        origin: where this process was started: its servers are, too, with the same words.
    """

    def __init__(self, listener: socket.socket, folders: Sequence[Path], origin: Path) -> None:
        self._listener = listener
        self._folders = folders
        self._origin = origin
        self._asked = threading.Event()
        self._server = self._start()

    def run(self) -> int:
        """Watch until a signal asks to stop; returns the exit code: 0, or 130 after a second signal."""
        ask_for_the_end(self._hear)
        seen = snapshot(self._folders)
        resting = False
        while not self._asked.wait(LOOK_EVERY):
            now = snapshot(self._folders)
            if changed := sorted(
                path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)
            ):
                seen = now
                self._end()
                self._tell(changed)  # now, for whoever comes from here on waits for the new one
                self._server, resting = self._start(), False
            elif self._server.poll() is not None and not resting:
                resting = True
                console.say("The server has ended; it starts again when a file changes")
        return self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        pipe, self._lifeline = os.pipe()
        fds = (self._listener.fileno(), pipe)
        server = subprocess.Popen(
            [sys.executable, "-m", "rtstream_cli", *sys.argv[1:]],
            cwd=self._origin,
            pass_fds=fds,
            # Compiled files are told apart by whole seconds: after a quick second edit they would be stale.
            env={**os.environ, FDS: ",".join(map(str, fds)), "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,  # a Ctrl-C reaches the watching process alone, which passes it on
        )
        os.close(pipe)
        return server

    def _end(self) -> int:
        self._server.terminate()
        try:
            self._server.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        os.close(self._lifeline)
        return max(self._server.returncode, 0)

    def _hear(self, number: int, *_: object) -> None:
        if self._asked.is_set() and number in SIGNALS:
            self._server.kill()
        self._asked.set()

    def _tell(self, changed: Sequence[Path]) -> None:
        names = [path.name for path in changed]
        if console.json:
            console.event("reload", changed=names)
        else:
            console.say(
                f"{', '.join(names[:3])}{' and more' if len(names) > 3 else ''} changed: starting again"
            )


def snapshot(folders: Sequence[Path]) -> dict[Path, int]:
    """The watched files, each with the time of its last change in nanoseconds."""
    found: dict[Path, int] = {}
    for path in (path for folder in folders for path in _files(folder)):
        with suppress(OSError):  # gone since it was listed
            found[path] = path.stat().st_mtime_ns
    return found


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        if "pyvenv.cfg" in names:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".") and name not in SKIPPED]
        yield from (Path(root, name) for name in names if Path(name).suffix in WATCHED)
