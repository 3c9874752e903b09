"""A telephone carrier that calls: says a script in its dialect, and plays what it is sent in time."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from websockets.exceptions import ConnectionClosed

from rtstream.loopback.carriers import CARRIERS
from rtstream.loopback.carriers.base import Breach, Carrier, Clear, Dialled, Mark, Said
from rtstream.loopback.pacing import sound
from rtstream.loopback.socket import closed_well, connected
from rtstream.loopback.taken import Taken
from rtstream.media.frames import AudioFrame
from rtstream.transports.file import Script

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection


class Waiting(NamedTuple):
    """A mark that is to come back when everything before it has been played."""

    due: float
    name: str


class Handset:
    """What a caller hears: plays what it is sent one after another, and says what the carrier answers.

    Every message that the carrier does not document goes to `taken.breaches`, as does sound that the
    carrier has no room for, and a mark that bears the name of one that is still waited for.
    """

    def __init__(self, carrier: Carrier, taken: Taken) -> None:
        self._carrier = carrier
        self._taken = taken
        self._marks: list[Waiting] = []
        self._answers: list[str] = []

    def take(self, said: str | bytes, now: float) -> None:
        """Take one message from the server, that came `now`."""
        if isinstance(said, str) and _is_refusal(said):
            self._taken.read(said, now)
            return
        try:
            self._obey(self._carrier.understand(said), now)
        except Breach as breach:
            self._taken.breach(str(breach))

    def answers(self, now: float) -> list[str]:
        """What the carrier says by now: marks that were reached, and that all was cleared."""
        told, self._answers = self._answers, []
        told += [self._carrier.reached(mark.name) for mark in self._marks if mark.due <= now]
        self._marks = [mark for mark in self._marks if mark.due > now]
        return told

    def _obey(self, said: Said, now: float) -> None:
        match said:
            case AudioFrame():
                if self._taken.played_until - now > self._carrier.holds:
                    raise Breach(f"is more than {self._carrier.holds:g} s ahead: what it sends then is lost")
                self._taken.hear(said, now)
            case Mark(name):
                if any(mark.name == name for mark in self._marks):
                    raise Breach(f"sent the mark {name!r} again before it came back")
                self._marks.append(Waiting(max(now, self._taken.played_until), name))
            case Clear():
                self._taken.clear(now)
                due = now if self._carrier.returns_marks else None
                self._marks = [] if due is None else [Waiting(due, mark.name) for mark in self._marks]
                if (told := self._carrier.cleared()) is not None:
                    self._answers.append(told)
            case Dialled(digits):
                self._taken.keys += digits


def _is_refusal(said: str) -> bool:
    """Whether it is how FastRTC's servers refuse a call, which is an error and no breach."""
    try:
        message = json.loads(said)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("status") == "failed"


async def call(url: str, script: Script, call_id: str, carrier: str = "twilio") -> Taken:
    """Call a stream's telephone handler, say what the script says, press its keys, and hang up.

    Args:
        url: of the stream, as in `http://127.0.0.1:8000`; `/telephone/handler` is added.
        script: what to say, which keys to press, and how long to listen.
        call_id: goes out as the stream's id.
        carrier: in whose dialect.

    Raises:
        ServerUnreachable: nobody answers there.
        ConnectionRefused: the server wants no such call.
    """
    taken = Taken("phone")
    line = CARRIERS[carrier](call_id)
    handset = Handset(line, taken)
    async with connected(url, "/telephone/handler") as socket:
        listening = asyncio.create_task(_listen(socket, handset, taken))
        with suppress(ConnectionClosed):
            await _speak(socket, line, handset, script, taken)
        await socket.close()
        await listening
    return taken


async def _speak(
    socket: ClientConnection, line: Carrier, handset: Handset, script: Script, taken: Taken
) -> None:
    loop, keys = asyncio.get_running_loop(), list(script.keys)
    for text in line.opening():
        await socket.send(text)
    async for frame in sound(script, taken, line.rate):
        if (message := line.sound(frame)) is not None:
            await socket.send(message)
        now = loop.time()
        while keys and keys[0].at <= now - taken.started:
            await socket.send(line.key(keys.pop(0).digit))
        for text in handset.answers(now):
            await socket.send(text)
    if (message := line.closing()) is not None:
        await socket.send(message)


async def _listen(socket: ClientConnection, handset: Handset, taken: Taken) -> None:
    with closed_well(taken):
        async for said in socket:
            handset.take(said, asyncio.get_running_loop().time())
