"""What the carriers have in common that speak JSON: one wire, and a table for each dialect."""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..context import Call
from ..errors import BadMessage
from ..media.frames import FRAME_SECONDS, AudioFrame
from .base import Event, Marked, Started, Stopped, digits_in, parse_object, payload_of, text_in
from .codecs import RATES, Codec

LEAD = 0.2  # seconds that a carrier may hold: it plays them out evenly, and `clear` empties it


@dataclass(frozen=True)
class Dialect:
    """The words of one carrier.

    Attributes:
        carrier: its name.
        stream, call: the keys of the stream's id and of the call's.
        codecs: by the name in `start`, how its sound is written and how ours is. The first is used when it
            names none.
        format, rate: the keys of the sound's format in `start`, and of its samples a second there.
        parameters: the key of the custom parameters in `start`.
        media, mark, clear, played: the events to the carrier, and the one that answers a mark.
        names_stream: whether messages to it carry the stream's id.
        bare_mark: whether a mark's name stands in the message itself, not in a `mark` within.
        piece: seconds of sound in one message.
    """

    carrier: str
    stream: str
    call: str
    codecs: Mapping[str, tuple[Codec, Codec]]
    format: str = "media_format"
    rate: str = "sample_rate"
    parameters: str = "custom_parameters"
    media: str = "media"
    mark: str = "mark"
    clear: str = "clear"
    played: str = "mark"
    names_stream: bool = True
    bare_mark: bool = False
    piece: float = FRAME_SECONDS


class CarrierWire:
    """A carrier that sends `start`, `media`, `dtmf`, `stop` and what answers a mark, all as JSON."""

    dialect: ClassVar[Dialect]

    phone = True
    lead = LEAD

    def __init__(self) -> None:
        self.rate: int | None = RATES[0]
        self.piece = self.dialect.piece
        self._decode, self._encode = next(iter(self.dialect.codecs.values()))
        self._stream = ""
        self._heads = dict.fromkeys((self.dialect.media, self.dialect.mark, self.dialect.clear), "")
        self._before = ""  # all of a media message that stands before its payload

    @classmethod
    def knows(cls, start: dict[str, Any]) -> bool:
        """Whether a `start` message is of this dialect."""
        return _id_in(start, cls.dialect.stream) is not None

    def decode(self, said: str | bytes) -> list[Event]:
        message = parse_object(said)
        match message.get("event"):
            case "media":
                return self._sound(message)
            case "start":
                return [self._started(message)]
            case "dtmf":
                return digits_in(message.get("dtmf"))
            case "stop":
                return [Stopped()]
            case self.dialect.played:
                name = text_in(message if self.dialect.bare_mark else message.get("mark"), "name")
                return [Marked(name)] if name is not None else []
            case str():  # connected, error, and what the carrier may add
                return []
            case _:
                raise BadMessage("a message names no event", fix="Send the carrier's media stream messages")

    def hear_at(self, rate: int) -> None:
        """Nothing to tell: a telephone has its own rate."""

    def encode(self, frame: AudioFrame) -> str | bytes:
        payload = b2a_base64(self._encode.encode(frame.samples[0]), newline=False).decode()
        return f'{self._before}{payload}"}}}}'  # as json.dumps would, at a quarter of its price

    def mark(self, name: str) -> str | None:
        content = {"name": name} if self.dialect.bare_mark else {"mark": {"name": name}}
        return self._heads[self.dialect.mark] + json.dumps(content)[1:]

    def clear(self) -> str | None:
        return self._heads[self.dialect.clear].removesuffix(", ") + "}"

    def press(self, digits: str) -> str | None:
        return None

    def _format(self) -> str:
        """What a message says of its sound's format, followed by a comma."""
        return ""

    def _sound(self, message: dict[str, Any]) -> list[Event]:
        media = message.get("media")
        if isinstance(media, dict) and str(media.get("track", "")).startswith("outbound"):
            return []  # what we said ourselves, where both tracks are streamed
        assert self.rate is not None
        return [AudioFrame(self._decode.decode(payload_of(message))[None, :], self.rate)]

    def _started(self, message: dict[str, Any]) -> Started:
        id = _id_in(message, self.dialect.stream)
        if id is None:
            raise BadMessage(
                f"`start` names no {self.dialect.stream}", fix=f"Send {self.dialect.carrier}'s start message"
            )
        start = message.get("start")
        if not self._stream:
            self._stream = id
            self._take_format(start)
            named = {self.dialect.stream: id} if self.dialect.names_stream else {}
            self._heads = {event: json.dumps({"event": event, **named})[:-1] + ", " for event in self._heads}
            self._before = f'{self._heads[self.dialect.media]}"media": {{{self._format()}"payload": "'
        return Started(self._stream, self._call(message, start if isinstance(start, dict) else {}))

    def _take_format(self, start: Any) -> None:
        told = start.get(self.dialect.format) if isinstance(start, dict) else None
        if not isinstance(told, dict):
            return
        encoding = str(told.get("encoding") or "").partition(";")[0].strip()  # audio/x-mulaw;rate=8000
        rate = told.get(self.dialect.rate)
        rate = str(RATES[0] if rate is None else rate)
        codecs = {name.lower(): pair for name, pair in self.dialect.codecs.items()}
        if encoding:
            if (pair := codecs.get(encoding.lower())) is None:
                raise BadMessage(
                    f"the call's sound is in {encoding!r:.40}",
                    why=f"of {self.dialect.carrier}'s formats these can be taken: {', '.join(codecs)}",
                    fix="Choose one of these where the stream is set up",
                )
            self._decode, self._encode = pair
        if rate not in map(str, RATES):
            raise BadMessage(f"the call's sound has {rate:.20} samples a second", fix="Choose 8000 or 16000")
        self.rate = int(rate)

    def _call(self, message: dict[str, Any], start: dict[str, Any]) -> Call:
        parameters = start.get(self.dialect.parameters)
        return Call(
            self.dialect.carrier,
            text_in(start, self.dialect.call) or "",
            text_in(start, "from") or "",
            text_in(start, "to") or "",
            parameters if isinstance(parameters, dict) else {},
        )


def _id_in(message: dict[str, Any], key: str) -> str | None:
    return text_in(message, key) or text_in(message.get("start"), key)
