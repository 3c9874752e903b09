"""The speculative start: a reply is prepared in a short silence, heard at the end of the turn or never."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from rtstream import AdditionalOutputs, AlgoOptions, Stream
from rtstream.clock import Clock
from rtstream.transports.memory import MemoryTransport

from ..helpers.dialogs import beep, made, place_of, silence, spoken_in, talk
from ..helpers.recordings import RATE
from .test_turns import word

EARLY = AlgoOptions(speculative_after=0.2)
THINKING = 0.25  # seconds that an answer takes

ONE = np.concatenate([silence(1), word(0.6), silence(2)])
HESITANT = np.concatenate(
    [silence(1), word(0.6), silence(0.3), word(0.6), silence(2)]
)  # goes on after 300 ms


class Thinking:
    """Thinks, then says what was said, then puts out that it did; and remembers all that happened to it."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.ended: list[int] = []

    async def __call__(self, audio: Any) -> AsyncIterator[Any]:
        self.begun.append(audio[1][0])
        number = len(self.begun)
        try:
            await Clock().sleep(THINKING)
            yield AdditionalOutputs(number)
            yield beep(0.3, value=1000 * (number + 1))
            yield beep(0.3, value=1000 * (number + 1))
        finally:
            self.ended.append(number)


def outputs(dialog: Any) -> int:
    return sum(message["type"] == "fetch_output" for message in dialog.told)


def test_the_reply_is_heard_as_much_earlier_as_it_was_begun() -> None:
    end = spoken_in(ONE)[1] / RATE
    delays = []
    for options in (AlgoOptions(), EARLY):
        thinking = Thinking()
        dialog = talk(made(thinking.__call__, algo_options=options), ONE)
        delays.append(dialog.spans[0][0] - end)
        assert (dialog.values, outputs(dialog)) == ([2000], 1)
    usual, early = delays
    assert usual == pytest.approx(0.4 + THINKING, abs=0.08)
    assert early == pytest.approx(max(0.4, 0.2 + THINKING), abs=0.08)


def test_it_is_heard_the_moment_the_turn_ends_when_it_is_ready_by_then() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        yield AdditionalOutputs("first")
        yield beep()

    dialog = talk(made(fn, algo_options=EARLY), ONE)
    assert dialog.logs == ["started_talking", "pause_detected", "response_starting"]
    assert dialog.spans[0][0] - spoken_in(ONE)[1] / RATE <= 0.45
    assert outputs(dialog) == 1


def test_what_was_prepared_is_dropped_unheard_when_the_speaker_goes_on() -> None:
    thinking = Thinking()
    dialog = talk(made(thinking.__call__, algo_options=EARLY), HESITANT)
    assert len(thinking.begun) == 2
    assert thinking.ended == [1, 2]
    assert dialog.values == [3000]  # nothing of the first
    assert outputs(dialog) == 1
    assert dialog.logs == ["started_talking", "pause_detected", "response_starting"]
    whole = thinking.begun[1]
    assert place_of(whole, HESITANT) <= RATE and len(whole) > 1.7 * RATE


def test_nothing_leaks_out_of_a_reply_that_was_ready_and_withdrawn() -> None:
    closed = []

    def fn(audio: Any) -> Iterator[Any]:
        number = len(audio[1][0])
        try:
            yield AdditionalOutputs(number)
            yield beep(0.2, value=2000 if number < 1.5 * RATE else 3000)
        finally:
            closed.append(number < 1.5 * RATE)

    dialog = talk(made(fn, algo_options=EARLY), HESITANT)
    assert dialog.values == [3000]
    assert outputs(dialog) == 1
    assert closed == [True, False]


@pytest.mark.parametrize("where", ["event", "wait"])
def test_one_that_blocks_in_its_own_code_is_withdrawn_all_the_same(where: str) -> None:
    never = threading.Event()
    turns: list[int] = []
    ended = threading.Event()

    def blocks(audio: Any) -> Any:
        turns.append(1)
        if len(turns) > 1:
            return beep(0.2)
        try:
            never.wait()
        finally:
            ended.set()

    async def waits(audio: Any) -> Any:
        turns.append(1)
        if len(turns) > 1:
            return beep(0.2)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    dialog = talk(made(blocks if where == "event" else waits, algo_options=EARLY), HESITANT)
    assert len(turns) == 2 and len(dialog.spans) == 1
    assert ended.wait(5)


def test_what_a_prepared_reply_raises_is_told_when_the_turn_ends() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        raise ValueError("no answer")
        yield

    dialog = talk(made(fn, algo_options=EARLY), ONE)
    assert [error.what for error in dialog.session.errors] == ["no answer"]
    assert [m["type"] for m in dialog.told] == ["log", "log", "error"]


def test_inputs_are_there_for_the_prepared_reply_too() -> None:
    given: list[Any] = []

    def fn(audio: Any, text: str) -> Any:
        given.append((len(audio[1][0]) > 1.5 * RATE, text))
        return beep(0.2)

    async def page(stream: Stream, line: MemoryTransport) -> None:
        await line.until(lambda: any("send_input" in text for text in line.messages))
        stream.set_input("dialog", "hello")

    dialog = talk(made(fn, algo_options=EARLY), HESITANT, meanwhile=page)
    assert given == [(False, "hello"), (True, "hello")]
    assert len(dialog.spans) == 1


def test_one_that_still_waits_for_its_inputs_is_withdrawn_before_it_begins() -> None:
    given: list[Any] = []

    def fn(audio: Any, text: str) -> Any:
        given.append(text)
        return beep(0.2)

    async def page(stream: Stream, line: MemoryTransport) -> None:
        await Clock().sleep(3.0)
        stream.set_input("dialog", "late")

    dialog = talk(made(fn, algo_options=EARLY), HESITANT, meanwhile=page)
    assert given == ["late"]
    assert len(dialog.spans) == 1


def test_a_call_that_ends_meanwhile_drops_what_is_prepared() -> None:
    thinking = Thinking()
    talk(made(thinking.__call__, algo_options=EARLY), ONE[: round(1.85 * RATE)])
    assert len(thinking.begun) == 1 and thinking.ended == [1]
    never = threading.Event()
    ended = threading.Event()

    def blocks(audio: Any) -> None:
        try:
            never.wait()
        finally:
            ended.set()

    talk(made(blocks, algo_options=EARLY), ONE[: round(1.85 * RATE)])
    assert ended.wait(5)
