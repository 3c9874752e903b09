"""What a carrier's webhook is answered: TwiML that connects the call to a WebSocket."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring


def connect_to(url: str) -> str:
    """TwiML that connects a call to the media stream at `url` (twilio.com/docs/voice/twiml/stream)."""
    response = Element("Response")
    SubElement(SubElement(response, "Connect"), "Stream", url=url)
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(response, encoding="unicode")
