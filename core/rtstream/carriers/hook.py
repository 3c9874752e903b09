"""A telephone number whose calls are led to us, and given back once, whatever ends the program."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import CarrierError


@dataclass(frozen=True)
class Number:
    """What a caller has to know.

    Attributes:
        number: to call.
        provider: whose it is.
        code: to type when the call is taken; "" when none is asked for.
        seconds_left: how long may still be called; None for no such limit.
        reset_date: when that begins anew.
    """

    number: str
    provider: str
    code: str = ""
    seconds_left: float | None = None
    reset_date: str = ""


class Hook(ABC):
    """Leads a number's calls to an address; blocking and safe in threads.

    Each step that changes something at the far end leaves its undoing in `_undo`. What was begun is
    finished before it is undone: a lock makes the two wait for each other.
    """

    name: str
    foreign = False  # whether its calls are signed with somebody else's secret, which is none to check by

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._undo: list[Callable[[], object]] = []
        self._over = False

    def lead(self, url: str) -> Number:
        """Lead the calls to a public address (no path); called again, to another one.

        Raises:
            CarrierError: one of its kinds.
        """
        with self._lock:
            if self._over:
                raise CarrierError(f"{self.name} is asked no more", why="the number was given back")
            return self._lead(url.rstrip("/"))

    def give_back(self, within: float = -1) -> None:
        """Undo everything, in reverse; the second time nothing.

        Args:
            within: seconds to wait for what has been begun; less than 0 for as long as it takes.

        Raises:
            CarrierError: the first that went wrong, after the others were done; or there was no time.
        """
        if not self._lock.acquire(timeout=within):
            raise CarrierError(f"{self.name} still answers", why=f"and is not waited for after {within:g} s")
        try:
            self._over = True
            failures = []
            while self._undo:
                try:
                    self._undo.pop()()
                except CarrierError as error:
                    failures.append(error)
            if failures:
                raise failures[0]
        finally:
            self._lock.release()

    @abstractmethod
    def _lead(self, url: str) -> Number: ...
