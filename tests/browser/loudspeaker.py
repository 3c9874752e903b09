"""A loudspeaker of software: without one Firefox runs no AudioContext, and so measures no level."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

PROGRAM = shutil.which("pulseaudio")


class Loudspeaker:
    """A sound server with a sink that leads nowhere.

    Args:
        folder: an empty one, for its socket; `PULSE_SERVER` is its address.
    """

    def __init__(self, folder: Path) -> None:
        assert PROGRAM is not None
        socket = folder / "native"
        modules = ["module-null-sink", f"module-native-protocol-unix auth-anonymous=1 socket={socket}"]
        self._process = subprocess.Popen(
            [PROGRAM, "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"]
            + [f"--load={module}" for module in modules],
            env={**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < deadline, "pulseaudio has not started"
            time.sleep(0.02)
        self.environment = {"PULSE_SERVER": f"unix:{socket}"}

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
