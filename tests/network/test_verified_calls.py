"""Calls that prove where they come from: webhooks and sockets, signed, forged, replayed and too many."""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree.ElementTree import fromstring

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rtstream import AsyncStreamHandler, Stream, get_current_context
from rtstream.context import Call
from rtstream.server.telephone import ONCE_KEPT, Once
from rtstream.wire.signatures import plivo_signature, twilio_signature
from tests.conftest import run
from tests.helpers.carriers import CARRIERS, EXOTEL, TWILIO, Carrier
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import Server, answering, mounted, serving, until
from tests.helpers.sockets import spoken_to

pytestmark = pytest.mark.network

PUBLIC = "https://voice.example.com/app"
WEBHOOK = PUBLIC + "/telephone/incoming"
KEY = Ed25519PrivateKey.generate()
SECRETS = {
    "twilio": ("TWILIO_AUTH_TOKEN", "twilio's secret"),
    "signalwire": ("SIGNALWIRE_SIGNING_KEY", "signalwire's secret"),
    "telnyx": ("TELNYX_PUBLIC_KEY", b64encode(KEY.public_key().public_bytes_raw()).decode()),
    "plivo": ("PLIVO_AUTH_TOKEN", "plivo's secret"),
    "vonage": ("VONAGE_SIGNATURE_SECRET", "vonage's secret"),
    "exotel": ("EXOTEL_BASIC_AUTH", "me:exotel's secret"),
}
FIELDS: dict[str, dict[str, str]] = {
    "twilio": {"CallSid": "CA1", "From": "+1", "To": "+2", "CallStatus": "ringing", "Direction": "inbound"},
    "signalwire": {"CallSid": "CA3", "From": "+1", "To": "+2", "CallStatus": "ringing"},
    "telnyx": {"CallSid": "v3:1", "CallSidLegacy": "v3:1", "ConnectionId": "1", "From": "+1", "To": "+2"},
    "plivo": {"CallUUID": "12345678-1234", "From": "1", "To": "2", "CallStatus": "ringing"},
    "vonage": {"from": "1", "to": "2", "uuid": "aaaaaaaa-bbbb", "conversation_uuid": "CON-1"},
    "exotel": {"CallSid": "CA2", "CallFrom": "0", "CallTo": "1", "Direction": "incoming"},
}
EACH = pytest.mark.parametrize("carrier", CARRIERS, ids=[carrier.name for carrier in CARRIERS])


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _ in SECRETS.values():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in SECRETS.values():
        monkeypatch.setenv(name, secret)


def packed(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(claims: Any) -> str:
    head = f"{packed({'alg': 'HS256'})}.{packed(claims)}"
    signature = hmac.digest(SECRETS["vonage"][1].encode(), head.encode(), sha256)
    return f"{head}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def webhook(name: str, url: str = WEBHOOK, now: float | None = None, query: str = "") -> httpx.Request:
    """A webhook as that carrier sends and signs it."""
    fields, now = FIELDS[name], time.time() if now is None else now
    url += query
    body = urlencode(fields).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    match name:
        case "twilio" | "signalwire":
            signature = twilio_signature(SECRETS[name][1], url, list(fields.items()))
            headers[f"x-{name}-signature"] = signature
        case "telnyx":
            stamp = str(int(now))
            headers["telnyx-timestamp"] = stamp
            headers["telnyx-signature-ed25519"] = b64encode(KEY.sign(stamp.encode() + b"|" + body)).decode()
        case "plivo":
            nonce = str(now)
            headers["x-plivo-signature-v3-nonce"] = nonce
            headers["x-plivo-signature-v3"] = plivo_signature(
                SECRETS[name][1], "POST", url, nonce, list(fields.items())
            )
        case "vonage":
            told = json.dumps(fields, separators=(",", ":")).encode()
            claims = {"iat": now, "jti": str(now), "payload_hash": sha256(told).hexdigest()}
            return httpx.Request(
                "GET", f"{url}?{urlencode(fields)}", headers={"authorization": f"Bearer {jwt(claims)}"}
            )
        case "exotel":
            basic = b64encode(SECRETS[name][1].encode()).decode()
            return httpx.Request(
                "GET", f"{url}?{urlencode(fields)}", headers={"authorization": f"Basic {basic}"}
            )
    return httpx.Request("POST", url, headers=headers, content=body)


async def sent(server: Server, request: httpx.Request) -> httpx.Response:
    """Send to our server what is signed for the public address, as a tunnel does."""
    target = request.url.raw_path.decode().removeprefix("/app")
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    return await server.http.request(request.method, target, headers=headers, content=request.content)


def stream_url(carrier: str, response: httpx.Response) -> str:
    """The socket's address in an answer."""
    assert response.status_code == 200, response.text
    if carrier == "vonage":
        return str(response.json()[0]["endpoint"][0]["uri"])
    if carrier == "exotel":
        return str(response.json()["url"])
    root = fromstring(response.text.partition("?>")[2])
    found = root.find(".//Stream")
    assert found is not None
    return (found.text or "") if carrier == "plivo" else found.attrib["url"]


def handshake(carrier: str, url: str, secret: str | None = None) -> dict[str, str]:
    """The headers that a carrier proves itself with on the socket."""
    if carrier == "twilio":
        return {"x-twilio-signature": twilio_signature(secret or SECRETS["twilio"][1], url)}
    if carrier == "exotel":
        return {"authorization": "Basic " + b64encode((secret or SECRETS["exotel"][1]).encode()).decode()}
    return {}


def dial(server: Server, url: str, headers: dict[str, str]) -> connect:
    """Open a socket to our server that is meant for the public address."""
    return connect(
        server.url(urlsplit(url).path.removeprefix("/app")), proxy=None, additional_headers=headers
    )


async def refused(server: Server, url: str, headers: dict[str, str]) -> dict[str, Any]:
    """Open a socket, see it refused with 403, and return the error."""
    with pytest.raises(InvalidStatus) as refusal:
        await dial(server, url, headers)
    assert refusal.value.response.status_code == 403
    meta: dict[str, Any] = json.loads(refusal.value.response.body)["meta"]
    return meta


class Notes(AsyncStreamHandler):
    calls: list[Call | None] = []

    async def start_up(self) -> None:
        Notes.calls.append(get_current_context().call)

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> None:
        import asyncio

        await asyncio.sleep(1)


def serving_public(handler: Any = None, **options: Any) -> Stream:
    stream = Stream(handler or Notes(), modality="audio", **options)
    stream.public_url = PUBLIC
    return stream


@EACH
@pytest.mark.usefixtures("secrets")
def test_a_signed_call_is_connected_and_its_numbers_reach_the_handler(carrier: Carrier) -> None:
    async def main() -> None:
        Notes.calls = []
        async with serving(serving_public()) as server:
            response = await sent(server, webhook(carrier.name))
            url = stream_url(carrier.name, response)
            assert url.startswith("wss://voice.example.com/app/telephone/handler/")
            async with dial(server, url, handshake(carrier.name, url)) as socket:
                for text in carrier.texts:
                    await socket.send(text)
                await until(lambda: Notes.calls)
            await server.empty()
        (call,) = Notes.calls
        assert call is not None and call.carrier == carrier.name
        assert call.caller and call.callee and call.id == carrier.call_id

    run(main())


@EACH
@pytest.mark.usefixtures("secrets")
def test_a_forged_or_absent_signature_is_refused_on_both_routes(carrier: Carrier) -> None:
    async def main() -> None:
        async with serving(serving_public()) as server:
            request = webhook(carrier.name)
            proofs = ("x-twilio", "telnyx-signature", "x-plivo-signature-v3", "authorization")
            for forged in ([], ["AAAA"]):
                headers = [
                    (name, one)
                    for name, value in request.headers.items()
                    for one in (forged if name.startswith(proofs) else [value])
                ]
                response = await sent(
                    server,
                    httpx.Request(request.method, request.url, headers=headers, content=request.content),
                )
                assert response.status_code == 403
                meta = response.json()["meta"]
                assert meta["error"] == "call_not_verified" and meta["code"] == "RT5130" and meta["fix"]
                assert not any(secret in response.text for _, secret in SECRETS.values())

            url = PUBLIC + "/telephone/handler"
            assert (await refused(server, url, {}))["error"] == "call_not_verified"
            forged_headers = handshake(carrier.name, url, "another secret") or {"authorization": "x"}
            assert (await refused(server, url, forged_headers))["error"] == "call_not_verified"
            assert await refused(server, url + "/forged", handshake(carrier.name, url))

    run(main())


@pytest.mark.usefixtures("secrets")
def test_a_server_that_cannot_answer_a_handshake_closes_it() -> None:
    async def main() -> None:
        closed = await spoken_to(mounted(serving_public()), "/telephone/handler", CARRIERS[0].texts)
        assert (closed.code, closed.said) == (1000, [])  # before it is accepted: to the carrier that is a 403

    run(main())


@EACH
@pytest.mark.usefixtures("secrets")
def test_a_ticket_is_good_once(carrier: Carrier) -> None:
    async def main() -> None:
        async with serving(serving_public(AsyncEcho(), concurrency_limit=None)) as server:
            url = stream_url(carrier.name, await sent(server, webhook(carrier.name)))
            headers = handshake(carrier.name, url)
            async with dial(server, url, headers):
                pass
            for again in (url, url + "=", url + "%3D", url + "!"):
                headers = handshake(carrier.name, again)
                assert "ticket" in (await refused(server, again, headers))["why"]

    run(main())


@pytest.mark.usefixtures("secrets")
def test_a_ticket_alone_does_not_open_the_socket_of_twilio_which_signs_it() -> None:
    async def main() -> None:
        async with serving(serving_public()) as server:
            url = stream_url("twilio", await sent(server, webhook("twilio")))
            assert "twilio" in (await refused(server, url, {}))["what"]

    run(main())


@pytest.mark.parametrize(("name", "speaks"), [("signalwire", TWILIO), ("exotel", EXOTEL)])
@pytest.mark.usefixtures("secrets")
def test_a_ticket_opens_the_socket_of_a_carrier_that_does_not_sign_it(name: str, speaks: Carrier) -> None:
    async def main() -> None:
        Notes.calls = []
        async with serving(serving_public()) as server:
            url = stream_url(name, await sent(server, webhook(name)))
            async with dial(server, url, {}) as socket:
                for text in speaks.texts:
                    await socket.send(text)
                await until(lambda: Notes.calls)
        (call,) = Notes.calls
        assert call is not None and call.carrier == speaks.name and call.caller

    run(main())


@pytest.mark.parametrize("name", ["twilio", "exotel"])
@pytest.mark.usefixtures("secrets")
def test_a_signed_socket_needs_no_webhook_of_ours(name: str) -> None:
    async def main() -> None:
        carrier = next(carrier for carrier in CARRIERS if carrier.name == name)
        Notes.calls = []
        url = "wss://voice.example.com/app/telephone/handler"
        async with serving(serving_public()) as server:
            async with dial(server, url, handshake(name, url)) as socket:
                for text in carrier.texts:
                    await socket.send(text)
                await until(lambda: Notes.calls)

    run(main())


@pytest.mark.parametrize("name", ["telnyx", "vonage"])
@pytest.mark.usefixtures("secrets")
def test_a_webhook_of_ten_minutes_ago_is_refused(name: str) -> None:
    async def main() -> None:
        async with answering(serving_public()) as server:
            assert (await sent(server, webhook(name, now=time.time() - 600))).status_code == 403

    run(main())


@pytest.mark.parametrize("name", ["signalwire", "telnyx", "plivo", "vonage"])
@pytest.mark.usefixtures("secrets")
def test_a_replayed_webhook_is_refused_whatever_is_added_to_it(name: str) -> None:
    async def main() -> None:
        async with answering(serving_public()) as server:
            request = webhook(name)
            assert (await sent(server, request)).status_code == 200
            request.headers["x-plivo-signature-v3-nonce" if name != "plivo" else "authorization"] = "another"
            if name == "vonage":
                request.headers["authorization"] += "="
            again = await sent(server, request)
            assert again.status_code == 403 and "before" in again.json()["meta"]["why"]

    run(main())


def test_with_one_secret_the_other_carriers_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*SECRETS["twilio"])

    async def main() -> None:
        async with serving(serving_public()) as server:
            assert (await sent(server, webhook("twilio"))).status_code == 200
            for name in ("signalwire", "telnyx", "plivo", "vonage", "exotel"):
                response = await sent(server, webhook(name))
                assert response.status_code == 403
                assert SECRETS[name][0] in response.json()["meta"]["fix"]
            assert await refused(server, PUBLIC + "/telephone/handler", {})

    run(main())


def test_a_signature_for_another_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*SECRETS["twilio"])

    async def main() -> None:
        async with answering(serving_public()) as server:
            elsewhere = webhook("twilio", "https://evil.example/app/telephone/incoming")
            assert (await sent(server, elsewhere)).status_code == 403

    run(main())


@EACH
def test_without_secrets_a_call_is_connected_and_its_numbers_are_known(carrier: Carrier) -> None:
    async def main() -> None:
        Notes.calls = []
        async with serving(serving_public()) as server:
            query = "" if carrier.name in ("vonage", "exotel") else "?campaign=7&Big=no"
            request = webhook(carrier.name, query=query)
            url = stream_url(carrier.name, await sent(server, request))
            async with dial(server, url, {}) as socket:
                for text in carrier.texts:
                    await socket.send(text)
                await until(lambda: Notes.calls)
            (call,) = Notes.calls
            assert call is not None and call.caller and call.callee
            if query:
                assert call.parameters == {"campaign": "7", "language": "de"}
            async with dial(server, PUBLIC + "/telephone/handler/not-a-ticket", {}):
                pass

    run(main())


@EACH
def test_a_call_over_the_limit_hears_a_sentence_and_is_hung_up(
    carrier: Carrier, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        stream = serving_public()
        stream.telephone.busy = "Nobody is free."
        async with serving(stream) as server:
            async with server.dial("/telephone/handler") as socket:
                for text in carrier.texts:
                    await socket.send(text)
                await until(lambda: len(stream.sessions) == 1)
                response = await sent(server, webhook(carrier.name))
                assert response.status_code == 200
                assert stream.telephone.busy in response.text and "wss://" not in response.text

    run(main())
    assert "all places are taken" in caplog.text


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: httpx.Request("POST", WEBHOOK, content=b"x" * 70_000), 413),
        (lambda: httpx.Request("POST", WEBHOOK + "?" + "&".join(["a=1"] * 300)), 413),
        (lambda: httpx.Request("POST", WEBHOOK + "?a=" + "x" * 700), 413),
        (lambda: httpx.Request("POST", WEBHOOK, json=[1]), 400),
        (
            lambda: httpx.Request(
                "POST", WEBHOOK, content=b"{", headers={"content-type": "application/json"}
            ),
            400,
        ),
        (lambda: httpx.Request("POST", WEBHOOK, json={"data": {"event_type": "call.initiated"}}), 415),
        (lambda: httpx.Request("PUT", WEBHOOK), 405),
    ],
)
def test_a_webhook_that_cannot_be_is_refused_with_its_status(
    make: Callable[[], httpx.Request], status: int
) -> None:
    async def main() -> None:
        async with answering(serving_public()) as server:
            response = await sent(server, make())
            assert response.status_code == status
            if status != 405:
                assert response.json()["meta"]["code"].startswith("RT51")

    run(main())


def test_vonage_may_post_its_webhook_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*SECRETS["vonage"])

    async def main() -> None:
        async with answering(serving_public()) as server:
            body = json.dumps(FIELDS["vonage"]).encode()
            claims = {"iat": time.time(), "payload_hash": sha256(body).hexdigest()}
            headers = {"authorization": f"Bearer {jwt(claims)}", "content-type": "application/json"}
            response = await sent(server, httpx.Request("POST", WEBHOOK, headers=headers, content=body))
            endpoint = response.json()[0]["endpoint"][0]
            assert endpoint["headers"] == {"uuid": "aaaaaaaa-bbbb", "from": "1", "to": "2"}

    run(main())


def test_what_is_shown_once_is_remembered_for_a_long_time_but_not_for_ever() -> None:
    once = Once()
    assert once.take("first") and not once.take("first")
    for number in range(ONCE_KEPT):
        assert once.take(str(number))
    assert not once.take("9")
    assert once.take("first")
