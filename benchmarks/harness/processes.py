"""Programs as processes of their own: started on one core, measured from outside, stopped by their id."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent.parent
SERVER_CORE, CALLER_CORE = 0, 1
PATIENCE = 90.0  # seconds that a server may take until it listens


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def take_caller_core() -> None:
    """Put this process, which plays the callers, on another core than the server, where there is one."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {CALLER_CORE})


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Keep the server's core from sleeping while the block lasts.

    A core that slept comes back with cold caches, the more so one that a host lends to others meanwhile: a
    server that works for a millisecond in ten then pays for its waits. A busy loop that steps aside for
    everybody keeps it awake, as it is in the loop that measures the limit.
    """
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=_last_on_server_core)
    try:
        yield
    finally:
        loop.kill()
        loop.wait()


def _last_on_server_core() -> None:
    os.sched_setaffinity(0, {SERVER_CORE})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@dataclass
class Program:
    """A running program and what can be read of it from outside."""

    process: subprocess.Popen[bytes]
    port: int
    said: IO[bytes]

    def cpu(self) -> float:
        """User and system seconds so far, those of ended threads included, to the nanosecond."""
        clock = (~self.process.pid << 3) | 2  # what clock_getcpuclockid(3) gives on Linux
        return time.clock_gettime(clock)

    def memory(self) -> int:
        """KiB that are resident now."""
        return self._status("VmRSS:")

    def peak_memory(self) -> int:
        """KiB that were resident at most."""
        return self._status("VmHWM:")

    def threads(self) -> int:
        return self._status("Threads:")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def words(self) -> str:
        """What it has written so far."""
        size = os.fstat(self.said.fileno()).st_size
        return os.pread(self.said.fileno(), size, 0).decode(errors="replace")  # it writes where we would seek

    def stop(self) -> None:
        """Interrupt it; kill it if it has not gone after four seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(4)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.said.close()

    def _status(self, key: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1])
        raise LookupError(key)


def start(
    command: Sequence[str], port: int, env: dict[str, str] | None = None, cwd: Path | None = None
) -> Program:
    """Start a program on the server's core; does not wait."""
    said = tempfile.TemporaryFile()
    cores = {SERVER_CORE} if (os.cpu_count() or 1) > 1 else {0}
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "RTSTREAM_ICE_ADDRESSES": "127.0.0.1", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return Program(process, port, said)


def wait_for_port(program: Program, pause: float = 0.02) -> None:
    """Return when the program takes connections.

    Raises:
        RuntimeError: it ended, or did not listen in time; with the end of what it wrote.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and program.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", program.port), 1):
            return
        time.sleep(pause)
    words = program.words()[-2000:]
    program.stop()
    raise RuntimeError(f"the server does not listen:\n{words}")


@contextlib.contextmanager
def serving(peer: Any) -> Iterator[Program]:
    """A peer's server, listening, for as long as the block lasts."""
    port = free_port()
    host = [peer.python, str(HERE / "harness" / "host.py")]
    program = start([*host, peer.app, "--port", str(port), "--loop", peer.loop], port, peer.env)
    wait_for_port(program)
    try:
        yield program
    finally:
        program.stop()
