"""HTTP around the signalling, with requests made by hand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.requests import Request

from rtstream.errors import (
    BadOffer,
    BodyTooLarge,
    ConnectionRefused,
    TooManyConnections,
    UnreadableBody,
    UnsupportedBody,
)
from rtstream.server.bodies import LONGEST_SDP, Body
from rtstream.server.requests import LONGEST_BODY, read_body, refusal


def request(
    *chunks: bytes, headers: dict[str, str] | None = None, scheme: str = "http", leaves: bool = False
) -> Request:
    waiting: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    waiting.append({"type": "http.disconnect"} if leaves else {"type": "http.request", "body": b""})

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "scheme": scheme,
        "headers": raw,
        "query_string": b"",
    }
    return Request(scope, receive)


def read(*chunks: bytes, **more: Any) -> Body:
    return asyncio.run(read_body(request(*chunks, **more)))


OFFER = {"type": "offer", "sdp": "v=0", "webrtc_id": "x"}
CANDIDATE = {"type": "ice-candidate", "candidate": {"candidate": "c"}, "webrtc_id": "x"}


@pytest.mark.parametrize("kind", [None, "application/json", "application/json; charset=utf-8", "text/json"])
def test_offers_and_candidates_are_read(kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    for body in (OFFER, CANDIDATE, {**OFFER, "more": 1}):
        text = json.dumps(body).encode()
        made = read(text[:5], text[5:], headers=headers)
        assert made.type == body["type"] and made.webrtc_id == "x"


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        ([b""], BadOffer),
        ([b"{"], BadOffer),
        ([b"\xff"], BadOffer),
        ([b"[" * 100_000], BadOffer),
        ([b"[]"], UnreadableBody),
        ([b"{}"], UnreadableBody),
        ([json.dumps({**OFFER, "type": "answer"}).encode()], UnreadableBody),
        ([json.dumps({**OFFER, "webrtc_id": ""}).encode()], UnreadableBody),
        ([json.dumps({**OFFER, "sdp": "x" * (LONGEST_SDP + 1)}).encode()], UnreadableBody),
        ([b"x" * (LONGEST_BODY + 1)], BodyTooLarge),
        ([b"x" * 1000] * 200, BodyTooLarge),
    ],
)
def test_what_is_neither_is_refused(chunks: list[bytes], error: type[ConnectionRefused]) -> None:
    with pytest.raises(error) as caught:
        read(*chunks)
    assert type(caught.value) is error and caught.value.fix


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"x"'])
def test_a_body_that_is_no_object_is_told_so_without_a_field(body: bytes) -> None:
    with pytest.raises(UnreadableBody, match="^the body is JSON, but no object$"):
        read(body)


def test_another_type_is_refused() -> None:
    with pytest.raises(UnsupportedBody):
        read(b"v=0", headers={"Content-Type": "application/sdp"})


def test_a_client_that_leaves_in_the_midst_is_a_bad_offer() -> None:
    with pytest.raises(BadOffer, match="left"):
        read(b"{", leaves=True)


def test_a_refusal_has_its_status_its_body_and_when_to_come_again() -> None:
    response = refusal(TooManyConnections("full", limit=1, retry_after=5))
    assert response.status_code == 503 and response.headers["retry-after"] == "5"
    body = json.loads(bytes(response.body))
    assert body["status"] == "failed" and body["meta"]["error"] == "concurrency_limit_reached"
    assert "retry-after" not in refusal(BadOffer("bad")).headers
