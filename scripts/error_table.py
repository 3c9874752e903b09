"""Write docs/errors.md from rtstream.errors, or say with --check that it is out of date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from rtstream.errors import ConnectionRefused, RtstreamError

PAGE = Path(__file__).parent.parent / "docs/errors.md"

HEAD = """\
# Errors

<!-- Written by scripts/error_table.py from core/rtstream/errors/: change it there. -->

Every error of rtstream says what is wrong, why, and what to do about it, and has a code that never changes
its meaning. The command line prints it like this, and ends with the exit code of the table:

```text
error[RT3001]: `handler.py` has no `nope` in it
  why: the file defines `echo` and `main`
  fix: rtstream serve handler.py:echo
```

With `--json` it is `{"error": {"code", "what", "why", "fix"}}` on stderr. A route answers with the HTTP
status of the table and `{"status": "failed", "meta": {"error": slug, "code", "what", "why", "fix"}}`; a
WebSocket sends that as text and closes with the close code. Connected clients get
`{"type": "error", "message", "code", "why", "fix"}`.

| exit code | means |
|---|---|
| 0 | it worked |
| 1 | a check said no |
| 2 | the command, its configuration or its input cannot be |
| 3 | the handler could not be loaded, or raised |
| 4 | this machine: a busy port, something that is not installed or not there yet |
| 5 | the network, or somebody at its other end |
| 6 | everything ran, but no media came out |
| 130 | interrupted |

| code | name | what happened | exit code | HTTP status | slug | close code |
|---|---|---|---|---|---|---|
"""


def every(kind: type[RtstreamError] = RtstreamError) -> Iterator[type[RtstreamError]]:
    """The class and all that derive from it, in the order in which they are written down."""
    yield kind
    for derived in kind.__subclasses__():
        if derived.__module__.startswith("rtstream.errors."):
            yield from every(derived)


def row(kind: type[RtstreamError]) -> str:
    meaning = (kind.__doc__ or "").partition("\n")[0].rstrip(".")
    if kind is RtstreamError:
        meaning = "Something went wrong inside rtstream"
    close = str(kind.close_code) if issubclass(kind, ConnectionRefused) else ""
    cells = [kind.code, f"`{kind.__name__}`", meaning, kind.exit_code, kind.status, f"`{kind.slug}`", close]
    return "| " + " | ".join(map(str, cells)) + " |\n"


def page() -> str:
    return HEAD + "".join(row(kind) for kind in sorted(every(), key=lambda kind: kind.code))


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/errors.md is out of date: run `python scripts/error_table.py`")
