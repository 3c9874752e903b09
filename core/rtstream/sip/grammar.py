"""What SIP headers are made of: URIs, addresses with names, vias, parameters (RFC 3261 §20, §25)."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from .message import listed

DEFAULT_PORT = 5060  # RFC 3261 §18.2.2: of a Via and a URI without one

_URI = re.compile(r"(sips?|tel):(?:([^@]*)@)?([^;?]*)(?:;([^?]*))?", re.I)
_HOST_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?")
_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*(\w+)\s+([^;]*)(.*)", re.I | re.S)
_PAIR = re.compile(r'([^\s=,]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]*)')


class Uri(NamedTuple):
    """A SIP or telephone URI: `user` is "" without one; a port that is not written is 0."""

    scheme: str
    user: str
    host: str
    port: int


class Via(NamedTuple):
    """The way that a request came: `transport` in capitals, and to where its answer goes (§18.2.1)."""

    transport: str
    host: str
    port: int
    branch: str
    rport: bool  # whether the answer is to go to the port that the request came from (RFC 3581)


def uri(text: str) -> Uri | None:
    """Read a URI; None for what is none."""
    found = _URI.match(text.strip())
    if found is None:
        return None
    scheme, user, place = found[1].lower(), found[2] or "", found[3]
    if scheme == "tel":
        return Uri(scheme, place, "", 0)
    host, port = host_port(place)
    return Uri(scheme, unquote(user.partition(":")[0].partition(";")[0]), host, port) if host else None


def address(value: str) -> tuple[str, dict[str, str]]:
    """The URI of a From, To, Contact or Route, and the parameters of the header (its tag among them).

    `"Alice" <sip:alice@example.com;transport=tcp>;tag=88` and `sip:alice@example.com;tag=88` are both
    allowed; in the second the parameters are the header's (§20.10).
    """
    rest = _unquoted(value)
    before, bracket, behind = rest.partition("<")
    if bracket:
        inside, _, more = behind.partition(">")
        return inside.strip(), parameters(more)
    place, _, more = before.partition(";")
    return place.strip(), parameters(more)


def tag(value: str) -> str:
    """The tag of a From or a To; "" without one."""
    return address(value)[1].get("tag", "")


def via(value: str) -> Via | None:
    """Read a Via; None for what is none."""
    found = _VIA.match(value.strip())
    if found is None:
        return None
    host, port = host_port(found[2].strip())
    if not host:
        return None
    said = parameters(found[3])
    return Via(found[1].upper(), host, port or DEFAULT_PORT, said.get("branch", ""), "rport" in said)


def parameters(text: str) -> dict[str, str]:
    """Parameters with semicolons between, their names in lower case; one without a value has ""."""
    found = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name.strip():
            found[name.strip().lower()] = value.strip().strip('"')
    return found


def credentials(value: str) -> dict[str, str]:
    """What stands behind `Digest`: pairs with commas between, quotes taken off; {} for another scheme."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return {}
    pairs = (_PAIR.match(part) for part in listed(rest))
    return {found[1].lower(): _plain(found[2]) for found in pairs if found is not None}


def host_port(text: str) -> tuple[str, int]:
    """A host and a port, 0 where none stands; the brackets of an IPv6 address are taken off."""
    found = _HOST_PORT.fullmatch(text.strip())
    if found is None or int(found[2] or 0) > 65535:
        return "", 0
    return found[1].strip("[]"), int(found[2] or 0)


def bracketed(host: str) -> str:
    """A host as it stands in a URI and a Via."""
    return f"[{host}]" if ":" in host else host


def _unquoted(value: str) -> str:
    """The value without the quoted name that it may begin with."""
    return re.sub(r'^\s*"(?:[^"\\]|\\.)*"', "", value)


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value
