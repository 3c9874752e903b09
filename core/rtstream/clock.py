"""Time, handed in: a clock that asks its event loop, and a loop whose time only moves when nobody works.

On an ordinary loop `Clock` is real time. Inside `run_stepped` the same code runs on a `StepLoop`: each
wait ends at once, as soon as nothing else is left to do, and time jumps to the moment that was waited
for. So a minute of media passes in well under a second and comes out the same each time. Work in
threads is waited for in real time while the stepped time stands still, and a loop that talks to the
network falls back to real time for as long as its sockets are open.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import sys
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

# Seconds. No ear hears them, and they divide the 20 ms of a packet, so that each call keeps its rhythm.
TICK = 0.010
GRACE = 0.05  # how long, in real seconds, a call that may wait for media is taken to think
GLANCE = 0.0001  # real seconds between two looks at a thread
LOOKS = 100  # so many must find it asleep, or it was held up, by this process or by a busy machine


class Clock:
    """Seconds that only grow, read from the running event loop."""

    now: Callable[[], float]
    """The present moment, in seconds since some moment in the past."""

    def __init__(self) -> None:
        self.now = self._first_asked

    def _first_asked(self) -> float:
        """Find out how the loop that runs tells the time, and keep that: a packet asks several times."""
        loop = asyncio.get_running_loop()
        # What asyncio's loops say is documented to be this, and takes three calls.
        plain = type(loop).time is asyncio.BaseEventLoop.time
        self.now = time.monotonic if plain else loop.time
        return self.now()

    def wall(self) -> float:
        """Seconds since 1970, for protocols that name a moment to others; never for a wait."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)

    async def sleep_until(self, when: float) -> None:
        """Wait for the moment `when`; return at once if it has passed."""
        if (remaining := when - self.now()) > 0:
            await asyncio.sleep(remaining)


def shared_moment(when: float, step: float = TICK) -> float:
    """The first moment from `when` on that is a multiple of `step` by the event loop's time.

    All calls of a loop have these moments in common. Who can wait for one is woken together with the others:
    to wake costs more than what most are woken for.
    """
    return math.ceil(when / step - 1e-6) * step  # which is no more than rounding


def wall_time() -> float:
    """Seconds since 1970, as others stamp what they send us."""
    return time.time()


async def pass_turn() -> None:
    """Let everybody else in the loop have a turn."""
    await asyncio.sleep(0)


def in_loop(loop: asyncio.AbstractEventLoop, fn: Callable[..., Any], *args: Any) -> None:
    """Call `fn` in the loop, from any thread: at once if it is the running one, never if it is closed."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is loop:
        fn(*args)
    elif not loop.is_closed():
        loop.call_soon_threadsafe(fn, *args)


def run_stepped(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on stepped time and return what it returns."""
    with asyncio.Runner(loop_factory=StepLoop) as runner:
        return runner.run(main)


class StepLoop(asyncio.SelectorEventLoop):
    """An event loop whose time moves only when nobody works."""

    def __init__(self) -> None:
        self._selector_of_steps = _StepSelector()
        super().__init__(self._selector_of_steps)
        self._selector_of_steps.idle_sockets = len(self._selector_of_steps.get_map())

    def time(self) -> float:
        return self._selector_of_steps.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        await super().shutdown_default_executor()  # without a limit, for stepped seconds are over at once

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        job = _Job(func, may_wait=getattr(executor, "may_wait", False))
        future = super().run_in_executor(executor, job, *args)
        job.line = self._default_executor if executor is None else executor  # type: ignore[attr-defined]
        self._selector_of_steps.jobs.add(job)
        future.add_done_callback(lambda _: self._selector_of_steps.jobs.discard(job))
        return future


class _Job:
    """A call in a thread, and what can be told of it from outside."""

    def __init__(self, func: Callable[..., Any], *, may_wait: bool) -> None:
        self.line: Any = None
        self._func = func
        self._may_wait = may_wait
        self._thread: int | None = None
        self._native_thread = 0
        self._since = 0.0
        self._looks = 0

    def __call__(self, *args: Any) -> Any:
        self._since, self._native_thread = time.monotonic(), threading.get_native_id()
        self._thread = threading.get_ident()
        return self._func(*args)

    def waits_for(self, jobs: Collection[_Job]) -> Any:
        """What stands for the wait that the call is in, if only media or time can end it, or None."""
        if self._thread is None:  # it has no thread yet: it may stand in line behind calls that wait
            before = [job for job in jobs if job.line is self.line and job._thread is not None]
            if len(before) < getattr(self.line, "_max_workers", 1):  # no, a thread is about to take it
                return None
            return next((wait for job in before if (wait := job.waits_for(jobs)) is not None), None)
        frame = sys._current_frames().get(self._thread)
        if stands_in_threading(frame):  # and will run, if it has been notified: it has not thought yet
            self._since, self._looks = time.monotonic(), 0
            return waiting_at(frame)
        self._looks += self._may_wait and sleeps(self._native_thread)
        return self if self._looks > LOOKS and time.monotonic() - self._since > GRACE else None


def sleeps(native_thread: int) -> bool:
    """Whether a thread has nothing to run and waits for no disk; True where the system does not tell.

    Its state stands behind its name: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        with open(f"/proc/self/task/{native_thread}/stat", "rb") as told:
            return told.read().rpartition(b") ")[2][:1] not in b"RD"
    except OSError:
        return True


def stands_in_threading(frame: Any) -> bool:
    """Whether a thread waits in `threading` (a queue, an event, a future), or is about to wake there."""
    if frame is None:
        return False
    return bool(frame.f_code.co_name == "wait" and frame.f_globals.get("__name__") == "threading")


def waiting_at(frame: Any) -> Any:
    """The lock at which a thread waits in `threading`, each time another; None if it has been notified.

    A condition takes whom it notifies out of its list before that thread has run, so this cannot be
    wrong for one that is about to wake.
    """
    if not stands_in_threading(frame) or _starts_another(frame):
        return None
    waiter, condition = frame.f_locals.get("waiter"), frame.f_locals.get("self")
    return waiter if waiter in getattr(condition, "_waiters", ()) else None


def _starts_another(frame: Any) -> bool:
    """Whether it waits for a thread to begin that it has started: that needs a processor, and no media."""
    event = frame.f_back  # `Event.wait`, which waits at a condition
    return bool(event and event.f_back and event.f_back.f_code is threading.Thread.start.__code__)


class _StepSelector(selectors.BaseSelector):
    """Stands where the loop waits: lets time jump when there is nothing real to wait for."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()
        self.now = 0.0
        self.jobs: set[_Job] = set()
        self.idle_sockets = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = self._inner.select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if self.jobs:
            events = self._wait_for_jobs()
            if events:
                return events
        if len(self._inner.get_map()) > self.idle_sockets:
            return self._wait_for_real(timeout)
        if timeout is None:  # nobody waits for time, so it stands still until a thread says something
            return self._inner.select(GRACE)
        self.now += timeout
        return []

    def _wait_for_jobs(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait until a thread is done, or until all are parked."""
        # The second look finds one that was seen to wait, and woken before who woke it was seen to wait.
        while None in (waits := self._waits()) or waits != self._waits():
            time.sleep(GLANCE)  # epoll counts in milliseconds, and this lets the threads run
            if events := self._inner.select(0):
                return events
        return self._inner.select(0)

    def _waits(self) -> list[Any]:
        """What each call waits for, or None."""
        return [job.waits_for(self.jobs) for job in self.jobs]

    def _wait_for_real(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        begun = time.monotonic()
        events = self._inner.select(GRACE if timeout is None else timeout)
        self.now += time.monotonic() - begun
        return events

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def close(self) -> None:
        self._inner.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()
