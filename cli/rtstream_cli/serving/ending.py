"""The end of a server that was told to stop: in good order if it can, at once if it must."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from ..console import console
from ..edge import INTERRUPTED

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 0.3  # seconds in which a signal is still the first one: `timeout` sends it to us and to our group
GRACE = 2.0  # seconds after the drain limit in which handlers may clean up


class Ending:
    """Hears SIGINT, SIGTERM and SIGHUP even while the event loop, or the thread it runs in, is blocked.

    The first signal sets `asked`; the second ends the process, and so does time: `drain` seconds
    and `GRACE` after the first. The kernel's signal writes a byte into a socket (`set_wakeup_fd`),
    and a thread reads it there, so no Python of the blocked thread has to run.

    `last` is called before the process is ended from here, in a thread and without the loop: what the
    outside must be told.

    Make it in the main thread, inside the running loop: some loops put a socket of their own in
    this place when they start.
    """

    def __init__(self, drain: float, last: Callable[[], None] | None = None) -> None:
        self.asked = asyncio.Event()
        self._last = last or _do_nothing
        self._limit = drain + GRACE
        self._loop = asyncio.get_running_loop()
        self._bell, self._button = socket.socketpair()
        self._button.setblocking(False)
        self._first = ask_for_the_end(_do_nothing)
        signal.set_wakeup_fd(self._button.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, name="rtstream-ending", daemon=True).start()

    def _watch(self) -> None:
        self._heard(self._first, None)
        asked = time.monotonic()
        self._loop.call_soon_threadsafe(self.asked.set)
        while self._heard(SIGNALS, asked + self._limit):
            if time.monotonic() - asked > ECHO:
                self._last()
                os._exit(INTERRUPTED)
        console.warn("the server did not come to its end by itself", why=stuck_at() or "a handler blocks")
        self._last()
        os._exit(0)

    def _heard(self, signals: Collection[int], deadline: float | None) -> bool:
        """Wait for one of these signals; False when the deadline has passed without one."""
        try:
            while True:
                self._bell.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.001))
                if self._bell.recv(1)[0] in signals:
                    return True
        except TimeoutError:
            return False


def ask_for_the_end(hear: Callable[..., Any]) -> list[signal.Signals]:
    """Have every signal that asks for the end heard, and say which they are.

    SIGHUP is a closed terminal. It is left alone where it is ignored, as under `nohup`; and it is never the
    second signal, that of somebody who does not want to wait: the kernel and the shell may both send one.
    """
    asking = [*SIGNALS]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        asking.append(signal.SIGHUP)
    for number in asking:
        signal.signal(number, hear)
    return asking


def _do_nothing(*_: object) -> None:
    """Stands where Python's own reaction to a signal would: the thread does what is to be done."""


def end_with(pipe: int) -> None:
    """End this process when the other end of a pipe is closed: when its parent is gone, however it went."""

    def wait() -> None:
        os.read(pipe, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="rtstream-parent", daemon=True).start()


def stuck_at() -> str:
    """Where in the user's code the main thread stands; empty when it is elsewhere."""
    from .. import tracebacks

    return tracebacks.of_thread(threading.main_thread())
