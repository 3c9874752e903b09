"""What goes wrong in a handler: told to its client, logged once, counted always."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..clock import Clock
from ..errors import HandlerHung, HandlerRaised, RtstreamError
from ..errors.where import place
from ..outputs import WebRTCError
from ..wire import messages
from ..worker import Abandoned

logger = logging.getLogger("rtstream.session")

KEPT = 20  # errors that are kept to be looked at
AGAIN = 1.0  # seconds before the client is told the same again
# Characters of an exception's text: some hold a whole answer of a web service. The client is told it three
# times in one message, which a data channel takes up to 64 KiB (RFC 8841 §6.1), each escaped as six at worst.
LONGEST_WORDS = 3000
# What is no error of the handler's: the person at the keyboard, and a coroutine that is thrown away. All else
# is, whatever it inherits from: what Rust extensions raise when they panic is a BaseException only.
GOES_ON = (KeyboardInterrupt, GeneratorExit, Abandoned)
HUNG_AFTER = 5.0  # seconds after which a call that should be quick is reported


class Edge:
    """Where one task of a session calls the user's code, again and again.

    It does for many calls what `Reports.watch` does for one, and costs less for each: it knows its task,
    and the timer that tells of a call which does not come back is set anew only when it has run out.

    Args:
        hangs: whether a call that takes too long is reported.
    """

    def __init__(self, reports: Reports, *, hangs: bool) -> None:
        self._reports = reports
        self._hangs = hangs
        self._loop, self._clock = asyncio.get_running_loop(), reports.clock
        self._task = asyncio.current_task()
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def call(self, fn: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Await `fn(*args)`; what it raises is reported as the user's error, and None is returned."""
        assert self._task is not None
        value, cancelled_before = None, self._task.cancelling()
        if self._hangs:
            self._since = self._clock.now()
            if self._timer is None:
                self._timer = self._loop.call_later(HUNG_AFTER, self._look)
        try:
            value = await fn(*args)
        except BaseException as error:
            if isinstance(error, GOES_ON):
                raise
            if not (isinstance(error, asyncio.CancelledError) and self._task.cancelling() > cancelled_before):
                self._reports.raised(error)
        self._since = None
        if self._task.cancelling() > cancelled_before:
            raise asyncio.CancelledError
        return value

    def close(self) -> None:
        """Look after nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return
        left = self._since + HUNG_AFTER - self._clock.now()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._since = None
            self._reports.hung("the handler")


class Reports:
    """The errors of one session."""

    def __init__(self, session_id: str, clock: Clock, send_text: Callable[[str], None]) -> None:
        self.errors: list[RtstreamError] = []
        self.count = 0
        self._id = session_id
        self.clock = clock
        self._send_text = send_text
        self._told: dict[str, float] = {}

    async def watch(
        self,
        call: Awaitable[Any],
        *,
        hangs: bool = False,
        failed: Callable[[BaseException], None] | None = None,
    ) -> Any:
        """The session's edge: await a call; what it raises goes to `failed`, and None is returned.

        By default that reports it as the user's error. `hangs` reports a call that takes too long. A
        cancellation that is not ours (the user's code awaited a task of its own that was cancelled) is
        an error like others; one that is ours goes on even if the user's code swallowed it.
        """
        timer = asyncio.get_running_loop().call_later(HUNG_AFTER, self.hung, "the handler") if hangs else None
        value, cancelled_before = None, _times_cancelled()
        try:
            value = await call
        except BaseException as error:
            if isinstance(error, GOES_ON):
                raise
            if not (isinstance(error, asyncio.CancelledError) and _times_cancelled() > cancelled_before):
                (failed or self.raised)(error)
        finally:
            if timer is not None:
                timer.cancel()
        if _times_cancelled() > cancelled_before:
            raise asyncio.CancelledError
        return value

    async def within(
        self, seconds: float, call: Awaitable[Any], failed: Callable[[BaseException], None] | None = None
    ) -> bool:
        """`watch` a call for so long at most, and say whether it came back; else it is cancelled."""
        called = asyncio.ensure_future(call)
        watching = asyncio.ensure_future(self.watch(called, failed=failed))
        try:
            done, _ = await asyncio.wait([watching], timeout=seconds)
            return bool(done)
        finally:
            watching.cancel()
            called.cancel()

    def raised(self, error: BaseException) -> None:
        """The user's code raised; the session goes on with the next frame or turn."""
        self.add(told(error), shown=not isinstance(error, WebRTCError))

    def hung(self, what: str) -> None:
        """The user's code did not come back in time."""
        self.add(
            HandlerHung(
                f"{what} has not come back for {HUNG_AFTER:g} s",
                why="media that comes meanwhile is dropped",
                fix="Do long work in a thread or task of its own, and give each wait a time limit",
            )
        )

    def broken(self, error: BaseException) -> None:
        """A part of the session itself failed."""
        self.count += 1
        logger.error("session %s failed", self._id, exc_info=error, extra={"session": self._id})

    def add(self, error: RtstreamError, *, shown: bool = True) -> None:
        """Count it, keep the first ones, log a new one with its traceback, and tell the client.

        Errors of one place in the user's code are the same one, whatever number is in their words.
        """
        self.count += 1
        if len(self.errors) < KEPT:
            self.errors.append(error)
        same = error.why if shown and isinstance(error, HandlerRaised) else error.what
        now, last = self.clock.now(), self._told.get(same)
        if last is not None and now - last < AGAIN:
            return
        self._told.pop(same, None)
        self._told[same] = now
        if len(self._told) > KEPT:
            del self._told[next(iter(self._told))]
        self._send_text(messages.error(error.what, error))
        if shown:
            level = logging.ERROR if last is None else logging.DEBUG
            logger.log(
                level, "%s: %s", error.code, error.what, exc_info=error.__cause__, extra={"session": self._id}
            )


def told(error: BaseException) -> RtstreamError:
    """What the user's code raised, as one of our errors, with its cause."""
    if isinstance(error, RtstreamError):
        return error
    if isinstance(error, WebRTCError):
        return HandlerRaised(error.message)
    where = place(error)  # by the name of its file: the client is told, and need not know where that lies
    words = _words(error)
    report = HandlerRaised(
        words if len(words) <= LONGEST_WORDS else f"{words[:LONGEST_WORDS]} …",
        why=f"{type(error).__name__} at {where}" if where else type(error).__name__,
        fix="Mend the handler; the connection goes on with the next frame",
    )
    report.__cause__ = error
    return report


def _words(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # an error that cannot even say what it is
        return type(error).__name__


@contextmanager
def users_code() -> Iterator[None]:
    """Whatever is raised inside comes out as one of our errors.

    Raises:
        RtstreamError
    """
    try:
        yield
    except RtstreamError:
        raise
    except Exception as error:
        raise told(error) from error


def outcome(step: Callable[..., Any], *args: Any) -> tuple[Any, BaseException | None]:
    """What a step of the user's code gave, or what it raised, for whoever raises that where it belongs."""
    try:
        return step(*args), None
    except BaseException as error:
        return None, error


def _times_cancelled() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
