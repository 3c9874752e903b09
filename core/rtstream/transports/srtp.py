"""SRTP of one direction (RFC 3711), by libsrtp as pylibsrtp calls it, with memory that serves all calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pylibsrtp

from .contract import SRTP
from .private_names import known

ROOM = 2048  # bytes: the longest packet of a network that carries 1500, and what protects it

_here = threading.local()  # the memory of this thread's calls: libsrtp is called without the GIL

Change = Callable[[bytes], bytes]


def protecting(session: pylibsrtp.Session) -> Change:
    """What encrypts a packet. It raises pylibsrtp.Error where libsrtp does."""
    return _changing(session, "srtp_protect") if known(SRTP) else session.protect


def unprotecting(session: pylibsrtp.Session) -> Change:
    """What decrypts a packet. It raises pylibsrtp.Error for one that was made by another, or comes again."""
    return _changing(session, "srtp_unprotect") if known(SRTP) else session.unprotect


def _changing(session: Any, name: str) -> Change:
    libsrtp: Any = pylibsrtp
    function, context = getattr(libsrtp.lib, name), session._srtp[0]
    if not hasattr(_here, "packet"):
        _here.packet, _here.size = libsrtp.ffi.new("char[]", ROOM), libsrtp.ffi.new("int *")
    packet, size = _here.packet, _here.size
    room = libsrtp.ffi.buffer(packet)

    def change(data: bytes, alive: Any = session) -> bytes:  # which frees the context when nobody holds it
        size[0] = length = len(data)
        room[:length] = data
        if error := function(context, packet, size):
            raise pylibsrtp.Error(f"libsrtp refused a packet (error {error})")
        changed: bytes = room[: size[0]]
        return changed

    return change
