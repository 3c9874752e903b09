"""What every error has: a code, a reason, a way out, and its place on the command line and in HTTP."""

from __future__ import annotations

from typing import Any, ClassVar


class RtstreamError(Exception):
    """What happened (one sentence, no full stop), why, and what to do; `meta` are more keys of the JSON."""

    code: ClassVar[str] = "RT1000"
    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal_error"
    close_code: ClassVar[int] = 1011  # of a WebSocket, RFC 6455 §7.4.1

    def __init__(self, what: str, *, why: str = "", fix: str = "", **meta: Any) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix
        self.meta = meta

    def as_dict(self) -> dict[str, Any]:
        """The error as the command line's `--json` prints it."""
        return {"code": self.code, "what": self.what, "why": self.why, "fix": self.fix, **self.meta}

    def body(self) -> dict[str, Any]:
        """The error as a JSON answer, in FastRTC's shape and more."""
        return {"status": "failed", "meta": {"error": self.slug, **self.as_dict()}}


class NoMediaOut(RtstreamError):
    """Everything ran, but nothing could be heard or seen at the end."""

    code = "RT6001"
    exit_code = 6
    slug = "no_media_out"
