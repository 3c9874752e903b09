"""A process of the command's own, spoken with in lines of JSON, which ends when the command does."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from rtstream.errors import RtstreamError

GRACE = 4.0  # seconds in which a process that was told to end may do so
LINE = 64 * 1024 * 1024  # bytes of a line: the delays of many calls are one
LOOPBACK = ("RTSTREAM_ICE_ADDRESSES", "127.0.0.1")  # the addresses of calls that stay on this machine

Words = dict[str, Any]


class Ended(Exception):
    """The process has ended by itself, with this exit code, and has told why on stderr."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Child:
    """Such a process, as the command has it. Its stderr is the command's own.

    Args:
        process: it.
        name: how it is called.
        failure: what it is when it fails without a word.
    """

    def __init__(self, process: asyncio.subprocess.Process, name: str, failure: type[RtstreamError]) -> None:
        self._process, self._name, self._failure = process, name, failure

    @classmethod
    async def start(cls, module: str, failure: type[RtstreamError] = RtstreamError, **wish: Any) -> Child:
        """Start the module of that name in this folder, and tell it what is wanted.

        What is wanted goes by its stdin, where no other user of the machine reads it; `-P`, so that no file
        of the working folder stands in the place of a module of Python's. Ctrl-C reaches the command alone.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", f"{__package__}.{module}"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=LINE,
        )
        child = cls(process, module, failure)
        await child.tell(**wish)
        return child

    async def tell(self, **words: Any) -> None:
        """Say a line. One that has ended is told nothing: whoever listens to it learns that."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(words).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            pass

    async def hear(self, limit: float) -> Words:
        """Its next line.

        Raises:
            Ended: it has ended with an error that it has told.
            RtstreamError: it has ended without a word, or says nothing for so many seconds.
        """
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(limit):
                words: Words = json.loads(await self._process.stdout.readline() or "{}")
                code = 0 if words else await self._process.wait()
        except TimeoutError:
            raise self._failure(
                f"the process of the {self._name} has said nothing for {limit:g} s",
                why="the machine is too busy, or the handler holds up everything",
                fix="Ask for fewer calls with --calls",
            ) from None
        if "ended" in words:
            raise Ended(words["ended"])
        if words:
            return words
        raise self._failure(
            f"the process of the {self._name} has ended in the middle of its work",
            why=f"its exit code is {code}; a negative one is the signal that ended it",
            fix="See whether the handler does so; if memory ran out, ask for fewer calls with --calls",
        )

    async def ask(self, limit: float, **words: Any) -> Words:
        """Say a line and hear the answer."""
        await self.tell(**words)
        return await self.hear(limit)

    async def end(self) -> None:
        """Let it end, and kill it if it does not."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(GRACE):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Channel:
    """The same, as the process has it: its stdin and stdout, which nobody else reads and writes from here on.

    What other code prints goes to stderr, and what it reads is empty.
    """

    def __init__(self) -> None:
        self._requests = open(os.dup(0), encoding="utf-8")
        self._answers = open(os.dup(1), "w", encoding="utf-8")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)

    def wish(self) -> Words:
        """What is wanted: the first line."""
        words: Words = json.loads(self._requests.readline() or "{}")
        return words

    def say(self, **words: Any) -> None:
        """Say a line to the command; what nobody hears any more is lost."""
        try:
            self._answers.write(json.dumps(words) + "\n")
            self._answers.flush()
        except BrokenPipeError:
            pass

    def last(self, code: int) -> int:
        """Say with which exit code this process ends, now that it has told why."""
        self.say(ended=code)
        return code

    def heed(self, take: Callable[[Words], None], end: Callable[[], None]) -> None:
        """From now on let a thread `take` each further line, and `end` when the command is gone."""

        def read() -> None:
            for line in self._requests:
                take(json.loads(line))
            end()

        threading.Thread(target=read, name="rtstream-channel", daemon=True).start()


def cores() -> list[int]:
    """The processors that this process may run on; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def keep_to(wanted: list[int]) -> None:
    """Run on these processors only, if there are any."""
    if wanted:
        os.sched_setaffinity(0, wanted)
