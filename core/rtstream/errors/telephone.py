"""A telephone carrier, or somebody who says to be one, asked for something that it may not have."""

from __future__ import annotations

from .connection import ConnectionRefused


class CallNotVerified(ConnectionRefused):
    """A carrier's webhook or socket does not prove that it comes from the carrier."""

    code = "RT5130"
    status = 403
    slug = "call_not_verified"
