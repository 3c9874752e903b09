"""The sockets of all calls in one event loop, read together when they are many, and what follows in steps."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from ..clock import TICK, shared_moment

MANY = 8  # sockets from which a look every `TICK` pays: of fewer, it would hardly find more than one packet
ROUNDS = 4  # times that a look reads one socket; the next look is then at once
AT_ONCE = 64  # sockets that one call of the kernel tells of

Take = Callable[[], None]  # reads once what has come, and says by `later` what is done with it
Then = Callable[..., None]  # takes a step of a call and what it is called with

_readers: dict[asyncio.AbstractEventLoop, SharedReader] = {}


class SharedReader:
    """Reads the sockets of many calls.

    A packet of a few calls is read when it comes. Of many calls one comes every moment, and each would
    wake the process, walk through the event loop and find the caches cold. So a look every `TICK` takes
    all that came meanwhile, and each step with a packet is done for all calls before the next one is for any:
    all are decrypted, all are decoded, all are heard, and so on, until what is sent because of it leaves.
    That goes on until a look finds nothing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._poll = select.epoll()
        self._sockets: dict[int, Take] = {}
        self._due: float | None = None  # the next look, while there is one at every tick
        self._steps: deque[Any] = deque()  # a step, what it is called with, the next step, and so on
        self._goes_on = False  # it walks, or will do so at the end of this turn of the loop or of the next
        loop.add_reader(self._poll.fileno(), self._came)

    def add(self, sock: socket.socket, take: Take) -> None:
        """Call `take` whenever something has come to a socket, from now on."""
        self._sockets[sock.fileno()] = take
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def remove(self, sock: socket.socket) -> None:
        """Leave a socket alone; without any this reader ends, once all steps are done."""
        del self._sockets[sock.fileno()]
        self._poll.unregister(sock.fileno())
        if not self._sockets:
            self._loop.call_soon(self._end)

    def _end(self) -> None:
        """End, unless a socket has come meanwhile: one that comes back finds its steps in their order."""
        if not self._sockets:
            self._walk()
        if self._sockets or self._poll.closed:
            return
        self._loop.remove_reader(self._poll.fileno())
        self._poll.close()
        self._due = None  # who still knows this one waits for nobody any more
        del _readers[self._loop]

    def later(self, step: Callable[..., None], *args: Any) -> None:
        """Do a step with what has just been read, once all that came is read."""
        self._steps.append(step)
        self._steps.append(args)

    def then(self, step: Callable[..., None], *args: Any) -> None:
        """Do a step of one call: at once, or while calls are many behind those steps that others wait for."""
        if self._due is None and not self._steps:
            return step(*args)
        self._steps.append(step)
        self._steps.append(args)
        if not self._goes_on:
            self._go_on_soon()

    def _go_on_soon(self) -> None:
        self._goes_on = True
        self._loop.call_soon(self._walk)

    def _walk(self) -> None:
        """Do all steps, and those that follow from them."""
        steps = self._steps
        self._goes_on = True
        try:
            while steps:
                step, args = steps.popleft(), steps.popleft()
                step(*args)
        finally:
            self._goes_on = False
            if steps:  # one raised
                self._go_on_soon()

    def _came(self) -> None:
        """Something has come, after a while of nothing or of little."""
        try:
            self._look()
        finally:
            if len(self._sockets) >= MANY:
                self._loop.remove_reader(self._poll.fileno())
                self._look_later()

    def _tick(self) -> None:
        if self._poll.closed or self._due is None:
            return
        looks = 1
        try:
            looks = self._look()
        finally:
            if not self._poll.closed:
                self._look_again(looks)

    def _look_again(self, looks: int) -> None:
        assert self._due is not None
        if not looks:
            self._due = None
            self._loop.add_reader(self._poll.fileno(), self._came)
        elif looks > ROUNDS:
            self._loop.call_soon(self._tick)
        else:
            self._look_later()

    def _look_later(self) -> None:
        self._due = shared_moment(self._loop.time() + TICK / 2)
        self._loop.call_at(self._due, self._tick)

    def _look(self) -> int:
        """Take what has come; how often there was something, one more than `ROUNDS` if there still is."""
        looks = 0
        while not self._poll.closed and (ready := self._poll.poll(0, AT_ONCE)):
            looks += 1
            if looks > ROUNDS:
                break
            for number, _ in ready:
                self._sockets[number]()
        self._walk()
        if looks and self._due is not None and not self._goes_on:
            self._go_on_soon()  # behind the tasks that were woken, which send in the next turn of the loop
        return looks


def reader_here() -> SharedReader | None:
    """The reader of the running loop; None where there is no epoll."""
    if not hasattr(select, "epoll"):
        return None
    loop = asyncio.get_running_loop()
    if (reader := _readers.get(loop)) is None:
        reader = _readers[loop] = SharedReader(loop)
    return reader


def another(sock: Any) -> socket.socket:
    """A socket of our own on what a transport of asyncio's or uvloop's has as its socket."""
    own = socket.socket(fileno=os.dup(sock.fileno()))
    own.setblocking(False)
    return own


def at_once(step: Callable[..., None], *args: Any) -> None:
    """Do a step of a call that shares no reader."""
    step(*args)
