"""The course of `rtstream bench`: a server, callers beside it, one call to begin with, then step by step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from rtstream.errors import HandlerError, UsageError

from . import measuring
from .channel import Child, Ended, Words, cores
from .ladder import Tried, next_calls
from .verdict import Step, limit_ms, verdict_on

START_SECONDS = 120.0  # for loading a handler: models are read from disk then
CALL_SECONDS = 180.0  # for the first call, and for those of a step to come about
APART = 0.05  # seconds between the beginnings of two calls at least: keys are agreed on then, which costs
WARM_SECONDS = 1.0  # between the last call's beginning and the seconds that count
BUDGET = 45.0  # seconds after which no further step is begun, where nobody says which
GONE_SECONDS = 8.0  # in which those of the step before are to be gone
GLANCE = 0.1  # seconds between two looks whether they are
ELSEWHERE_SECONDS = 1.0  # after which they are taken to be, where nobody can look
MOST_PROCESSES = 4  # of callers: as many cores of them load one of a server in any way
FAR = {"most": None, "time_limit": None, "rates": (48000, None)}  # of a server that tells nothing of itself


@dataclass(frozen=True)
class Wish:
    """What is wanted.

    Attributes:
        target: the handler, as it was named; None for the project's own.
        url: the address of a running server in its place.
        modality, mode: as they were given.
        words: what stood behind `--`.
        way: how callers come. `file`: what they say.
        calls: the steps; empty for those of the ladder.
        seconds: of a step that count, at least.
        most_ms: how late answers may be; None for what suits the handler.
        surroundings: what its processes are to know of the command: `config`, `color`, `json`.
    """

    target: str | None
    url: str | None
    modality: str | None
    mode: str | None
    words: list[str]
    way: str
    file: str
    calls: tuple[int, ...]
    seconds: float
    most_ms: float | None
    surroundings: Words


@dataclass
class Course:
    """What is known so far.

    Attributes:
        wish: what is wanted.
        before: called with what is done next, in words.
        target: the name of what is measured.
        trial: what one call told of it.
        most_ms: how late answers may be.
        most: how many calls the server lets in.
        pinned: whether the server has a core of its own.
        steps: those that were measured.
    """

    wish: Wish
    before: Callable[[str], None]
    target: str = ""
    trial: Words = field(default_factory=dict)
    most_ms: float | None = None
    most: int | None = None
    pinned: bool = False
    steps: list[Step] = field(default_factory=list)
    _time_limit: float | None = None
    _empty: float = 0.0  # KiB of the server before the first step
    _sound: float = 0.0  # seconds of it that came back in a second of that step's call

    async def run(self) -> None:
        """Measure.

        Raises:
            Ended: a process has ended with an error that it has told.
            RtstreamError: what else went wrong.
        """
        own = cores()
        self.pinned = len(own) > 1 and self.wish.url is None
        async with self._server(own[:1] if self.pinned else []) as (server, told):
            self.target, self.most, self._time_limit = told["target"], told["most"], told["time_limit"]
            async with self._callers(own[1:] if self.pinned else [], told) as callers:
                self.before("one call, to see what the handler does")
                self.trial = await self._tried(server, callers[0])
                await self._measure(server, callers)

    async def _tried(self, server: Child | None, caller: Child) -> Words:
        """What the first call tells; if it failed because the server has ended, that is what went wrong."""
        try:
            return await caller.hear(CALL_SECONDS)
        except Ended:
            await _use(server)
            raise

    @asynccontextmanager
    async def _server(self, core: list[int]) -> AsyncIterator[tuple[Child | None, Words]]:
        """The server and what it tells of itself; None and what was said of it, where it runs elsewhere."""
        wish = self.wish
        if wish.url is not None:
            mode = wish.mode or "send-receive"
            yield None, {**FAR, "target": wish.url, "url": wish.url, "mode": mode}
            return
        self.before("the handler is loaded")
        asked = {name: getattr(wish, name) for name in ("target", "modality", "mode", "words")}
        server = await Child.start("server", HandlerError, cores=core, **asked, **wish.surroundings)
        try:
            told = await server.hear(START_SECONDS)
            if told["modality"] != "audio":
                raise UsageError(
                    f"`{told['target']}` takes pictures",
                    why="callers that load a core with pictures would need several of their own; "
                    "sound is what this command measures",
                    fix="Name a handler of sound, or see how a call goes: rtstream test-file FILE --via all",
                )
            yield server, told
        finally:
            await server.end()

    @asynccontextmanager
    async def _callers(self, core: list[int], told: Words) -> AsyncIterator[list[Child]]:
        """The callers' processes, each on a core of its own if the system says which there are."""
        wish, callers = self.wish, list[Child]()
        asked = {name: told[name] for name in ("url", "mode", "rates")} | {"here": wish.url is None}
        try:
            for number in range(min(max(len(core), 1), MOST_PROCESSES)):
                mine, first = core[number : number + 1], number == 0
                child = await Child.start(
                    "callers",
                    **(asked | {"cores": mine, "first": first, "way": wish.way, "file": wish.file}),
                    **wish.surroundings,
                )
                callers.append(child)
            yield callers
        finally:
            await asyncio.gather(*(child.end() for child in callers))

    async def _measure(self, server: Child | None, callers: list[Child]) -> None:
        begun = time.monotonic()
        self._empty = await self._emptied(server)
        planned = [1, *(calls for calls in self.wish.calls if calls != 1)] if self.wish.calls else None
        while (calls := self._next(planned)) is not None:
            if planned is None and time.monotonic() - begun > BUDGET:
                return
            self.before("1 call" if calls == 1 else f"{calls} calls")
            self.steps.append(await self._step(calls, server, callers))
            await self._emptied(server)
            last = self.steps[-1]
            if last.cause == "limit" and planned is None:
                self.most = max(calls - last.refused - last.gone, 0)

    async def _emptied(self, server: Child | None) -> float:
        """Wait until all calls are gone, so that their places are free; returns the memory of the server."""
        if server is None:
            await asyncio.sleep(ELSEWHERE_SECONDS)
            return 0.0
        begun = time.monotonic()
        while True:
            use = await _use(server)
            if not use["live"] or time.monotonic() - begun > GONE_SECONDS:
                return float(use["memory"])
            await asyncio.sleep(GLANCE)

    def _next(self, planned: Sequence[int] | None) -> int | None:
        if planned is not None:
            return planned[len(self.steps)] if len(self.steps) < len(planned) else None
        tried = [Tried(step.calls, step.held, step.cores) for step in self.steps]
        return next_calls(tried, self.most)

    async def _step(self, calls: int, server: Child | None, callers: list[Child]) -> Step:
        """So many calls, begun one after another, so that no two say the same at the same time."""
        trial, seconds = self.trial, self.wish.seconds
        apart = max(trial["period"] / calls, APART)
        begins = [apart * number for number in range(calls)]
        shares = [begins[one :: len(callers)] for one in range(len(callers))]
        busy = [(child, share) for child, share in zip(callers, shares, strict=True) if share]
        await _all(child.ask(begins[-1] + CALL_SECONDS, trial=trial, delays=share) for child, share in busy)
        await asyncio.sleep(WARM_SECONDS)
        before = await _use(server)
        limit = seconds + trial["period"] + CALL_SECONDS
        efforts = await _all(child.ask(limit, seconds=seconds) for child, _ in busy)
        after = await _use(server)
        heard = await _all(child.ask(CALL_SECONDS) for child, _ in busy)
        step = measuring.heard_by(heard, efforts, calls)
        if server is not None:
            step = self._with_memory(measuring.used_by(step, before, after), after)
        step = self._with_share(step, heard, before, after)
        assert self.most_ms is not None
        held, cause, why = verdict_on(step, self.most_ms, self._time_limit)
        return replace(step, held=held, cause=cause, why=why)

    def _with_memory(self, step: Step, use: Words) -> Step:
        """The step with the memory of a call; behind one of as many calls without: theirs is used again."""
        if any(one.calls >= step.calls for one in self.steps):
            return step
        return replace(step, memory_kib=max(round((use["memory"] - self._empty) / step.calls), 0))

    def _with_share(self, step: Step, heard: Sequence[Words], before: Words, after: Words) -> Step:
        """The step with the share of the sound that came through; others are held to that of the first."""
        manner, sound = self.trial["manner"], measuring.sound_of(heard, step)
        if not self.steps:
            self._sound = sound
            self.most_ms = self.wish.most_ms or limit_ms(manner, step.p50_ms)
        if manner == "turns":
            share = measuring.answered(step)
        elif manner == "nothing":
            share = measuring.taken_in(step, before, after)
        else:
            share = sound / self._sound if self._sound else 0.0
        return replace(step, came_back=None if share is None else round(share, 3))


async def _use(server: Child | None) -> Words:
    return await server.ask(CALL_SECONDS) if server is not None else {}


async def _all(asked: Iterable[Coroutine[Any, Any, Words]]) -> list[Words]:
    return await asyncio.gather(*asked)
