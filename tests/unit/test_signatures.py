"""How carriers prove who they are: against Twilio's own validator, and against rules written down apart."""

from __future__ import annotations

import hmac
import json
import random
import string
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rtstream.wire.signatures import (
    STALE_AFTER,
    Request,
    jwt_claims,
    once_only,
    plivo_signature,
    signed_by_exotel,
    signed_by_plivo,
    signed_by_signalwire,
    signed_by_telnyx,
    signed_by_twilio,
    signed_by_vonage,
    twilio_signature,
)

URL = "https://voice.example.com/telephone/incoming"
NOW = 1_800_000_000.0


def random_text(
    dice: random.Random, alphabet: str = string.ascii_letters + string.digits + " +-_.~ü€&=%"
) -> str:
    return "".join(dice.choice(alphabet) for _ in range(dice.randint(0, 12)))


def random_url(dice: random.Random) -> str:
    port = dice.choice(["", "", ":8443", ":443", ":80", ":5000"])
    query = urlencode([(random_text(dice), random_text(dice)) for _ in range(dice.randint(0, 2))])
    path = dice.choice(["", "/", "/telephone/incoming", "/a/b%20c"])
    return f"{dice.choice(['https', 'http'])}://{dice.choice(['a.example', '127.0.0.1'])}{port}{path}" + (
        f"?{query}" if query else ""
    )


def test_2000_random_cases_agree_with_twilios_own_validator() -> None:
    validator = pytest.importorskip("twilio.request_validator").RequestValidator
    dice, verdicts = random.Random(5), []
    for _ in range(2000):
        token, url = random_text(dice), random_url(dice)
        fields = {random_text(dice): random_text(dice) for _ in range(dice.randint(0, 6))}
        algorithm = dice.choice(["HMAC_SHA1", "HMAC_SHA256"])
        theirs = validator(token)
        signature = theirs.compute_signature(url, fields, algorithm)
        assert twilio_signature(token, url, list(fields.items()), algorithm) == signature
        match dice.randint(0, 4):  # and now something is forged, or the port is left out or added
            case 0:
                fields["extra"] = "x"
            case 1:
                signature = b64encode(sha256(signature.encode()).digest()).decode()
            case 2:
                parts = urlsplit(url)
                port = {"https": 443, "http": 80}[parts.scheme]
                host = parts.hostname or ""
                url = parts._replace(netloc=host if parts.port else f"{host}:{port}").geturl()
            case 3:
                algorithm = dice.choice(["HMAC_SHA1", "HMAC_SHA256", "HMAC_MD5"])
        headers = {
            "x-twilio-signature": signature,
            "x-twilio-webhooks-signature-settings": f"key=webhooks_sharedkey_1,algorithm={algorithm}",
        }
        request = Request("POST", (url,), headers, form=list(fields.items()))
        verdicts.append(signed_by_twilio(token, request, NOW))
        assert verdicts[-1] == theirs.validate(url, fields, signature, algorithm), (url, fields, algorithm)
    assert 500 < sum(verdicts) < 1900


def test_a_body_of_json_is_bound_by_its_hash() -> None:
    validator = pytest.importorskip("twilio.request_validator").RequestValidator
    body = b'{"a": 1}'
    url = f"{URL}?bodySHA256={sha256(body).hexdigest()}"
    signature = validator("secret").compute_signature(url, {})
    for said, valid in ((body, True), (b'{"a": 2}', False)):
        request = Request("POST", (url,), {"x-twilio-signature": signature}, body=said)
        assert signed_by_twilio("secret", request, NOW) is valid
        assert validator("secret").validate(url, said.decode(), signature) is valid


def test_fields_that_come_twice_are_signed_once_each() -> None:
    signed = twilio_signature("secret", URL, [("a", "2"), ("a", "1"), ("a", "2")])
    assert signed == twilio_signature("secret", URL + "a1a2")


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        (URL, True),
        ("https://voice.example.com:443/telephone/incoming", True),
        ("https://[2001:db8::1]:443/telephone/incoming", False),
        ("https://evil.example.com/telephone/incoming", False),
    ],
)
def test_any_address_under_which_we_are_known_will_do(url: str, valid: bool) -> None:
    headers = {"x-twilio-signature": twilio_signature("secret", url)}
    urls = ("http://voice.example.com/telephone/incoming", URL)
    assert signed_by_twilio("secret", Request("GET", urls, headers), NOW) is valid


def test_an_address_of_figures_is_taken_with_its_port_and_without() -> None:
    signature = twilio_signature("secret", "https://user@[2001:db8::1]/x")
    request = Request("GET", ("https://user@[2001:db8::1]:443/x",), {"x-signalwire-signature": signature})
    assert signed_by_signalwire("secret", request, NOW)
    assert not signed_by_twilio("secret", request, NOW)


@pytest.mark.parametrize("given", ["", "x", "ü", "AAAA" * 7])
def test_a_forged_or_absent_signature_of_twilio_is_none(given: str) -> None:
    assert not signed_by_twilio("secret", Request("POST", (URL,), {"x-twilio-signature": given}), NOW)
    assert not signed_by_twilio("secret", Request("POST", (URL,)), NOW)


# Telnyx.

KEY = Ed25519PrivateKey.generate()
PUBLIC = b64encode(KEY.public_key().public_bytes_raw()).decode()


def telnyx(body: bytes, stamp: str, key: Ed25519PrivateKey = KEY) -> Request:
    signature = b64encode(key.sign(stamp.encode() + b"|" + body)).decode()
    return Request(
        "POST", (URL,), {"telnyx-timestamp": stamp, "telnyx-signature-ed25519": signature}, body=body
    )


@pytest.mark.parametrize(
    ("request_", "now", "valid"),
    [
        (telnyx(b"CallSid=v3", str(int(NOW))), NOW, True),
        (telnyx(b"CallSid=v3", str(int(NOW))), NOW + STALE_AFTER + 1, False),
        (telnyx(b"CallSid=v3", str(int(NOW))), NOW - STALE_AFTER - 1, False),
        (telnyx(b"CallSid=v3", str(int(NOW)), Ed25519PrivateKey.generate()), NOW, False),
        (telnyx(b"CallSid=v3", "yesterday"), NOW, False),
        (Request("POST", (URL,)), NOW, False),
        (
            Request("POST", (URL,), {"telnyx-timestamp": str(NOW), "telnyx-signature-ed25519": "x"}),
            NOW,
            False,
        ),
    ],
)
def test_telnyx_signs_its_time_and_the_body(request_: Request, now: float, valid: bool) -> None:
    assert signed_by_telnyx(PUBLIC, request_, now) is valid
    assert not signed_by_telnyx("no key", request_, now)


# Plivo. The signed texts are those of Plivo's own library, version 4.63, written out by hand.


@pytest.mark.parametrize(
    ("method", "url", "form", "signed"),
    [
        ("POST", "https://a.example/x", [], "https://a.example/x.n"),
        ("POST", "https://a.example/x", [("b", "2"), ("a", "1")], "https://a.example/x?a1b2.n"),
        ("POST", "https://a.example/x?q=1", [("b", "2")], "https://a.example/x?q=1.b2.n"),
        ("POST", "https://a.example/x?q=2&q=1&p=", [], "https://a.example/x?p=&q=1&q=2.n"),
        ("GET", "https://a.example/x?b=2&a=1%20c", [("ignored", "x")], "https://a.example/x?a=1 c&b=2.n"),
        ("GET", "https://a.example/x", [], "https://a.example/x.n"),
    ],
)
def test_plivo_signs_the_sorted_query_and_form_and_its_nonce(
    method: str, url: str, form: Any, signed: str
) -> None:
    expected = b64encode(hmac.digest(b"secret", signed.encode(), sha256)).decode()
    assert plivo_signature("secret", method, url, "n", form) == expected
    headers = {"x-plivo-signature-v3-nonce": "n", "x-plivo-signature-v3": f"other, {expected}"}
    assert signed_by_plivo("secret", Request(method, (url,), headers, form=form), NOW)
    assert not signed_by_plivo("another", Request(method, (url,), headers, form=form), NOW)
    assert not signed_by_plivo("secret", Request(method, (url,), {"x-plivo-signature-v3": expected}), NOW)
    assert not signed_by_plivo("secret", Request(method, (url,)), NOW)


# Vonage.


def packed(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(claims: Any, secret: str = "secret", alg: str = "HS256") -> str:
    head = f"{packed({'alg': alg, 'typ': 'JWT'})}.{packed(claims)}"
    signature = hmac.digest(secret.encode(), head.encode(), sha256)
    return f"{head}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def vonage(token: str, method: str = "POST", body: bytes = b"", query: Any = ()) -> Request:
    return Request(method, (URL,), {"authorization": f"Bearer {token}"}, query=query, body=body)


BODY = b'{"from":"447700900000"}'
QUERY = [("from", "44"), ("to", "ü")]


@pytest.mark.parametrize(
    ("request_", "valid"),
    [
        (vonage(jwt({"iat": NOW})), True),
        (vonage(jwt({"iat": NOW, "payload_hash": sha256(BODY).hexdigest()}), body=BODY), True),
        (vonage(jwt({"iat": NOW, "payload_hash": sha256(BODY).hexdigest()}), body=BODY + b" "), False),
        (
            vonage(
                jwt({"iat": NOW, "payload_hash": sha256('{"from":"44","to":"ü"}'.encode()).hexdigest()}),
                "GET",
                query=QUERY,
            ),
            True,
        ),
        (vonage(jwt({"iat": NOW, "exp": NOW + 1})), True),
        (vonage(jwt({"iat": NOW, "exp": NOW - 1})), False),
        (vonage(jwt({"iat": NOW - 2 * STALE_AFTER})), False),
        (vonage(jwt({"iat": None})), False),
        (vonage(jwt({})), False),
        (vonage(jwt({"iat": NOW}, "another")), False),
        (vonage(jwt({"iat": NOW}, alg="none")), False),
        (vonage(jwt([])), False),
        (vonage("a.b.c"), False),
        (vonage(""), False),
        (vonage("ü.ü.ü"), False),
        (vonage(jwt({"iat": NOW}).rpartition(".")[0] + "."), False),
        (Request("GET", (URL,)), False),
    ],
)
def test_vonage_signs_a_token_over_the_content(request_: Request, valid: bool) -> None:
    assert signed_by_vonage("secret", request_, NOW) is valid


def test_a_token_agrees_with_pyjwt() -> None:
    pyjwt = pytest.importorskip("jwt")
    secret = "a secret that is long enough for HS256"
    token = pyjwt.encode({"iat": int(NOW), "jti": "1"}, secret, algorithm="HS256")
    assert jwt_claims(secret, token) == {"iat": int(NOW), "jti": "1"}


def test_exotel_carries_the_password_of_its_applet() -> None:
    good = Request("GET", (URL,), {"authorization": "Basic " + b64encode(b"me:pass").decode()})
    assert signed_by_exotel("me:pass", good, NOW)
    assert not signed_by_exotel("me:other", good, NOW)
    assert not signed_by_exotel("me:pass", Request("GET", (URL,)), NOW)


def test_what_is_signed_can_be_seen_to_come_again() -> None:
    def said(carrier: str, headers: dict[str, str], body: bytes = b"") -> str | None:
        return once_only(carrier, Request("POST", (URL,), headers, body=body))

    assert said("plivo", {"x-plivo-signature-v3-nonce": "n", "authorization": "x"}) == "n"
    assert (
        said("vonage", {"authorization": "Bearer a.b.c", "x-plivo-signature-v3-nonce": "n"}) == "Bearer a.b"
    )
    assert said("telnyx", {"telnyx-timestamp": "1"}, b"a") != said("telnyx", {"telnyx-timestamp": "1"}, b"b")
    assert said("signalwire", {"x-signalwire-signature": "s", "x-twilio-signature": "t"}) == "s"
    assert said("twilio", {}) is None and said("exotel", {}) is None
