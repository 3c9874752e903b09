"""The network, or a service at its other end (exit code 5)."""

from __future__ import annotations

from .base import RtstreamError


class RemoteError(RtstreamError):
    """The network, or somebody at its other end."""

    code = "RT5000"
    exit_code = 5
    status = 502
    slug = "remote"


class ServerUnreachable(RemoteError):
    """Nobody answers at the address, or the answer is not one of ours."""

    code = "RT5001"
    slug = "server_unreachable"
