"""The messages beside the media, in FastRTC's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtstream.errors import HandlerRaised, TooManyConnections
from rtstream.wire import messages
from rtstream.wire.twiml import connect_to


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


@pytest.mark.parametrize("url", ["wss://a.example/telephone/handler", "wss://a.example/x?a=1&b=\"<'>"])
def test_twiml_connects_the_call_to_the_address_whatever_is_in_it(url: str) -> None:
    from xml.etree.ElementTree import fromstring

    text = connect_to(url)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream ')
    assert fromstring(text.partition("?>")[2])[0][0].attrib == {"url": url}
