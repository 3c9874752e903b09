"""A test that measures time runs alone: no other one, of whatever process, runs beside it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__)
DOOR, ROOM = HERE, HERE.with_name("conftest.py")  # two files that are there: only their locks count


@contextmanager
def room(alone: bool, door: Path = DOOR, inside: Path = ROOM) -> Iterator[None]:
    """Be among the tests that run now; who wants to be alone waits until all have left, and none comes in.

    Between the processes of pytest-xdist; where there is only one, each test is alone anyway.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    with door.open() as shut, inside.open() as held:
        fcntl.flock(shut, fcntl.LOCK_EX)  # whoever waits to be alone lets nobody else in meanwhile
        fcntl.flock(held, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(shut, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(held, fcntl.LOCK_UN)  # and not by closing: a child that was forked has it open too
