"""HTTP around the signalling: bodies read with a limit, errors answered with their status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from ..errors import BadOffer, BodyTooLarge, RtstreamError, UnreadableBody, UnsupportedBody
from .bodies import Body

if TYPE_CHECKING:
    from starlette.requests import Request

LONGEST_BODY = 128 * 1024  # bytes: the SDP's limit, with its line ends escaped in JSON


async def read_body(request: Request) -> Body:
    """The body of an offer or candidate.

    Raises:
        UnsupportedBody, BodyTooLarge, BadOffer, UnreadableBody
    """
    kind = request.headers.get("content-type", "application/json")
    if "json" not in kind:
        raise UnsupportedBody(f"the body is {kind[:60]}", fix="Send JSON with Content-Type: application/json")
    try:
        raw = await whole(request, LONGEST_BODY, "body", fix="Send one offer or candidate")
    except ClientDisconnect:
        raise BadOffer("the client left in the midst of its body", fix="Stay for the answer") from None
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadOffer("the body is not JSON", fix="Send JSON.stringify({type, sdp, webrtc_id})") from None
    return as_body(given)


async def whole(request: Request, longest: int, what: str, *, fix: str) -> bytes:
    """All of a request's body; no more is read than may be.

    Args:
        longest: how many bytes it may have.
        what: how the error calls it.
        fix: what the error says to do.

    Raises:
        BodyTooLarge: it has more.
        ClientDisconnect: the sender left in the midst of it.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > longest:
            raise BodyTooLarge(f"the {what} has more than {longest} bytes", fix=fix)
    return bytes(body)


def as_body(given: Any) -> Body:
    """An offer or candidate out of what was JSON.

    Raises:
        UnreadableBody: it is none.
    """
    try:
        return Body.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UnreadableBody(
            f"the body's field `{field}` is not right: {first['msg'].lower()}"
            if field
            else "the body is JSON, but no object",
            fix='Send {"type": "offer", "sdp": "…", "webrtc_id": "…"}',
        ) from None


def refusal(error: RtstreamError) -> JSONResponse:
    """The answer to a request that failed: FastRTC's body, with the status that HTTP has for it."""
    headers = {"Retry-After": str(error.meta["retry_after"])} if "retry_after" in error.meta else None
    return JSONResponse(error.body(), status_code=error.status, headers=headers)
