"""What each carrier's webhook is answered."""

from __future__ import annotations

import json
from xml.etree.ElementTree import Element, fromstring

import pytest

from rtstream.context import Call
from rtstream.wire.answers import CARRIERS, JSON, VONAGE_HEADERS, XML, Answer, connect, decline

URL = "wss://a.example/telephone/handler/ticket?a=1&b=\"<'>"


def xml(answer: Answer) -> Element:
    assert answer.media_type == XML
    assert answer.body.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    return fromstring(answer.body.partition("?>")[2])


def call(carrier: str, **parameters: str) -> Call:
    return Call(carrier, "id", "+1", "+2", parameters)


def test_twilio_is_answered_with_twiml() -> None:
    response = xml(connect(call("twilio", language='"de"'), URL))
    (stream,) = response.findall("./Connect/Stream")
    assert stream.attrib == {"url": URL}
    assert [parameter.attrib for parameter in stream] == [{"name": "language", "value": '"de"'}]
    assert [child.tag for child in response] == ["Connect"]


def test_telnyx_is_answered_with_texml_that_streams_both_ways() -> None:
    response = xml(connect(call("telnyx", language="de"), URL))
    assert [child.tag for child in response] == ["Connect", "Hangup"]
    (stream,) = response.findall("./Connect/Stream")
    assert stream.attrib["url"] == URL and stream.attrib["bidirectionalMode"] == "rtp"
    assert stream[0].attrib == {"name": "language", "value": "de"}


def test_plivo_is_answered_with_the_address_as_text() -> None:
    response = xml(connect(call("plivo"), URL))
    assert [child.tag for child in response] == ["Stream", "Hangup"]
    assert response[0].text == URL
    assert response[0].attrib["bidirectional"] == response[0].attrib["keepCallAlive"] == "true"


def test_vonage_is_answered_with_an_ncco() -> None:
    answer = connect(call("vonage", language="de"), URL)
    assert answer.media_type == JSON
    ((action),) = json.loads(answer.body)
    (endpoint,) = action["endpoint"]
    assert action["action"] == "connect"
    assert endpoint["type"] == "websocket" and endpoint["uri"] == URL
    assert endpoint["content-type"].startswith("audio/l16;rate=")
    assert endpoint["headers"] == {"uuid": "id", "from": "+1", "to": "+2", "language": "de"}


def test_an_ncco_leaves_out_parameters_that_are_too_long() -> None:
    (action,) = json.loads(connect(call("vonage", long="x" * VONAGE_HEADERS), URL).body)
    assert action["endpoint"][0]["headers"] == {"uuid": "id", "from": "+1", "to": "+2"}


def test_exotel_is_answered_with_the_address() -> None:
    assert json.loads(connect(call("exotel"), URL).body) == {"url": URL}


@pytest.mark.parametrize(
    ("rate", "asked"), [("16000", True), ("24000", True), ("44100", False), ("x", False)]
)
def test_exotel_is_asked_for_the_rate_that_its_applet_names(rate: str, asked: bool) -> None:
    told = json.loads(connect(call("exotel", **{"sample-rate": rate}), "wss://a.example/ticket").body)
    assert told == {"url": "wss://a.example/ticket" + (f"?sample-rate={rate}" if asked else "")}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_caller_hears_a_sentence_and_is_hung_up(carrier: str) -> None:
    answer = decline(call(carrier), "All <lines> & busy")
    if carrier == "vonage":
        assert json.loads(answer.body) == [{"action": "talk", "text": "All <lines> & busy"}]
    elif carrier == "exotel":
        assert json.loads(answer.body) == {"error": "All <lines> & busy"}
    else:
        said, hangup = xml(answer)
        assert said.tag == ("Speak" if carrier == "plivo" else "Say")
        assert said.text == "All <lines> & busy"
        assert hangup.tag == "Hangup"
