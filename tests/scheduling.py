"""Which tests run in one process, one after another, when several processes share them (pytest-xdist)."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# The tests of a browser, so that it is started once; and those of a wheel, so that it is built once.
TOGETHER = re.compile(r"tests/browser/.*\[.*?(?P<browser>chromium|firefox)|tests/packaging/test_wheel")


def group(test: str) -> str:
    """The name of what a test belongs to: itself, mostly."""
    found = TOGETHER.match(test)
    return found["browser"] or found[0] if found else test


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process its next test when it has finished one; what belongs together goes to one process.

    Not by `--dist loadgroup`: xdist 3.8 marks groups in a name that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
