"""Whichever carrier calls: its dialect is recognised from the first messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import BadMessage
from ..media.frames import FRAME_SECONDS, AudioFrame
from .base import Event, Stopped, Wire, parse_object
from .carrier import LEAD, CarrierWire
from .exotel import ExotelWire
from .plivo import PlivoWire
from .telnyx import TelnyxWire
from .twilio import TwilioWire
from .vonage import VonageWire

SPEAK_START: tuple[type[CarrierWire], ...] = (TwilioWire, TelnyxWire, PlivoWire, ExotelWire)


class TelephoneWire:
    """The dialect of `/telephone/handler`: that of the carrier at the other end."""

    phone = True
    lead = LEAD

    def __init__(self) -> None:
        self.rate: int | None = None
        self.piece = FRAME_SECONDS
        self._wire: Wire | None = None
        self.decode: Callable[[str | bytes], list[Event]] = self._recognise
        self.encode: Callable[[AudioFrame], str | bytes]  # there once the carrier has said who it is

    def _recognise(self, said: str | bytes) -> list[Event]:
        message = parse_object(said)
        wire = recognised(message)
        if wire is None:  # `connected`, or a call that is over before it has begun
            return [Stopped()] if message.get("event") == "stop" else []
        events = wire.decode(said)
        self._wire, self.rate, self.piece = wire, wire.rate, wire.piece
        self.decode, self.encode = wire.decode, wire.encode  # most of a call is these two
        return events

    def hear_at(self, rate: int) -> None:
        """Nothing to tell: a telephone has its own rate."""

    def mark(self, name: str) -> str | None:
        return self._found.mark(name)

    def clear(self) -> str | None:
        return self._found.clear()

    def press(self, digits: str) -> str | None:
        return self._found.press(digits)

    @property
    def _found(self) -> Wire:
        assert self._wire is not None
        return self._wire


def recognised(message: dict[str, Any]) -> Wire | None:
    """The wire of the carrier that opens with such a message; None when that is still to be seen.

    Raises:
        BadMessage: no carrier opens so.
    """
    if VonageWire.knows(message):
        return VonageWire()
    match message.get("event"):
        case "start":
            for kind in SPEAK_START:
                if kind.knows(message):
                    return kind()
            why = "it names no streamSid, stream_id, streamId or stream_sid"
            raise BadMessage(
                "`start` is of no carrier that is known", why=why, fix="Send a carrier's start message"
            )
        case "media":
            raise BadMessage("sound came before `start`", fix="Send the carrier's `start` message first")
        case str():  # connected
            return None
        case _:
            raise BadMessage("a message names no event", fix="Send the carrier's media stream messages")
