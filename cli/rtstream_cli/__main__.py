"""The way in: the program `rtstream`, and `python -m rtstream_cli` where that is not on the path."""

from __future__ import annotations

from typing import NoReturn


def run() -> NoReturn:
    """Run the command line; Ctrl-C ends it quietly even while it is being loaded."""
    try:
        from .app import run as begin
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    begin()


if __name__ == "__main__":
    run()
