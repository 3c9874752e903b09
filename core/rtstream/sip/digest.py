"""Who may call: those who know the password (RFC 3261 §22, RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any

from .grammar import credentials
from .message import Request

REALM = "rtstream"
NONCE_SECONDS = 60.0  # for a person's telephone to answer a challenge; it knows the password

_HASHES: dict[str, Callable[[bytes], Any]] = {"sha-256": hashlib.sha256, "md5": hashlib.md5}


class Gate:
    """Challenges, and the proofs that answer them.

    A nonce is good for a minute and for one Call-ID from one host, so nothing has to be remembered of those
    who ask, and who overhears a call cannot make another one.

    Args:
        password: that all callers share; they may use any name.
    """

    def __init__(self, password: str) -> None:
        self._password = password
        self._key = secrets.token_bytes(32)

    def challenge(self, request: Request, host: str, now: float) -> list[tuple[str, str]]:
        """The headers of a 401, the better algorithm first (RFC 8760 §2.4)."""
        nonce = self._nonce(request.call_id, host, int(now))
        return [
            ("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{nonce}", algorithm={name}, qop="auth"')
            for name in ("SHA-256", "MD5")
        ]

    def admits(self, request: Request, host: str, now: float) -> bool:
        """Whether a request proves that its sender knows the password."""
        return any(
            self._proves(credentials(value), request, host, now) for value in request.all("authorization")
        )

    def _proves(self, said: dict[str, str], request: Request, host: str, now: float) -> bool:
        made = said.get("nonce", "").partition(".")[0]
        if (
            not (made.isascii() and made.isdigit())
            or len(made) > 12
            or not 0 <= now - int(made) <= NONCE_SECONDS
        ):
            return False
        nonce = self._nonce(request.call_id, host, int(made))
        # The `uri` is the one that was dialled: a proxy on the way puts its own into the request (RFC 3261
        # §16.6), and every name leads to the same handler.
        if not _same(said["nonce"], nonce):
            return False
        proof = self._proof(said, request.method)
        return proof != "" and _same(said.get("response", "").lower(), proof)

    def _proof(self, said: dict[str, str], method: str) -> str:
        """What the response must be; "" for an algorithm that nobody was asked for."""
        algorithm = _HASHES.get(said.get("algorithm", "md5").lower())
        if algorithm is None:
            return ""

        def hashed(*parts: str) -> str:
            return str(algorithm(":".join(parts).encode()).hexdigest())

        who = hashed(said.get("username", ""), REALM, self._password)
        what = hashed(method, said.get("uri", ""))
        if "qop" not in said:  # as RFC 2069 had it
            return hashed(who, said["nonce"], what)
        return hashed(who, said["nonce"], said.get("nc", ""), said.get("cnonce", ""), said["qop"], what)

    def _nonce(self, call_id: str, host: str, made: int) -> str:
        sealed = hmac.new(self._key, f"{made}\n{host}\n{call_id}".encode(), hashlib.sha256)
        return f"{made}.{sealed.hexdigest()[:32]}"


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
