"""What the caller over FastRTC's WebSocket understands, and what it holds against the server."""

from __future__ import annotations

import base64
import json

import pytest

from rtstream.loopback.taken import Taken
from rtstream.loopback.websocket import take


def media(payload: str) -> str:
    return json.dumps({"event": "media", "media": {"payload": payload}})


def test_media_is_mu_law_at_the_rate_that_was_agreed() -> None:
    taken = Taken("websocket")
    take(media(base64.b64encode(b"\xff" * 480).decode()), taken, 24000, 3.0)
    (piece,) = taken.audio
    assert (piece.at, piece.frame.rate, piece.frame.samples.shape) == (3.0, 24000, (1, 480))
    assert not piece.frame.samples.any()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"event": "pong"}),
        json.dumps({"type": "log", "data": "hello"}),
        json.dumps({"type": "fetch_output", "data": []}),
        json.dumps({"status": "failed", "meta": {"error": "x"}}),
    ],
)
def test_messages_are_kept(text: str) -> None:
    taken = Taken("websocket")
    take(text, taken, 24000, 0.0)
    assert taken.texts == [text]
    assert taken.breaches == []


def test_clear_forgets_what_was_not_yet_played() -> None:
    taken = Taken("websocket")
    take(media(base64.b64encode(b"\x10" * 24000).decode()), taken, 24000, 0.0)
    take(json.dumps({"event": "clear"}), taken, 24000, 0.5)
    assert taken.played_until == pytest.approx(0.5)


@pytest.mark.parametrize("text", ["nope", '{"a": 1}', "[]", media("?!"), '{"event": "media"}', b"\x00"])
def test_what_is_not_of_the_protocol_is_a_breach(text: str | bytes) -> None:
    taken = Taken("websocket")
    take(text, taken, 24000, 0.0)
    assert len(taken.breaches) == 1


@pytest.mark.parametrize("size, rate", [(480, 24000), (960, 48000), (320, 16000), (160, 8000), (7, 24000)])
def test_an_unknown_rate_is_the_one_at_which_the_first_piece_lasts_20_ms(size: int, rate: int) -> None:
    taken = Taken("websocket")
    for count in (size, 13):
        take(media(base64.b64encode(b"\x10" * count).decode()), taken, None, 0.0)
    assert [piece.frame.rate for piece in taken.audio] == [rate, rate]
