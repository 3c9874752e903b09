"""A carrier's webhook: read with a limit, and the call that it tells of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect

from ..context import Call
from ..errors import BadMessage, BodyTooLarge, UnsupportedBody
from ..wire.signatures import SIGNALWIRE, Pairs, Request
from .requests import whole

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.requests import Request as HttpRequest

LONGEST_BODY = 64 * 1024  # bytes; an honest one has about 1,000
MOST_FIELDS = 200
# What begins with a small letter and is the carrier's own: in a webhook by GET all stands in the query.
_OWN = {"bodySHA256", "conversation_uuid", "custom_data", "endpoint_type", "from", "from_user", "region_url"}
_OWN |= {"to", "uuid"}
LONGEST_PARAMETERS = 600  # characters of names and values; they travel in the socket's address

# What each carrier's webhook has and the others' have not, most telling first; any other is Twilio's.
_TOLD_BY = {
    "signalwire": (SIGNALWIRE,),  # it signs every request, whether or not its key is known here
    "telnyx": ("telnyx-signature-ed25519", "CallSidLegacy", "ConnectionId"),
    "plivo": ("x-plivo-signature-v3", "x-plivo-signature-v2", "CallUUID"),
    "vonage": ("conversation_uuid",),
    "exotel": ("CallFrom", "CallTo"),
}
# Under which names it tells the call's id, who calls, and who is called.
_NAMES = {
    "twilio": ("CallSid", "From", "To"),
    "signalwire": ("CallSid", "From", "To"),
    "telnyx": ("CallSid", "From", "To"),
    "plivo": ("CallUUID", "From", "To"),
    "vonage": ("uuid", "from", "to"),
    "exotel": ("CallSid", "CallFrom", "CallTo"),
}


def as_signed(request: HTTPConnection, urls: tuple[str, ...], body: bytes = b"") -> Request:
    """A request in the form in which its signature is checked.

    Raises:
        BodyTooLarge: it has more fields than any honest one.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    form = body if "urlencoded" in headers.get("content-type", "") else b""
    query = request.scope.get("query_string", b"").decode("latin-1")
    return Request(
        method=request.scope.get("method", "GET"),
        urls=urls,
        headers=headers,
        query=_pairs(query),
        form=_pairs(form.decode(errors="replace")),
        body=body,
    )


async def body_of(request: HttpRequest) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge, BadMessage
    """
    try:
        return await whole(request, LONGEST_BODY, "webhook", fix="Send the call's fields")
    except ClientDisconnect:
        raise BadMessage("the carrier left in the midst of its webhook", fix="Stay for the answer") from None


def call_in(request: Request) -> Call:
    """The call that a webhook tells of: whose it is, its numbers, and its custom parameters.

    Those are what the webhook's address holds under names that begin with a small letter; the carriers' own
    begin with a capital, but for Vonage's.

    Raises:
        UnsupportedBody: it is Telnyx' Call Control, which is answered by its REST API only.
        BodyTooLarge: the parameters are too long.
    """
    fields = {**dict(request.query), **_json_fields(request), **dict(request.form)}
    carrier = carrier_of(request.headers, fields)
    id, caller, callee = (fields.get(name, "")[:256] for name in _NAMES[carrier])
    parameters = {name: value for name, value in request.query if name[:1].islower() and name not in _OWN}
    if sum(len(name) + len(value) for name, value in parameters.items()) > LONGEST_PARAMETERS:
        raise BodyTooLarge(
            f"the custom parameters have more than {LONGEST_PARAMETERS} characters",
            why="they travel in the address of the call's socket",
            fix="Pass a short key in the webhook's address, and keep the rest where the handler finds it",
        )
    return Call(carrier, id, caller, callee, parameters)


def carrier_of(headers: Mapping[str, str], fields: Mapping[str, Any]) -> str:
    """Whose webhook it is, by what it carries."""
    return next(
        (
            carrier
            for carrier, signs in _TOLD_BY.items()
            if any(sign in headers or sign in fields for sign in signs)
        ),
        "twilio",
    )


def _json_fields(request: Request) -> dict[str, str]:
    if "json" not in request.headers.get("content-type", ""):
        return {}
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadMessage("the webhook's body is no JSON object", fix="Send the carrier's webhook")
    if isinstance(found.get("data"), dict) and "event_type" in found["data"]:
        raise UnsupportedBody(
            "this webhook is of Telnyx' Call Control",
            why="a call there is answered by commands to its REST API, not by what a webhook returns",
            fix="Make a TeXML application at Telnyx, and point the number at that",
        )
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _pairs(text: str) -> Pairs:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BodyTooLarge(
            f"the webhook has more than {MOST_FIELDS} fields", fix="Send the call's fields"
        ) from None
