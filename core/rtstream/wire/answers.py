"""What each carrier's webhook is answered: connect the call to a WebSocket, or say a sentence and hang up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from ..context import Call
from .codecs import RATES

XML = "application/xml"
JSON = "application/json"
VONAGE_FORMAT = "audio/l16;rate=16000"
VONAGE_HEADERS = 512  # bytes that the headers of an NCCO's endpoint may have


class Answer(NamedTuple):
    """The body of an answer, and its type."""

    body: str
    media_type: str


def connect(call: Call, url: str) -> Answer:
    """The answer that connects a call to the media stream at `url`."""
    return _CONNECT[call.carrier](call, url)


def decline(call: Call, sentence: str) -> Answer:
    """The answer that has a sentence said to the caller and hangs up."""
    return _DECLINE[call.carrier](sentence)


def twiml(call: Call, url: str) -> Answer:
    """TwiML (twilio.com/docs/voice/twiml/stream). After the stream there is nothing more: it hangs up."""
    response = Element("Response")
    stream = SubElement(SubElement(response, "Connect"), "Stream", url=url)
    return _with_parameters(response, stream, call.parameters)


def _texml(call: Call, url: str) -> Answer:
    """TeXML (developers.telnyx.com/docs/voice/programmable-voice/texml-verbs/stream).

    Without `bidirectionalMode="rtp"` Telnyx takes MP3 files only, one a second.
    """
    response = Element("Response")
    how = {"codec": "PCMU", "bidirectionalMode": "rtp", "bidirectionalCodec": "PCMU"}
    stream = SubElement(SubElement(response, "Connect"), "Stream", {"url": url, **how})
    SubElement(response, "Hangup")
    return _with_parameters(response, stream, call.parameters)


def _plivo(call: Call, url: str) -> Answer:
    """Plivo's XML (plivo.com/docs/voice/xml/the-stream-element): the address is the element's text."""
    response = Element("Response")
    how = {"bidirectional": "true", "keepCallAlive": "true", "contentType": "audio/x-mulaw;rate=8000"}
    SubElement(response, "Stream", how).text = url
    SubElement(response, "Hangup")
    return _xml(response)


def _ncco(call: Call, url: str) -> Answer:
    """An NCCO (developer.vonage.com/voice/voice-api/ncco-reference). After its last action it hangs up."""
    headers: dict[str, object] = {"uuid": call.id, "from": call.caller, "to": call.callee}
    more = {**call.parameters, **headers}
    if len(json.dumps(more).encode()) <= VONAGE_HEADERS:
        headers = more
    endpoint = {"type": "websocket", "uri": url, "content-type": VONAGE_FORMAT, "headers": headers}
    return Answer(json.dumps([{"action": "connect", "endpoint": [endpoint]}]), JSON)


def _exotel(call: Call, url: str) -> Answer:
    """The address, for a Voicebot applet that asks for one (developer.exotel.com/docs/agentstream).

    The sound has 8,000 samples a second unless the socket's address names another rate.
    """
    if (rate := str(call.parameters.get("sample-rate"))) in map(str, RATES):
        url += f"?sample-rate={rate}"
    return Answer(json.dumps({"url": url}), JSON)


def _said(verb: str) -> Callable[[str], Answer]:
    def decline(sentence: str) -> Answer:
        response = Element("Response")
        SubElement(response, verb).text = sentence
        SubElement(response, "Hangup")
        return _xml(response)

    return decline


def _ncco_talk(sentence: str) -> Answer:
    return Answer(json.dumps([{"action": "talk", "text": sentence}]), JSON)


def _with_parameters(response: Element, stream: Element, parameters: Mapping[str, object]) -> Answer:
    for name, value in parameters.items():
        SubElement(stream, "Parameter", name=name, value=str(value))
    return _xml(response)


def _xml(response: Element) -> Answer:
    return Answer(f'<?xml version="1.0" encoding="UTF-8"?>{tostring(response, encoding="unicode")}', XML)


_CONNECT: dict[str, Callable[[Call, str], Answer]] = {
    "twilio": twiml,
    "signalwire": twiml,
    "telnyx": _texml,
    "plivo": _plivo,
    "vonage": _ncco,
    "exotel": _exotel,
}
_DECLINE: dict[str, Callable[[str], Answer]] = {
    "twilio": _said("Say"),
    "signalwire": _said("Say"),
    "telnyx": _said("Say"),
    "plivo": _said("Speak"),
    "vonage": _ncco_talk,
    "exotel": lambda sentence: Answer(json.dumps({"error": sentence}), JSON),  # an applet cannot speak
}
CARRIERS = tuple(_CONNECT)
