"""Keys that are told by INFO, as telephones without RFC 4733 do."""

from __future__ import annotations

import re

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"
KEYS = "0123456789*#ABCD"

_SIGNAL = re.compile(r"^\s*signal\s*=\s*(\S+)", re.I | re.M)


def pressed(content_type: str, body: bytes) -> str | None:
    """The key that a body tells of, "" for one that is none; None when it is about something else."""
    text = body.decode("ascii", errors="replace")
    if content_type == RELAY:
        found = _SIGNAL.search(text)
        return _key(found[1]) if found is not None else ""
    return _key(text.strip()) if content_type == PLAIN else None


def _key(said: str) -> str:
    """A key, by its sign or by its number as an event of RFC 4733."""
    if said.isascii() and said.isdigit() and len(said) == 2 and int(said) < len(KEYS):
        return KEYS[int(said)]
    key = said.upper()
    return key if len(key) == 1 and key in KEYS else ""
