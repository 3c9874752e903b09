"""What binds a call's socket to its webhook: a ticket in the socket's address, sealed and short-lived."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import astuple
from hashlib import sha256
from typing import NamedTuple

from ..context import Call

SECONDS = 120  # from the webhook's answer to the socket: carriers take one or two
LONGEST = 2048  # characters; ours have about 300


class Ticket(NamedTuple):
    """What a ticket holds: the call, and a number that no other ticket has, however its text is written."""

    call: Call
    number: str


def seal(call: Call, keys: Iterable[str], now: float) -> str:
    """A ticket for a call, fit for an address; what it tells cannot be read or changed without the keys.

    Args:
        call: what the webhook told of it.
        keys: the carriers' secrets. With none of them nothing is verified, and the ticket only carries
            the numbers, out of sight of access logs.
        now: seconds since 1970.
    """
    from cryptography.fernet import Fernet

    told = json.dumps([*astuple(call), secrets.token_urlsafe(8)], separators=(",", ":"))
    return Fernet(_key(keys)).encrypt_at_time(told.encode(), int(now)).decode().rstrip("=")


def unseal(ticket: str, keys: Iterable[str], now: float) -> Ticket | None:
    """What is in a ticket; None if it is forged, older than two minutes or of other keys."""
    from cryptography.fernet import Fernet, InvalidToken

    if len(ticket) > LONGEST:
        return None
    try:
        sealed = (ticket + "=" * (-len(ticket) % 4)).encode()
        told = Fernet(_key(keys)).decrypt_at_time(sealed, SECONDS, int(now))
    except InvalidToken:
        return None
    *call, number = json.loads(told)
    return Ticket(Call(*call), number)


def _key(keys: Iterable[str]) -> bytes:
    joined = "\0".join(["rtstream ticket", *sorted(keys)])
    return urlsafe_b64encode(sha256(joined.encode()).digest())
