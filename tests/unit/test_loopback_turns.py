"""The turns of a call: what was said, when the reply was heard, whether it was interrupted."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rtstream.loopback.taken import Taken
from rtstream.loopback.turns import Turn, turns_of
from rtstream.media.frames import AudioFrame

RATE = 8000
STARTED = 100.0  # the caller's clock when sending began
LOUD, SOFT, SILENT = 8000, 200, 0


def piece(value: int) -> AudioFrame:
    return AudioFrame(np.full((1, RATE // 50), value, np.int16), RATE)


class Call:
    """What a caller brings home, put together in seconds from the beginning."""

    def __init__(self) -> None:
        self.taken = Taken("websocket", started=STARTED)

    def say(self, begun: float, ended: float, value: int = LOUD) -> None:
        """Say something; silence fills up what comes before it."""
        while (at := len(self.taken.said) * 0.02) < begun - 0.001:
            self.taken.say(piece(SILENT), STARTED + at)
        while (at := len(self.taken.said) * 0.02) < ended - 0.001:
            self.taken.say(piece(value), STARTED + at)

    def hear(self, begun: float, ended: float, value: int = LOUD) -> None:
        for number in range(round((ended - begun) * 50)):
            self.taken.hear(piece(value), STARTED + begun + number * 0.02)

    def told(self, at: float, data: str, **more: Any) -> None:
        self.taken.read(json.dumps({"type": "log", "data": data, **more}), STARTED + at)

    def turns(self, *, by_ear: bool = False) -> list[Turn]:
        return turns_of(self.taken, by_ear=by_ear)


def asked(speech: list[float] | None = None) -> Call:
    """A caller who speaks from 1 to 2 s and is answered from 2.4 s on."""
    call = Call()
    call.say(1.0, 2.0)
    call.say(3.0, 3.0)
    call.told(1.1, "started_talking")
    call.told(2.4, "pause_detected", **({"speech": speech} if speech else {}))
    call.told(2.4, "response_starting")
    return call


def test_a_turn_is_when_the_caller_spoke_and_when_the_reply_was_heard() -> None:
    call = asked([1.02, 2.05])
    call.hear(2.5, 3.5)
    assert call.turns() == [Turn(1.0, 2.0, reply=2.5, reply_ended=3.5, latency_ms=500.0, heard=1.0)]


def test_the_speech_ends_where_the_caller_ended_not_where_the_detector_let_go() -> None:
    (turn,) = asked([1.02, 2.3]).turns()
    assert (turn.began, turn.ended) == (1.0, 2.0)


def test_what_the_detector_did_not_take_for_speech_is_no_speech() -> None:
    (turn,) = asked([1.5, 1.8]).turns()
    assert (turn.began, turn.ended) == pytest.approx((1.4, 1.8), abs=0.02)


def test_where_nothing_was_said_the_detector_is_believed() -> None:
    call = Call()
    call.told(2.4, "pause_detected", speech=[1.0, 2.0])
    assert [(turn.began, turn.ended) for turn in call.turns()] == [(1.0, 2.0)]


def test_the_silence_at_the_beginning_of_a_reply_is_waited_for_and_its_own_pauses_are_heard() -> None:
    call = asked([1.02, 2.05])
    call.hear(2.5, 2.8, SILENT)
    call.hear(2.8, 3.0)
    call.hear(3.0, 3.2, SILENT)
    call.hear(3.2, 3.4)
    call.hear(3.4, 3.9, SILENT)
    (turn,) = call.turns()
    assert (turn.reply, turn.reply_ended, turn.latency_ms) == (2.8, 3.4, 800.0)
    assert turn.heard == pytest.approx(0.6)


def test_a_turn_without_a_reply_has_no_latency() -> None:
    call = asked([1.02, 2.05])
    call.hear(2.5, 3.5, SILENT)
    assert call.turns() == [Turn(1.0, 2.0)]


def test_a_turn_that_the_handler_answers_with_nothing_is_a_turn() -> None:
    call = Call()
    call.say(1.0, 2.0)
    call.told(2.4, "pause_detected", speech=[1.0, 2.0])
    call.told(4.4, "pause_detected", speech=[3.0, 4.0])
    call.told(4.4, "response_starting")
    call.hear(4.5, 5.0)
    assert [turn.reply for turn in call.turns()] == [None, 4.5]


def interrupted() -> Call:
    """A caller who speaks over the reply from 3 s on; it falls silent at 3.2 s."""
    call = asked([1.02, 2.05])
    call.hear(2.5, 3.2)
    call.say(3.0, 4.0)
    call.told(3.15, "interrupted")
    call.told(3.15, "started_talking")
    call.told(4.4, "pause_detected", speech=[3.02, 4.03])
    call.told(4.4, "response_starting")
    call.hear(4.5, 5.0)
    return call


def test_an_interruption_is_timed_from_the_first_word_to_the_silence() -> None:
    first, second = interrupted().turns()
    assert (first.interrupted, first.silence_ms, first.heard) == (True, 200.0, 0.7)
    assert (second.interrupted, second.silence_ms, second.reply, second.heard) == (False, None, 4.5, 0.5)


def test_an_interruption_by_something_that_is_no_turn_is_not_timed() -> None:
    call = asked([1.02, 2.05])
    call.hear(2.5, 3.2)
    call.told(3.15, "interrupted")
    (turn,) = call.turns()
    assert (turn.interrupted, turn.silence_ms) == (True, None)


def test_one_who_is_interrupted_while_still_thinking_has_said_nothing() -> None:
    call = Call()
    call.say(1.0, 2.0)
    call.told(2.4, "pause_detected", speech=[1.0, 2.0])
    call.told(3.15, "interrupted")
    assert call.turns() == [Turn(1.0, 2.0, interrupted=True)]


def test_a_greeting_is_no_turn_and_neither_is_its_interruption() -> None:
    call = Call()
    call.told(0.1, "response_starting")
    call.hear(0.1, 1.2)
    call.told(1.1, "interrupted")
    assert call.turns() == []
    call.say(1.0, 2.0)
    call.told(2.4, "pause_detected", speech=[1.0, 2.0])
    call.told(2.4, "response_starting")
    call.hear(2.5, 3.0)
    assert [(turn.reply, turn.interrupted) for turn in call.turns()] == [(2.5, False)]


def test_an_older_servers_words_do_not_tell_when_the_caller_spoke_but_we_know() -> None:
    call = asked()
    call.hear(2.5, 3.5)
    call.say(4.0, 4.5)
    call.say(4.7, 5.0)
    call.told(5.4, "pause_detected")
    assert [(turn.began, turn.ended, turn.latency_ms) for turn in call.turns()] == [
        (1.0, 2.0, 500.0),
        (4.0, 5.0, None),
    ]


def test_a_pause_after_nothing_is_a_turn_of_no_length() -> None:
    call = Call()
    call.told(2.4, "pause_detected", speech="nonsense")
    assert [(turn.began, turn.ended) for turn in call.turns()] == [(2.4, 2.4)]


def test_other_messages_are_none_of_ours() -> None:
    call = Call()
    for text in ("pause_detected", '["log"]', '{"type": "log", "data": "Server received: hi"}'):
        call.taken.read(text, STARTED)
    assert call.turns() == []


# Where nothing is told.


def test_a_reply_that_nothing_is_told_of_is_heard_all_the_same() -> None:
    call = Call()
    call.say(1.0, 2.0)
    call.say(4.0, 5.0)
    call.hear(2.5, 3.0)
    call.hear(3.8, 3.9)  # goes on after a pause
    call.hear(5.4, 6.0)
    assert call.turns() == []
    assert [(turn.ended, turn.latency_ms, turn.reply_ended) for turn in call.turns(by_ear=True)] == [
        (2.0, 500.0, 3.9),
        (5.0, 400.0, 6.0),
    ]


def test_an_echo_is_no_reply() -> None:
    call = Call()
    for second in (1.0, 3.0, 5.0):
        call.say(second, second + 1.0)
        call.hear(second + 0.06, second + 1.06)
    assert call.turns(by_ear=True) == []


def test_a_reply_before_anybody_has_spoken_answers_nobody() -> None:
    call = Call()
    call.hear(0.2, 0.8)
    assert call.turns(by_ear=True) == []


def test_a_reply_that_the_far_end_has_forgotten_by_us_was_interrupted() -> None:
    call = Call()
    call.say(1.0, 2.0)
    call.hear(2.4, 3.2)
    call.taken.clear(STARTED + 3.1)
    call.say(3.0, 4.0, SOFT)
    call.say(4.0, 4.2)
    call.hear(4.6, 5.0)
    first, second = call.turns(by_ear=True)
    assert (first.interrupted, first.reply_ended) == (True, 3.1)
    assert (second.interrupted, second.reply) == (False, 4.6)
