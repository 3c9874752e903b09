"""SIP messages, read from bytes that anybody may have made, and written (RFC 3261 §7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from ..errors import BadMessage

VERSION = "SIP/2.0"
MOST_BYTES = 16_384  # of a message: an INVITE of many codecs has 3,000
MOST_HEADERS = 200
MOST_LINE = 4096  # characters of a header, its folded lines together

COMPACT = {  # RFC 3261 §7.3.3 and the registry of header fields
    "b": "referred-by",
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}
SEVERAL = {"via", "route", "record-route", "contact", "require", "supported", "proxy-require", "allow"}
NEEDED = ("via", "from", "to", "call-id", "cseq")  # RFC 3261 §8.1.1; Max-Forwards is missed by nobody

REASONS = {  # RFC 3261 §21, where HTTP has none or another
    100: "Trying",
    180: "Ringing",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    505: "Version Not Supported",
}


@dataclass(frozen=True)
class Message:
    """What requests and responses have: headers as `(name, value)`, as they were written, and a body."""

    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    _index: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in self.headers:
            known = canonical(name)
            values = listed(value) if known in SEVERAL else [value]
            self._index.setdefault(known, []).extend(values)

    def get(self, name: str) -> str:
        """The first value of a header, by its long name in lower case; "" without one."""
        values = self._index.get(name)
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        """All values of a header, those of a list each for itself."""
        return self._index.get(name, [])

    @property
    def call_id(self) -> str:
        return self.get("call-id")

    @property
    def cseq(self) -> tuple[int, str]:
        """The number and the method of the CSeq; 0 where it has none that can be."""
        number, _, method = self.get("cseq").strip().partition(" ")
        is_one = number.isascii() and number.isdigit() and len(number) <= 10
        return (int(number) if is_one else 0), method.strip()

    @property
    def content_type(self) -> str:
        """The type of the body, in lower case and without parameters."""
        return self.get("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Request(Message):
    """A request; `method` in capitals, as they are told apart (RFC 3261 §7.1)."""

    method: str = ""
    uri: str = ""


@dataclass(frozen=True)
class Response(Message):
    """A response."""

    status: int = 0
    reason: str = ""


def canonical(name: str) -> str:
    """The long name of a header, in lower case."""
    lower = name.lower()
    return COMPACT.get(lower, lower)


def listed(value: str) -> list[str]:
    """The parts of a list with commas, which may stand inside quotes and angle brackets too."""
    parts, start, quoted, inside = [], 0, False, False
    at = 0
    while at < len(value):
        character = value[at]
        if quoted:
            at += character == "\\"  # it escapes what follows
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character in "<>":
            inside = character == "<"
        elif character == "," and not inside:
            parts.append(value[start:at].strip())
            start = at + 1
        at += 1
    return [part for part in (*parts, value[start:].strip()) if part]


def parse(data: bytes) -> Request | Response:
    """Read one whole message, as a datagram holds it.

    Raises:
        BadMessage: it is none.
    """
    if len(data) > MOST_BYTES:
        raise BadMessage(f"a SIP message has {len(data)} bytes, more than {MOST_BYTES}")
    head, body = split(data.lstrip(b"\r\n"))  # RFC 3261 §7.5: empty lines before it are no part of it
    first, *lines = _unfolded(head)
    headers = tuple(map(_header, lines))
    length = next((value for name, value in headers if canonical(name) == "content-length"), None)
    if length is not None:
        size = content_length(length)
        if size > len(body):
            raise BadMessage(f"a SIP message of {len(body)} bytes says that it has {size}")
        body = body[:size]
    message = _begun(first, headers, body)
    for name in NEEDED:
        if not message.get(name):
            raise BadMessage(f"a SIP message without `{name}`")
    return message


def split(data: bytes) -> tuple[bytes, bytes]:
    """The head of a message and what is behind it; lines may end without a carriage return."""
    head, found, body = data.partition(b"\r\n\r\n")
    if found:
        return head, body
    head, _, body = data.partition(b"\n\n")
    return head, body


def content_length(value: str) -> int:
    """What a Content-Length says.

    Raises:
        BadMessage: it is no number, or more than any honest message has.
    """
    stripped = value.strip()
    if not (stripped.isascii() and stripped.isdigit()) or len(stripped) > 9 or int(stripped) > MOST_BYTES:
        raise BadMessage(f"a Content-Length is {value!r:.40}")
    return int(stripped)


def _unfolded(head: bytes) -> list[str]:
    """The lines of a head; those that begin with a space go on with the one before (RFC 3261 §7.3.1)."""
    try:
        lines = head.decode().replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise BadMessage("the head of a SIP message is not UTF-8") from None
    unfolded: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and unfolded:
            unfolded[-1] += " " + line.strip()
        else:
            unfolded.append(line)
    if len(unfolded) > MOST_HEADERS or any(len(line) > MOST_LINE for line in unfolded):
        raise BadMessage("the head of a SIP message is longer than any honest one")
    return unfolded


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t")
    if not colon or not name or not _is_token(name) or not value.isprintable() and "\t" not in value:
        raise BadMessage(f"a header of a SIP message is {line!r:.80}")
    return name, value.strip()


def _begun(first: str, headers: tuple[tuple[str, str], ...], body: bytes) -> Request | Response:
    parts = first.rstrip().split(" ", 2)
    if len(parts) < 2 or not first.isprintable():
        raise BadMessage(f"a SIP message begins with {first!r:.80}")
    if parts[0].upper() == VERSION:
        if not (parts[1].isascii() and parts[1].isdigit() and 100 <= int(parts[1][:4]) <= 699):
            raise BadMessage(f"the status of a SIP response is {parts[1]!r:.40}")
        return Response(headers, body, status=int(parts[1]), reason=" ".join(parts[2:]))
    if len(parts) != 3 or not _is_token(parts[0]) or not parts[2].upper().startswith("SIP/"):
        raise BadMessage(f"a SIP message begins with {first!r:.80}")
    if parts[2].upper() != VERSION:
        raise BadMessage(f"the version of a SIP message is {parts[2]!r:.40}")
    return Request(headers, body, method=parts[0], uri=parts[1])


def _is_token(text: str) -> bool:
    return text.isascii() and all(character.isalnum() or character in "-.!%*_+`'~" for character in text)


def serialised(first: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """A message as bytes; its Content-Length is added."""
    lines = [first, *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status_line(status: int) -> str:
    """The first line of a response."""
    reason = REASONS.get(status) or HTTPStatus(status).phrase
    return f"{VERSION} {status} {reason}"
