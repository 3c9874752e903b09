"""Marks: a carrier tells what it has really played, and the seconds of a reply that were heard follow it."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
from starlette.websockets import WebSocketState

from rtstream import Stream
from rtstream.clock import Clock, pass_turn
from rtstream.media.g711 import ulaw_encode
from rtstream.transports.marks import KEPT, LATEST, Marks
from rtstream.transports.memory import MemoryTransport
from rtstream.wire.base import Marked
from rtstream.wire.browser import BrowserWire
from rtstream.wire.twilio import TwilioWire

from ..helpers.dialogs import Samples, beep, made, silence, talk
from ..helpers.memory import stepped
from ..helpers.recordings import RATE
from .test_turns import resampled, word

SAID = np.concatenate([silence(0.5), word(0.6), silence(2.4), word(0.6), silence(3)])


class Carrier:
    """A telephone carrier at the other end of a WebSocket, who plays what it is sent so many seconds late."""

    path_params: dict[str, Any] = {}

    def __init__(self, late: float, *, answers: bool = True) -> None:
        self.client_state, self.application_state = WebSocketState.CONNECTED, WebSocketState.CONNECTING
        self.late, self.answers = late, answers
        self.sent: list[dict[str, Any]] = []
        self.played = 0.0
        self.cleared_at: list[float] = []
        self._plays_until = 0.0
        self._marks: list[tuple[float, str]] = []
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def accept(self) -> None:
        self.application_state = WebSocketState.CONNECTED
        self.say({"event": "start", "streamSid": "MZ1", "start": {"streamSid": "MZ1"}})

    def say(self, message: dict[str, Any]) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def leave(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect"})

    async def receive(self) -> dict[str, Any]:
        return await self._in.get()

    async def close(self, code: int = 1000, why: str = "") -> None:
        self.application_state = WebSocketState.DISCONNECTED

    async def send_text(self, text: str) -> None:
        message, now = json.loads(text), Clock().now()
        self.sent.append(message)
        match message:
            case {"event": "media"}:
                self._plays_until = max(self._plays_until, now + self.late) + 0.02
                self.played += 0.02
            case {"event": "mark", "mark": {"name": name}}:
                self._marks.append((max(now, self._plays_until), name))
            case {"event": "clear"}:
                self.played -= max(0.0, min(self._plays_until - now, self.played))
                self.cleared_at.append(self.played)
                self._plays_until = now
                self._marks = [(now, name) for _, name in self._marks]
        self.answer()

    def answer(self) -> None:
        """Send back the marks that were reached."""
        now = Clock().now()
        for due, name in [mark for mark in self._marks if mark[0] <= now]:
            self._marks.remove((due, name))
            if self.answers:
                self.say({"event": "mark", "streamSid": "MZ1", "mark": {"name": name}})


def call(carrier: Carrier, heard: list[float], said: Samples = SAID) -> Stream:
    """Speak over a long reply on the telephone; `heard` is what the handler knows at the interruption."""
    narrow = resampled(said, RATE, 8000)

    async def main() -> Stream:
        stream = Stream(made(lambda audio: beep(10.0)), modality="audio", verbose=False)
        life = asyncio.ensure_future(stream.telephone_handler(carrier))  # type: ignore[arg-type]
        await pass_turn()
        for at in range(0, len(narrow) - 159, 160):
            payload = b64encode(ulaw_encode(narrow[at : at + 160])).decode()
            carrier.say({"event": "media", "media": {"payload": payload}})
            await Clock().sleep(0.02)
            carrier.answer()
            if len(carrier.cleared_at) > len(heard):
                handler: Any = stream.handlers["MZ1"]
                heard.append(handler.seconds_heard)
        carrier.leave()
        await life
        return stream

    return stepped(main())


@pytest.mark.parametrize("late", [0.0, 0.3, 0.8])
def test_what_was_heard_of_an_interrupted_reply_is_what_the_carrier_played(late: float) -> None:
    carrier, heard = Carrier(late), list[float]()
    call(carrier, heard)
    assert carrier.cleared_at == pytest.approx(heard, abs=0.06)
    assert heard[0] == pytest.approx(2.36 - late, abs=0.1)


def test_a_carrier_that_answers_no_marks_is_taken_to_be_in_time() -> None:
    carrier, heard = Carrier(0.0, answers=False), list[float]()
    call(carrier, heard)
    assert heard == pytest.approx(carrier.cleared_at, abs=0.06)


def test_marks_go_out_at_the_beginning_of_a_reply_and_once_a_second() -> None:
    carrier = Carrier(0.0)
    call(carrier, [])
    events = [message["event"] for message in carrier.sent]
    assert events[:2] == ["media", "mark"]
    first = events[: events.index("clear")]
    assert first.count("mark") == 1 + (first.count("media") - 1) // 50
    assert set(events) == {"media", "mark", "clear"}
    assert all(message["streamSid"] == "MZ1" for message in carrier.sent)


def test_the_next_turn_waits_until_a_late_carrier_has_played_the_reply() -> None:
    """What is said meanwhile, and may not interrupt, is answered after it."""
    spans: list[float] = []
    for behind in (0.0, 0.5):

        def line(behind: float = behind) -> MemoryTransport:
            made_line = MemoryTransport(rate=8000, phone=True, lead=0.2)
            made_line.behind = behind
            return made_line

        handler = made(lambda audio: beep(3.0), can_interrupt=False)
        dialog = talk(handler, SAID, line=line)
        ((_, _), (second, _)) = dialog.spans
        spans.append(second)
    assert spans[1] - spans[0] == pytest.approx(0.5, abs=0.05)


# The marks themselves.


def test_lateness_is_what_a_mark_comes_back_too_late() -> None:
    async def main() -> None:
        marks, clock = Marks(), Clock()
        name = marks.after(0.02)
        assert name is not None
        assert [marks.after(0.02) for _ in range(49)] == [None] * 49
        assert marks.after(0.02) is not None
        await clock.sleep(0.02 + 0.3)
        marks.reached(name)
        assert marks.behind == pytest.approx(0.3)
        marks.reached(name)
        marks.reached("not ours")
        assert marks.behind == pytest.approx(0.3)

    stepped(main())


def test_a_mark_that_comes_early_is_in_time_and_one_that_comes_far_too_late_is_not_believed() -> None:
    async def main() -> None:
        marks, clock = Marks(), Clock()
        early = marks.after(5.0)
        assert early is not None
        marks.reached(early)
        assert marks.behind == 0.0
        await clock.sleep(6)
        late = marks.after(0.02)
        assert late is not None
        await clock.sleep(3600)
        marks.reached(late)
        assert marks.behind == LATEST

    stepped(main())


def test_marks_that_come_back_because_all_was_cleared_say_nothing() -> None:
    async def main() -> None:
        marks, clock = Marks(), Clock()
        name = marks.after(1.0)
        assert name is not None
        await clock.sleep(3.0)
        marks.clear()
        marks.reached(name)
        assert marks.behind == 0.0
        assert marks.after(0.02) is not None  # what comes now is a new beginning

    stepped(main())


def test_marks_that_never_come_back_are_not_kept_for_ever() -> None:
    async def main() -> None:
        marks = Marks()
        for _ in range(10 * KEPT):
            marks.after(1.0)
        assert len(marks._due) == KEPT

    stepped(main())


def test_twilios_marks_go_out_and_come_back_by_name() -> None:
    wire = TwilioWire()
    wire.decode('{"event": "start", "streamSid": "MZ1"}')
    assert json.loads(wire.mark("7") or "") == {"event": "mark", "streamSid": "MZ1", "mark": {"name": "7"}}
    back = {"event": "mark", "sequenceNumber": "9", "streamSid": "MZ1", "mark": {"name": "7"}}
    assert wire.decode(json.dumps(back)) == [Marked("7")]
    for strange in ({"event": "mark"}, {"event": "mark", "mark": {"name": 7}}, {"event": "mark", "mark": []}):
        assert wire.decode(json.dumps(strange)) == []


def test_other_sockets_have_no_marks() -> None:
    assert BrowserWire().mark("7") is None
