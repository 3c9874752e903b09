"""SIP over a stream: where one message ends and the next begins (RFC 3261 §18.3)."""

from __future__ import annotations

from ..errors import BadMessage
from .message import MOST_BYTES, canonical, content_length, split

PING, PONG = b"\r\n\r\n", b"\r\n"  # RFC 5626 §3.5.1: whoever keeps a connection open asks and is answered


class Framer:
    """The bytes of one connection, cut into messages.

    Bytes of at most one message wait for the rest of it. `pings` counts the empty lines that ask whether
    anybody is there.
    """

    def __init__(self) -> None:
        self.pings = 0
        self._kept = b""

    @property
    def waiting(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._kept.strip())

    def push(self, data: bytes) -> list[bytes]:
        """Take bytes; the messages that are whole now.

        Raises:
            BadMessage: nobody can tell where the next message begins; the connection is to be closed.
        """
        self._kept += data
        whole = []
        while (message := self._next()) is not None:
            whole.append(message)
        return whole

    def _next(self) -> bytes | None:
        self._drop_empty_lines()
        head, body = split(self._kept)
        if len(head) == len(self._kept):  # its end has not come
            if len(self._kept) > MOST_BYTES:
                raise BadMessage("the head of a SIP message does not end")
            return None
        size = _length(head)
        start = len(self._kept) - len(body)
        if len(body) < size:
            return None
        message, self._kept = self._kept[: start + size], self._kept[start + size :]
        return message

    def _drop_empty_lines(self) -> None:
        stripped = self._kept.lstrip(b"\r\n")
        self.pings += self._kept[: len(self._kept) - len(stripped)].count(PING)
        # What is shorter may be the first half of one.
        self._kept = stripped or (self._kept if len(self._kept) < len(PING) else b"")


def _length(head: bytes) -> int:
    """The bytes of the body; over a stream every message tells them (§20.14)."""
    for line in head.decode(errors="replace").splitlines():
        name, colon, value = line.partition(":")
        if colon and canonical(name.strip()) == "content-length":
            return content_length(value)
    raise BadMessage("a SIP message over a stream does not tell its Content-Length")
