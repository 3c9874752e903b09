"""This machine lacks something or has it in use (exit code 4)."""

from __future__ import annotations

from .base import RtstreamError


class MachineError(RtstreamError):
    """This machine lacks something or has it in use."""

    code = "RT4000"
    exit_code = 4
    slug = "machine"


class PortBusy(MachineError):
    """Somebody else listens on the port."""

    code = "RT4001"
    slug = "port_busy"


class MissingExtra(MachineError):
    """An optional part of rtstream is not installed."""

    code = "RT4002"
    slug = "missing_extra"


class ToolMissing(MachineError):
    """A program of somebody else's that is needed is not on this machine."""

    code = "RT4004"
    slug = "tool_missing"
