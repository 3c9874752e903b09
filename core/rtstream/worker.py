"""A thread for code that blocks, and the way to end it when it blocks for good."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from .clock import in_loop, waiting_at

T = TypeVar("T")


class Abandoned(BaseException):
    """Raised inside a handler's call that is still running when its session has ended."""


class _TimedOut(TimeoutError):
    """A TimeoutError of a call in the thread."""


_TimedOut.__name__ = TimeoutError.__name__  # as which it is told


class Worker(Executor):
    """One daemon thread that makes calls one after another, started by the first.

    `may_wait` says that a call may wait for media that is still to come, as `emit` does.

    A call that blocks for good cannot hold up the end of its session or of the program: `close` raises
    `Abandoned` in it, and wakes it when it waits in `threading` or `queue`, as the documented echo
    handlers do in `queue.get()`. One that sleeps or waits elsewhere ends when it next runs Python.
    """

    def __init__(self, name: str, *, may_wait: bool = False) -> None:
        self.may_wait = may_wait
        self._name = name
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._state = threading.Lock()  # a call neither begins nor ends while `close` looks at it
        self._closed = False
        self._busy = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        if self._closed:
            raise RuntimeError(f"{self._name} is closed")
        future: Future[T] = Future()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._calls.put(partial(self._make, future, partial(fn, *args, **kwargs)))
        return future

    async def run(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Call `fn` in the thread, in the caller's context; what it gives or raises comes through."""
        in_context = partial(contextvars.copy_context().run, fn, *args)
        return await asyncio.get_running_loop().run_in_executor(self, in_context)

    def close(self) -> None:
        """End the thread; a call that still runs is abandoned. Does not wait."""
        with self._state:
            if self._thread is None or self._closed:
                return
            self._closed = True
            self._calls.put(None)
            if self._busy:
                _abandon(self._thread)

    def _make(self, future: Future[T], call: Callable[[], T]) -> None:
        with self._state:
            if self._closed:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                return
            self._busy = True
        try:
            value = call()
        except Abandoned:
            raise
        except BaseException as error:  # the future carries it to whoever asked
            self._rest()
            future.set_exception(_portable(error))
        else:
            self._rest()
            future.set_result(value)

    def _rest(self) -> None:
        with self._state:
            self._busy = False

    def _run(self) -> None:
        try:
            while (call := self._calls.get()) is not None:
                call()
        except Abandoned:  # its session has ended, and nobody waits for what it would have given
            pass


def awaited(loop: asyncio.AbstractEventLoop, fn: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Await `fn()` in the loop, from a thread; one that is abandoned meanwhile leaves nothing behind there.

    `asyncio.run_coroutine_threadsafe` has told the loop before the thread can hold what would cancel it,
    and `Abandoned` may come between the two.
    """
    answer: Future[T] = Future()
    try:
        loop.call_soon_threadsafe(_answer, loop, fn, answer)
        return answer.result()
    finally:
        answer.cancel()


def _answer(
    loop: asyncio.AbstractEventLoop, fn: Callable[[], Coroutine[Any, Any, T]], answer: Future[T]
) -> None:
    """Let a task answer; it ends with who asks."""

    def tell(task: asyncio.Task[T]) -> None:
        if task.cancelled():
            answer.cancel()
        elif not answer.set_running_or_notify_cancel():
            return  # the thread was abandoned meanwhile
        elif (error := task.exception()) is None:
            answer.set_result(task.result())
        else:
            answer.set_exception(error)

    task = loop.create_task(fn())
    task.add_done_callback(tell)
    answer.add_done_callback(lambda _: in_loop(loop, task.cancel))


def _portable(error: BaseException) -> BaseException:
    """The error, or what stands for it where asyncio's futures cannot carry it as it is.

    They take no StopIteration (before Python 3.12), and make another TimeoutError, without the place
    where it was raised, of one that is just that.
    """
    if type(error) is TimeoutError:
        return _TimedOut(*error.args).with_traceback(error.__traceback__)
    if not isinstance(error, StopIteration):
        return error
    stand_in = RuntimeError("StopIteration: next() was called on something that had ended")
    stand_in.__cause__ = error
    return stand_in.with_traceback(error.__traceback__)


def _abandon(thread: threading.Thread) -> None:
    """Raise `Abandoned` in the thread, and wake it if it waits for another thread."""
    ident = thread.ident
    if ident is None:
        return
    id, error, waiter = ctypes.c_ulong(ident), ctypes.py_object(Abandoned), _waiter(ident)
    with suppress(RuntimeError):  # of a lock that another thread has released in this very moment
        ctypes.pythonapi.PyThreadState_SetAsyncExc(id, error)
        # At once, for under a tracer CPython 3.11 turns in circles at the next call until that thread runs.
        if waiter is not None and waiter.locked():
            waiter.release()
        elif (waiter := _waiter(ident)) is not None and waiter.locked():  # it began to wait meanwhile
            waiter.release()


def _waiter(ident: int) -> Any:
    """The lock at which a thread waits for another, if it does."""
    return waiting_at(sys._current_frames().get(ident))
