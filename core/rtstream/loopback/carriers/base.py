"""What a caller needs of a carrier: its messages to the server, and what the server may send it.

Written from the carriers' documentation and apart from the server's wires, so that the two check each other.
"""

from __future__ import annotations

import base64
import binascii
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtstream.media.frames import AudioFrame


class Breach(Exception):
    """The server sent what the carrier does not document; the message completes "the server …"."""


@dataclass(frozen=True)
class Mark:
    """The server wants to be told when everything before this has been played."""

    name: str


@dataclass(frozen=True)
class Clear:
    """The server wants everything forgotten that has not been played."""


@dataclass(frozen=True)
class Dialled:
    """The server presses keys."""

    digits: str


Said = AudioFrame | Mark | Clear | Dialled


class Carrier(ABC):
    """One call of one carrier.

    Args:
        id: goes out as the stream's id, so that the call can be found at the server.

    Attributes:
        rate: samples a second of the sound, both ways.
        returns_marks: whether a clear brings back the marks that it overtakes.
        holds: how many seconds of sound the carrier keeps for playing; more is lost.
    """

    rate = 8000
    returns_marks = True
    holds = 600.0

    def __init__(self, id: str) -> None:
        self.id = id

    @abstractmethod
    def opening(self) -> list[str]:
        """What is said before any sound."""

    @abstractmethod
    def sound(self, frame: AudioFrame) -> str | bytes | None:
        """The message with the next 20 ms of the caller's sound; None while it is being gathered."""

    @abstractmethod
    def key(self, digit: str) -> str:
        """The message that the caller has pressed a key."""

    @abstractmethod
    def reached(self, name: str) -> str:
        """The message that a mark was reached."""

    def cleared(self) -> str | None:
        """The message that everything was forgotten, if the carrier sends one."""
        return None

    def closing(self) -> str | None:
        """What is said at the end of the call, if anything."""
        return None

    @abstractmethod
    def understand(self, said: str | bytes) -> Said:
        """What the server wants with a message.

        Raises:
            Breach: the carrier documents no such message.
        """


def message_in(said: str | bytes) -> dict[str, Any]:
    """The JSON object in a message. Raises Breach if there is none."""
    try:
        message = json.loads(said) if isinstance(said, str) else None
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise Breach(f"sent {said[:40]!r}, which is no JSON object")
    return message


def bytes_in(payload: Any, event: str) -> bytes:
    """The bytes of a payload in base64. Raises Breach if it is none."""
    if not isinstance(payload, str):
        raise Breach(f"sent {event} without its content")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error:
        raise Breach(f"sent {event} whose payload is no base64") from None


def linear(coded: bytes, rate: int, order: str = "<") -> AudioFrame:
    """Sound of 16 bits a sample. Raises Breach for half a sample."""
    if len(coded) % 2:
        raise Breach(f"sent {len(coded)} bytes of sound, which are no whole number of samples")
    return AudioFrame(np.frombuffer(coded, f"{order}i2").astype(np.int16)[np.newaxis], rate)


def linear_bytes(frame: AudioFrame) -> bytes:
    """Sound as 16 bits a sample, the low byte first."""
    coded: bytes = frame.samples[0].astype("<i2").tobytes()
    return coded


class JsonCarrier(Carrier):
    """A carrier that numbers its messages and says everything in JSON, sound in base64.

    Attributes:
        events: of media, mark and clear, to the carrier.
        stream_key, sequence_key: under which names the stream's id and the number stand.
        number: how a number is written.
    """

    events = ("media", "mark", "clear")
    stream_key = "streamSid"
    sequence_key = "sequenceNumber"
    number: type[str] | type[int] = str
    named = True  # whether the server's messages carry the stream's id

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self._sent = 0
        self._chunk = 0
        self._milliseconds = 0

    @abstractmethod
    def coded(self, frame: AudioFrame) -> bytes:
        """Sound as the carrier writes it."""

    @abstractmethod
    def decoded(self, media: dict[str, Any]) -> AudioFrame:
        """The sound in a server's message. Raises Breach."""

    def sound(self, frame: AudioFrame) -> str | bytes | None:
        return self.media(frame)

    def media(self, frame: AudioFrame) -> str:
        """The message with a piece of sound."""
        self._chunk += 1
        media = {
            **self.track(),
            "chunk": self.number(self._chunk),
            "timestamp": str(self._milliseconds),
            "payload": base64.b64encode(self.coded(frame)).decode(),
        }
        self._milliseconds += round(frame.duration * 1000)
        return self.numbered("media", media=media)

    def track(self) -> dict[str, str]:
        """Which track the caller's sound is, where the carrier says so."""
        return {"track": "inbound"}

    def key(self, digit: str) -> str:
        return self.numbered("dtmf", dtmf={"digit": digit})

    def reached(self, name: str) -> str:
        return self.numbered("mark", mark={"name": name})

    def numbered(self, event: str, **content: Any) -> str:
        """The next message to the server."""
        self._sent += 1
        head = {"event": event, self.sequence_key: self.number(self._sent), self.stream_key: self.id}
        return json.dumps({**head, **content})

    def understand(self, said: str | bytes) -> Said:
        message = message_in(said)
        media, mark, clear = self.events
        event = message.get("event")
        if event not in self.events:
            raise Breach(f"sent the event {event!r}; a server may send {media}, {mark} and {clear}")
        if self.named and message.get(self.stream_key) != self.id:
            told = message.get(self.stream_key)
            raise Breach(f"sent {event} with the {self.stream_key} {told!r}, not {self.id!r}")
        if event == clear:
            return Clear()
        if event == mark:
            return Mark(self.mark_in(message))
        content = message.get("media")
        if not isinstance(content, dict):
            raise Breach(f"sent {event} without its content")
        return self.decoded(content)

    def mark_in(self, message: dict[str, Any]) -> str:
        """The name of a mark. Raises Breach."""
        content = message.get("mark")
        name = content.get("name") if isinstance(content, dict) else None
        if not isinstance(name, str) or not name:
            raise Breach("sent mark without its content")
        return name
