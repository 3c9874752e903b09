"""The messages beside the media, in FastRTC's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtstream.errors import HandlerRaised, TooManyConnections
from rtstream.wire import messages


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (messages.inputs_wanted(), {"type": "send_input", "data": []}),
        (messages.output_ready(), {"type": "fetch_output", "data": []}),
        (messages.error("x"), {"type": "error", "message": "x", "data": "x"}),
        (messages.ended("x", "handler"), {"type": "end_stream", "data": "x", "reason": "handler"}),
        (messages.log("x"), {"type": "log", "data": "x"}),
        (messages.log("x", at=[1, 2]), {"type": "log", "data": "x", "at": [1, 2]}),
        (messages.stopword(), {"type": "stopword", "data": ""}),
        (messages.pong(), {"type": "pong"}),
        (messages.closed(), {"type": "update_connection", "data": "closed"}),
    ],
)
def test_each_message_is_that_of_the_protocol(text: str, said: dict[str, Any]) -> None:
    assert json.loads(text) == said


def test_an_error_carries_its_cause() -> None:
    said = json.loads(messages.error("x", HandlerRaised("x", why="because", fix="mend it")))
    assert said["code"] == "RT3005"
    assert (said["what"], said["why"], said["fix"]) == ("x", "because", "mend it")


def test_what_is_no_json_is_written_as_text() -> None:
    said = json.loads(messages.error("x", TooManyConnections("x", limit=object())))
    assert said["limit"].startswith("<object")
