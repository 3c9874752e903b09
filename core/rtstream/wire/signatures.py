"""How carriers prove that a request is theirs: each scheme checked, without a network and without a clock."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

STALE_AFTER = 300.0  # seconds by which a stamp may differ from our clock, either way (Telnyx' own libraries)
HASHES = {"HMAC_SHA1": sha1, "HMAC_SHA256": sha256}
SIGNALWIRE = "x-signalwire-signature"
PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80}

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """A request as a carrier has signed it.

    Attributes:
        method: "GET" or "POST"; a socket's handshake is a GET.
        urls: under which the carrier may know us, each whole, with its query.
        headers: with names in lower case.
        query, form: the pairs of the address and of the body, in their order.
        body: as it came.
    """

    method: str
    urls: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Pairs = ()
    form: Pairs = ()
    body: bytes = b""

    def header(self, *names: str) -> str:
        """The first of these headers that is there, or ""."""
        return next((self.headers[name] for name in names if name in self.headers), "")


def twilio_signature(token: str, url: str, pairs: Pairs = (), algorithm: str = "HMAC_SHA1") -> str:
    """What Twilio signs (twilio.com/docs/usage/security): the address, then the form's fields by name."""
    signed = url + "".join(name + value for name, value in sorted(set(pairs)))
    return b64encode(hmac.digest(token.encode(), signed.encode(), HASHES[algorithm])).decode()


def signed_by_twilio(token: str, request: Request, now: float) -> bool:
    """Whether Twilio has signed a request. Its scheme has no time."""
    return _signed_as_twilio_does(token, request, "x-twilio-signature")


def signed_by_signalwire(key: str, request: Request, now: float) -> bool:
    """Whether SignalWire has signed a request, as Twilio does (signalwire.com/docs, "Webhook security")."""
    return _signed_as_twilio_does(key, request, SIGNALWIRE)


def _signed_as_twilio_does(token: str, request: Request, header: str) -> bool:
    told = request.header("x-twilio-webhooks-signature-settings")
    named = [part.partition("=")[2] for part in told.split(",") if part.strip().startswith("algorithm=")]
    algorithm = (named[0].strip() if named else "").upper() or "HMAC_SHA1"
    if algorithm not in HASHES:
        return False
    pairs = request.form
    query = parse_qs(urlsplit(request.urls[0]).query)
    if "bodySHA256" in query and not pairs:
        if not _same(sha256(request.body).hexdigest(), query["bodySHA256"][0]):
            return False
    return _any_same(
        request.header(header),
        (twilio_signature(token, url, pairs, algorithm) for each in request.urls for url in _ports(each)),
    )


def signed_by_telnyx(public_key: str, request: Request, now: float) -> bool:
    """Whether Telnyx has signed a request: ed25519 over the time and the body, at most five minutes ago."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    stamp = request.header("telnyx-timestamp")
    if not _fresh(stamp, now):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(public_key))
        key.verify(
            b64decode(request.header("telnyx-signature-ed25519")), stamp.encode() + b"|" + request.body
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def plivo_signature(token: str, method: str, url: str, nonce: str, form: Pairs = ()) -> str:
    """What Plivo signs (plivo.com/docs/voice/concepts/signature-validation), its third version."""
    parts = urlsplit(url)
    query = _sorted(parse_qs(parts.query, keep_blank_values=True))
    fields = _sorted(_grouped(form)) if method == "POST" else []
    signed = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    if query or fields:
        signed += "?" + "&".join(f"{name}={value}" for name, value in query)
    if query and fields:
        signed += "."
    signed += "".join(name + value for name, value in fields) + "." + nonce
    return b64encode(hmac.digest(token.encode(), signed.encode(), sha256)).decode()


def signed_by_plivo(token: str, request: Request, now: float) -> bool:
    """Whether Plivo has signed a request. Its scheme has a nonce, but no time."""
    nonce = request.header("x-plivo-signature-v3-nonce")
    given = request.header("x-plivo-signature-v3", "x-plivo-signature-ma-v3")
    ours = [plivo_signature(token, request.method, url, nonce, request.form) for url in request.urls]
    return bool(nonce) and any(_any_same(one.strip(), ours) for one in given.split(","))


def signed_by_vonage(secret: str, request: Request, now: float) -> bool:
    """Whether Vonage has signed a request: a JWT with HS256, at most five minutes old, over the content.

    Source: developer.vonage.com/getting-started/concepts/webhooks, "Decoding signed webhooks".
    """
    claims = jwt_claims(secret, request.header("authorization").removeprefix("Bearer "))
    if claims is None or not _fresh(claims.get("iat"), now) or now > _number(claims.get("exp", now)):
        return False
    content = request.body
    if request.method == "GET":
        content = json.dumps(dict(request.query), separators=(",", ":"), ensure_ascii=False).encode()
    promised = claims.get("payload_hash")
    return promised is None or _same(sha256(content).hexdigest(), str(promised))


def jwt_claims(secret: str, token: str) -> dict[str, Any] | None:
    """The claims of a JWT that is signed with HS256 and that secret (RFC 7519); None for any other."""
    head, _, signature = token.rpartition(".")
    try:
        header, claims = (json.loads(_unpadded(part)) for part in head.split("."))
        given = _unpadded(signature)
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or header.get("alg") != "HS256" or not isinstance(claims, dict):
        return None
    ours = hmac.digest(secret.encode(), head.encode(), sha256)
    return claims if hmac.compare_digest(ours, given) else None


def signed_by_exotel(credentials: str, request: Request, now: float) -> bool:
    """Whether a request carries the "user:password" that stands in the address at Exotel."""
    return _same("Basic " + b64encode(credentials.encode()).decode(), request.header("authorization"))


def once_only(carrier: str, request: Request) -> str | None:
    """What a verified request of that carrier may say once: signed, so that a replay says the same.

    None for those whose requests may be alike: Twilio's, whose sockets are signed too, and Exotel's.
    """
    match carrier:
        case "signalwire":
            return request.header(SIGNALWIRE)  # over the call's id too, so that no two calls have the same
        case "telnyx":
            return request.header("telnyx-timestamp") + sha256(request.body).hexdigest()
        case "plivo":
            return request.header("x-plivo-signature-v3-nonce")
        case "vonage":
            return request.header("authorization").rpartition(".")[0]
        case _:
            return None


SIGNED_BY: Mapping[str, Callable[[str, Request, float], bool]] = {
    "twilio": signed_by_twilio,
    "signalwire": signed_by_signalwire,
    "telnyx": signed_by_telnyx,
    "plivo": signed_by_plivo,
    "vonage": signed_by_vonage,
    "exotel": signed_by_exotel,
}


def _ports(url: str) -> tuple[str, str]:
    """The address with its port and without: carriers sign either."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    bare = host if parts.port is None else host.rpartition(":")[0]
    port = parts.port or PORTS.get(parts.scheme, 443)
    return tuple(urlunsplit(parts._replace(netloc=user + at + one)) for one in (bare, f"{bare}:{port}"))  # type: ignore[return-value]


def _grouped(pairs: Pairs) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _sorted(values: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name in sorted(values) for value in sorted(values[name])]


def _fresh(stamp: Any, now: float) -> bool:
    return abs(now - _number(stamp)) <= STALE_AFTER


def _number(value: Any) -> float:
    """The number that it is or says; else one that is long past."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _same(ours: str, given: str) -> bool:
    return hmac.compare_digest(ours.encode(), given.encode())


def _any_same(given: str, ours: Any) -> bool:
    same = [_same(one, given) for one in ours]  # all of them, so that it takes the same time
    return any(same)
