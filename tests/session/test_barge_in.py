"""What is said over a reply stops it or is answered after it; and nothing that was stopped is heard."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rtstream import AdditionalOutputs, AlgoOptions, Stream
from rtstream.clock import Clock
from rtstream.handlers.base import StreamHandlerBase
from rtstream.transports.memory import MemoryTransport

from ..helpers.dialogs import Parrot, Samples, beep, made, place_of, silence, talk, value_of
from ..helpers.memory import left_threads
from ..helpers.recordings import RATE
from .test_turns import word

FIRST, SECOND = 3000, 6000  # the values of what the first and the second reply sound like

# A word, two seconds in which it is answered, and another word over a long answer.
SAID = np.concatenate([silence(1), word(0.6), silence(2), word(0.6), silence(3)])
OVER = 3.6  # when the second word begins


class Long:
    """Answers with ten seconds, each reply with a value of its own."""

    def __init__(self) -> None:
        self.turns: list[Samples] = []
        self.closed: list[int] = []
        self.given: list[int] = []

    def __call__(self, audio: Any) -> Any:
        return self.walk(audio)

    def walk(self, audio: Any) -> Iterator[Any]:
        number = len(self.turns)
        self.turns.append(audio[1][0])
        value = (FIRST, SECOND)[number]
        try:
            for _ in range(100):
                self.given.append(value)
                yield beep(0.1, value=value)
        finally:
            self.closed.append(number)


class LongAsync(Long):
    def __call__(self, audio: Any) -> Any:
        return self.walk_async(audio)

    async def walk_async(self, audio: Any) -> AsyncIterator[Any]:
        for value in self.walk(audio):
            yield value


class LongAtOnce(Long):
    def __call__(self, audio: Any) -> Any:
        self.turns.append(audio[1][0])
        return beep(10.0, value=(FIRST, SECOND)[len(self.turns) - 1])


REPLIES: dict[str, Callable[[], Long]] = {
    "generator": Long,
    "async generator": LongAsync,
    "function": LongAtOnce,
}


@pytest.mark.parametrize("kind", REPLIES)
def test_speech_over_a_reply_stops_it_within_a_quarter_of_a_second(kind: str) -> None:
    reply = REPLIES[kind]()
    dialog = talk(made(reply), SAID)
    (_, stopped), (_, _) = dialog.spans
    assert 0.0 < stopped - OVER < 0.25
    assert dialog.values == [FIRST, SECOND]
    assert dialog.line.cleared == 1
    assert dialog.logs == [
        *("started_talking", "pause_detected", "response_starting"),
        *("started_talking", "interrupted", "pause_detected", "response_starting"),
    ]
    assert place_of(reply.turns[1], SAID) <= OVER * RATE


@pytest.mark.parametrize("kind", ["generator", "async generator"])
def test_a_generator_that_is_stopped_runs_its_finally_before_the_next_turn_is_answered(kind: str) -> None:
    reply = REPLIES[kind]()
    talk(made(reply), SAID)
    assert reply.closed == [0, 1]
    assert reply.given.count(FIRST) < 45  # and it was not walked to its end


@pytest.mark.parametrize("kind", REPLIES)
def test_speech_over_a_reply_stops_it_at_the_pause_as_in_fastrtc(kind: str) -> None:
    reply = REPLIES[kind]()
    dialog = talk(made(reply, interrupt_on="pause"), SAID)
    _, stopped = dialog.span_of(FIRST)
    assert stopped - OVER == pytest.approx(0.6 + 0.4, abs=0.1)
    assert dialog.values == [FIRST, SECOND]


def test_what_is_said_over_a_reply_that_may_not_be_interrupted_is_answered_after_it() -> None:
    turns: list[Samples] = []

    def fn(audio: Any) -> Any:
        turns.append(audio[1][0])
        return beep(4.0, value=(FIRST, SECOND)[len(turns) - 1])

    dialog = talk(made(fn, can_interrupt=False), SAID)
    first, ended = dialog.span_of(FIRST)
    assert ended - first == pytest.approx(4.0, abs=0.05)
    assert 0.0 <= dialog.span_of(SECOND)[0] - ended < 0.1
    assert dialog.line.cleared == 0
    assert place_of(turns[1], SAID) <= OVER * RATE


def test_a_handler_that_its_own_loudspeaker_reaches_does_not_answer_itself() -> None:
    echo = np.concatenate([word(0.6), silence(0.5)])
    parts = [silence(1), word(0.6), silence(0.6), *[echo] * 3, silence(1), word(0.6), silence(2)]

    def seconds(options: AlgoOptions) -> list[float]:
        parrot = Parrot(pieces=33)
        talk(made(parrot, can_interrupt=False, algo_options=options), np.concatenate(parts))
        return [len(turn) / RATE for turn in parrot.turns]

    one_word = pytest.approx(0.3 + 0.6 + 0.4, abs=0.15)
    assert seconds(AlgoOptions(deaf_after_reply=0.3)) == [one_word, one_word]
    assert max(seconds(AlgoOptions())) > 3, "the echo is a turn too where it is listened to"


def test_several_turns_over_one_reply_are_answered_together() -> None:
    said = np.concatenate([silence(1), word(0.6), silence(1), word(0.5), silence(1), word(0.5), silence(4)])
    parrot = Parrot(pieces=40)
    talk(made(parrot, can_interrupt=False), said)
    first, both = parrot.turns
    assert len(both) / RATE == pytest.approx(0.5 + 0.5 + 2 * 0.4 + 2 * 0.3, abs=0.2)


def test_too_little_speech_to_interrupt_is_answered_after_the_reply() -> None:
    parrot = Parrot(pieces=30)
    dialog = talk(made(parrot, algo_options=AlgoOptions(interrupt_after=1.0)), SAID)
    assert len(parrot.turns) == 2 and dialog.line.cleared == 0
    assert "interrupted" not in dialog.logs


def test_a_greeting_is_interrupted_like_any_reply() -> None:
    closed = []

    def greet() -> Iterator[Any]:
        try:
            for _ in range(100):
                yield beep(0.1, value=FIRST)
        finally:
            closed.append(True)

    def answer(audio: Any) -> Any:
        return beep(value=SECOND)

    dialog = talk(made(answer, startup_fn=greet), np.concatenate([silence(1), word(0.6), silence(1)]))
    assert dialog.values == [FIRST, SECOND]
    assert dialog.spans[0][0] == pytest.approx(0, abs=0.05)
    assert dialog.spans[0][1] == pytest.approx(1.15, abs=0.1)
    assert closed == [True]


# Code that is in the midst of something.


class Blocked:
    """Its first reply gives a little and then does not come back; the second answers."""

    def __init__(self, first: Callable[[Blocked], Any]) -> None:
        self.first = first
        self.turns = 0
        self.blocked = threading.Event()
        self.never = threading.Event()
        self.ended = threading.Event()

    def __call__(self, audio: Any) -> Any:
        self.turns += 1
        return self.first(self) if self.turns == 1 else iter([beep(value=SECOND)])


def in_an_event(body: Blocked) -> Iterator[Any]:
    try:
        yield beep(value=FIRST)
        body.blocked.set()
        body.never.wait()
        yield beep(10, value=FIRST)
    finally:
        body.ended.set()


def in_a_computation(body: Blocked) -> Iterator[Any]:
    try:
        yield beep(value=FIRST)
        body.blocked.set()
        while not body.never.is_set():
            time.sleep(0.001)
        yield beep(10, value=FIRST)
    finally:
        body.ended.set()


async def in_a_wait(body: Blocked) -> AsyncIterator[Any]:
    try:
        yield beep(value=FIRST)
        body.blocked.set()
        await asyncio.Event().wait()
        yield beep(10, value=FIRST)
    finally:
        body.ended.set()


@pytest.mark.parametrize("where", [in_an_event, in_a_wait])
def test_nothing_more_is_heard_of_a_reply_that_was_stopped_in_its_own_code(where: Any) -> None:
    body = Blocked(where)
    dialog = talk(made(body), SAID)
    assert body.blocked.is_set()
    assert dialog.values == [FIRST, SECOND]
    assert dialog.spans[0][1] - dialog.spans[0][0] == pytest.approx(0.1, abs=0.05)
    assert dialog.session.errors == []
    assert body.ended.wait(5)
    assert left_threads() == []


def test_a_reply_that_computes_is_stopped_where_it_runs() -> None:
    """Its thread never waits, so stepped time cannot pass meanwhile: this is in real time."""
    body = Blocked(in_a_computation)

    async def main() -> list[int]:
        stream = Stream(made(body), modality="audio", verbose=False)
        line = MemoryTransport()
        life = asyncio.ensure_future(stream.run(line, "dialog"))
        await asyncio.sleep(0)
        handler: Any = stream.handlers["dialog"]
        handler.trigger_response()
        await asyncio.to_thread(body.blocked.wait, 10)
        handler.trigger_response()
        async with asyncio.timeout(10):
            await line.until(lambda: SECOND in values(line))
        line.hang_up()
        await life
        return values(line)

    assert asyncio.run(main())[-1] == SECOND
    assert body.ended.wait(5)
    assert left_threads() == []


def values(line: MemoryTransport) -> list[int]:
    return [value_of(frame) for _, frame in line.heard]


def test_what_a_stopped_reply_puts_out_beside_its_sound_is_not_heard_of_either() -> None:
    never = threading.Event()

    def fn(audio: Any) -> Iterator[Any]:
        if not fn_turns:
            fn_turns.append(1)
            yield beep(value=FIRST)
            try:
                never.wait()
            finally:
                yield AdditionalOutputs("too late")
        yield beep(value=SECOND)

    fn_turns: list[int] = []
    dialog = talk(made(fn), SAID)
    assert [message for message in dialog.told if message["type"] == "fetch_output"] == []
    assert dialog.values == [FIRST, SECOND]


def test_of_several_sounds_in_one_value_none_is_heard_after_the_interruption() -> None:
    turns = []

    def fn(audio: Any) -> Any:
        turns.append(1)
        if len(turns) == 1:
            return [beep(5.0, value=FIRST), beep(5.0, value=FIRST + 500)]
        return beep(value=SECOND)

    dialog = talk(made(fn), SAID)
    assert dialog.values == [FIRST, SECOND]


# What was heard.


def test_the_seconds_that_were_heard_are_known_right_after_the_interruption() -> None:
    reply = Long()
    known: list[float] = []

    async def look(stream: Stream, line: MemoryTransport) -> None:
        handler: Any = stream.handlers["dialog"]
        await line.until(lambda: line.cleared == 1)
        known.append(handler.seconds_heard)
        await Clock().sleep(0.3)
        known.append(handler.seconds_heard)

    dialog = talk(made(reply), SAID, meanwhile=look)
    (begun, stopped), _ = dialog.spans
    assert known == pytest.approx([stopped - begun] * 2, abs=0.03)


@pytest.mark.parametrize("lead", [0.0, 0.2])
def test_the_seconds_that_were_heard_do_not_count_what_the_far_end_threw_away(lead: float) -> None:
    """A carrier holds some of the reply; `clear` empties it."""
    known: list[float] = []

    async def look(stream: Stream, line: MemoryTransport) -> None:
        handler: Any = stream.handlers["dialog"]
        assert handler.seconds_heard == 0.0
        await line.until(lambda: line.cleared == 1)
        known.append(handler.seconds_heard)
        await line.until(lambda: SECOND in values(line))
        known.append(handler.seconds_heard)
        await Clock().sleep(1.0)
        known.append(handler.seconds_heard)

    line: Callable[[], MemoryTransport] = lambda: MemoryTransport(lead=lead)  # noqa: E731
    dialog = talk(made(Long()), SAID, meanwhile=look, line=line)
    begun, stopped = dialog.span_of(FIRST)  # when it was sent: the last of it is still held
    assert known[0] == pytest.approx(stopped - begun, abs=0.04)
    assert known[1] == pytest.approx(0.0, abs=0.04)
    assert known[2] == pytest.approx(1.0, abs=0.04)


def test_a_handler_without_a_connection_has_nothing_heard() -> None:
    handler: StreamHandlerBase = made(Long())
    assert handler.seconds_heard == 0.0  # type: ignore[attr-defined]


# Where nothing is heard, nothing is in the way.


def test_a_stream_that_only_listens_answers_every_turn_whole() -> None:
    """In mode "send" a transcript that takes a while is not cut short by the next words."""
    done: list[int] = []

    async def transcribe(audio: Any) -> AsyncIterator[Any]:
        await Clock().sleep(2.0)
        done.append(audio[1].shape[1])
        yield AdditionalOutputs(len(done))

    said = np.concatenate(
        [silence(1), word(0.6), silence(0.7), word(0.6), silence(0.7), word(0.6), silence(5)]
    )
    dialog = talk(made(transcribe), said, mode="send")
    assert "interrupted" not in dialog.logs
    assert len(done) == 2 and done[1] > 1.5 * done[0]
    assert sum(message["type"] == "fetch_output" for message in dialog.told) == 2
