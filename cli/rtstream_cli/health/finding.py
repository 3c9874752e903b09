"""What one look found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from rtstream.errors import MachineError, RtstreamError

Mark = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        name: what was looked at.
        mark: "ok"; "warn": calls work, but not as well as they could, or not for everybody; "fail": they do
            not work; "skip": it is not there, and need not be.
        said: what was seen, in words.
        fix: what to do about it.
        exit_code: of the command, if this failed.
    """

    name: str
    mark: Mark
    said: str
    fix: str = ""
    exit_code: int = MachineError.exit_code

    def as_dict(self) -> dict[str, Any]:
        """The finding as `--json` prints it."""
        document = asdict(self)
        del document["exit_code"]
        return document


def failed(name: str, error: RtstreamError) -> Finding:
    """What went wrong, as a finding."""
    said = f"{error.what}: {error.why}" if error.why else error.what
    return Finding(name, "fail", said, error.fix, error.exit_code)
