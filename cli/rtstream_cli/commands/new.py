"""`rtstream new`: a project that runs, tested before it is called done."""

from __future__ import annotations

from ..options import Context


def new(ctx: Context) -> None:
    """Make a project that runs at once."""
