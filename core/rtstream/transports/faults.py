"""What aioice and aiortc raise on datagrams that no honest client sends: all of these were seen."""

from __future__ import annotations

import struct

FAULTS = (
    struct.error,
    ValueError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,
    TypeError,
    OSError,
    ArithmeticError,
)
