"""Engines in processes of their own: one order, one answer; a process that hangs or dies is replaced."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from ..errors import HandlerHung
from .engines import failed

START_SECONDS = 60.0  # to load the models, on a machine that is busy
ANSWER_SECONDS = 15.0  # for a quarter of a second of sound, even on a machine that is busy
WAIT_SECONDS = 30.0  # for a process to become free


class Process:
    """One engine process. It ends with the program that started it, however that ends.

    Args:
        engine: its name, for errors.
        script: the program.
        words: its arguments.
    """

    def __init__(self, engine: str, script: Path, *words: str) -> None:
        self._engine = engine
        self._started = False
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        self._process = subprocess.Popen(
            # -P: the folder of the script is not searched for modules, so that no name there hides another
            [sys.executable, "-P", str(script), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        Thread(target=self._read, name=engine, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it can take orders."""
        return self._process.poll() is None

    def ask(self, do: str, sound: bytes | None = None, within: float = ANSWER_SECONDS, **more: Any) -> Any:
        """Give an order and return the answer.

        Raises:
            HandlerHung: there was none within so many seconds; the process has been ended.
            HandlerRaised: the engine failed, or its process has died.
        """
        order = {"do": do, **more} if sound is None else {"do": do, "bytes": len(sound)}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n" + (sound or b""))
            self._process.stdin.flush()
            line = self._answers.get(timeout=within if self._started else within + START_SECONDS)
        except Empty:
            self.kill()
            raise HandlerHung(
                f"the speech engine `{self._engine}` has not come back for {within:g} s",
                why="its process was ended, and the next turn gets a fresh one",
                fix="Look whether this machine is overloaded",
            ) from None
        except (OSError, ValueError):  # a broken pipe, or a closed one
            line = b""
        self._started = True
        answer = json.loads(line) if line else {"error": self._how_it_died()}
        if "error" in answer:
            raise failed(self._engine, answer["error"])
        return answer

    def kill(self) -> None:
        """End it at once, and wait until it has gone."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(OSError):  # what was not written yet cannot be any more
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout is not None and self._process.stdin is not None
        with self._process.stdout as lines:
            for line in lines:
                self._answers.put(line)
        self._answers.put(b"")  # nobody will answer any more

    def _how_it_died(self) -> str:
        self.kill()
        return f"its process ended with {self._process.returncode}"


class Pool:
    """Processes of one kind, started when they are needed.

    Args:
        engine: its name, for errors.
        script: the program.
        words: its arguments.
        most: how many may work at once; who comes later waits.
        kept: how many stay ready when nobody needs them.
    """

    def __init__(self, engine: str, script: Path, *words: str, most: int, kept: int) -> None:
        self._engine = engine
        self._script = script
        self._words = words
        self._kept = kept
        self._idle: list[Process] = []
        self._all: set[Process] = set()
        # A SimpleQueue waits in C, which the stepped clock takes for work, as it should.
        self._permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(most):
            self._permits.put(None)
        atexit.register(self.close)

    def take(self) -> Process:
        """A process of one's own until `give_back`.

        Raises:
            HandlerHung: all are at work and none becomes free.
        """
        try:
            self._permits.get(timeout=WAIT_SECONDS)
        except Empty:
            raise HandlerHung(
                f"no process of the speech engine `{self._engine}` has become free for {WAIT_SECONDS:g} s",
                why=f"all {len(self._all)} are at work",
                fix="Lower the stream's concurrency_limit, or use an engine that is quicker",
            ) from None
        with suppress(IndexError):
            while True:
                if (process := self._idle.pop()).alive:
                    return process
                self._all.discard(process)
        process = Process(self._engine, self._script, *self._words)
        self._all.add(process)
        return process

    def give_back(self, process: Process) -> None:
        """Let the next one have it."""
        if process.alive and len(self._idle) < self._kept:
            self._idle.append(process)
        else:
            self._all.discard(process)
            process.kill()
        self._permits.put(None)

    @contextmanager
    def taken(self) -> Iterator[Process]:
        """A process for as long as the block lasts; one that an error leaves behind is not used again."""
        process = self.take()
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            self.give_back(process)

    def close(self) -> None:
        """End all processes, those at work too."""
        self._idle.clear()
        while self._all:
            self._all.pop().kill()
