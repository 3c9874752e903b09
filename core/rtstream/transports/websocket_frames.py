"""Messages of a WebSocket, each in one frame: cut from what comes and made for what goes (RFC 6455 §5.2)."""

from __future__ import annotations

TEXT, BINARY = 0x81, 0x82  # the first byte of a whole message that no extension has changed
CONTROL = 0x08  # the bit that opcodes of close, ping and pong have
MASKED = 0x80

Said = str | bytes


class Frames:
    """A stream of bytes, frame by frame.

    What a library has to look at comes out as it is: control frames, and from the first frame on that is no
    whole, plain and masked message of less than 64 KiB, all. `plain` is whether there was none such yet.
    """

    def __init__(self) -> None:
        self.plain = True
        self._data = b""
        self._at = 0

    def add(self, data: bytes) -> None:
        """Bytes that have come."""
        self._data, self._at = self._data[self._at :] + data, 0

    def next(self) -> tuple[Said | None, bytes] | None:
        """The next message, or None and bytes that a library has to look at; None until more has come."""
        data, at = self._data, self._at
        if len(data) < at + 4:
            return None
        first, size, begin = data[at], data[at + 1] - MASKED, at + 6
        if size == 126:
            size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 8
        elif not 0 <= size < 126:
            return self._leave()
        if not (first in (TEXT, BINARY) or first & CONTROL):
            return self._leave()
        if len(data) < (end := begin + size):
            return None
        self._at = end
        if first in (TEXT, BINARY):
            said = _said(first, unmasked(data[begin:end], data[begin - 4 : begin]))
            return said, data[at:end] if said is None else b""
        return None, data[at:end]

    def _leave(self) -> tuple[None, bytes]:
        self.plain = False
        return None, self.rest()

    def rest(self) -> bytes:
        """All that has come and has not been taken, which is forgotten here."""
        rest, self._data, self._at = self._data[self._at :], b"", 0
        return rest


def _said(first: int, data: bytes) -> Said | None:
    """A message; None for a text that is none, which a library has to refuse."""
    if first == BINARY:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def unmasked(data: bytes, key: bytes) -> bytes:
    """What a client has masked (§5.3), or the other way round."""
    size = len(data)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(keys, "little")).to_bytes(size, "little")


def framed(said: Said) -> bytes:
    """A message as a server sends it, in one frame."""
    first, data = (TEXT, said.encode()) if isinstance(said, str) else (BINARY, said)
    size = len(data)
    if size < 126:
        return bytes((first, size)) + data
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2, "big") + data
    return bytes((first, 127)) + size.to_bytes(8, "big") + data
