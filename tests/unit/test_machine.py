"""The turn machine, with no sound, no clock and no I/O: windows are numbers, and time is counted in them."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtstream.turns import machine
from rtstream.turns.events import Event, Interrupted, Judge, Paused, Prepare, Started, Withdrawn
from rtstream.turns.machine import HOLD, ONSET_SPAN, Turns, silence_in, windows_in
from rtstream.turns.options import AlgoOptions
from rtstream.turns.states import BOT, USER, Bot, Fact, User, transitions
from rtstream.turns.windows import WINDOW_SECONDS, Window

ENOUGH = 4  # windows of speech that begin a turn: 0.1 s
END = 12  # windows of silence that end it: 0.4 s
PRE_ROLL = 10  # windows: 0.3 s
LULL = 6  # windows: 0.2 s

NOTHING = np.zeros(0, np.float32)


class Conversation:
    """A turn machine whose windows hold their own number as their only sample."""

    def __init__(self, options: AlgoOptions | None = None, **more: Any) -> None:
        self.turns = Turns(options or AlgoOptions(), **more)
        self.at = 0
        self.events: list[tuple[int, Event]] = []

    def hear(self, probability: float, windows: int = 1) -> list[Event]:
        begun = len(self.events)
        for _ in range(windows):
            window = Window(np.array([self.at], np.int16), NOTHING)
            self.note(self.turns.heard(window, probability))
            self.at += 1
        return [event for _, event in self.events[begun:]]

    def speech(self, windows: int = 10) -> list[Event]:
        return self.hear(1.0, windows)

    def silence(self, windows: int = END + 1) -> list[Event]:
        return self.hear(0.0, windows)

    def note(self, events: list[Event]) -> list[Event]:
        self.events += [(self.at, event) for event in events]
        return events

    def replied(self) -> list[Event]:
        return self.note(self.turns.replied())

    def give_turn(self) -> list[Event]:
        return self.note(self.turns.give_turn())

    def turn(self, windows: int = 10) -> Paused:
        """Speak a turn to its end and have it answered."""
        events = self.speech(windows) + self.silence()
        (paused,) = [event for event in events if isinstance(event, Paused)]
        return paused


def numbers(audio: Any) -> list[int]:
    return [int(number) for number in audio]


def states(talk: Conversation) -> tuple[User, Bot]:
    return talk.turns.user, talk.turns.bot


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


# The tables.


def test_every_state_can_be_reached_and_left() -> None:
    for table, states, first in ((USER, User, User.SILENT), (BOT, Bot, Bot.IDLE)):
        reached = {first} | {to for moves in table.values() for to in moves.values()}
        assert reached == set(states) == {state for state, moves in table.items() if moves}


def test_every_fact_moves_a_machine() -> None:
    assert {fact for table in (USER, BOT) for moves in table.values() for fact in moves} == set(Fact)


def test_transitions_are_the_tables_in_words() -> None:
    assert ("silent", "speaking", "enough speech") in transitions(USER)
    assert len(transitions(USER)) == sum(len(moves) for moves in USER.values())
    assert len(transitions(BOT)) == sum(len(moves) for moves in BOT.values())


def test_the_machine_knows_neither_threads_nor_loops_nor_time() -> None:
    source = inspect.getsource(machine)
    for word in ("asyncio", "threading", "time.", "Clock", "async "):
        assert word not in source


# One turn.


def test_a_turn_starts_and_ends() -> None:
    talk = Conversation()
    assert talk.silence(30) == []
    assert kinds(talk.speech(ENOUGH - 1)) == []
    assert kinds(talk.speech(1)) == [Started]
    assert states(talk) == (User.SPEAKING, Bot.IDLE)
    assert talk.speech(20) == []
    assert talk.silence(END - 1) == []
    (paused,) = talk.silence(1)
    assert isinstance(paused, Paused) and not paused.prepared
    assert states(talk) == (User.SILENT, Bot.REPLYING)
    assert numbers(paused.audio) == list(range(30 - PRE_ROLL, 30 + ENOUGH + 20 + END))


@pytest.mark.parametrize("before", range(0, 12))
def test_the_pre_roll_is_kept_at_every_phase(before: int) -> None:
    talk = Conversation()
    talk.silence(before)
    assert numbers(talk.turn().audio)[0] == max(0, before - PRE_ROLL)


def test_the_pre_roll_reaches_back_from_the_first_speech_not_from_when_it_was_enough() -> None:
    talk = Conversation()
    talk.silence(40)
    for probability in (1, 0, 0, 1, 0, 0, 1, 0, 1):  # hesitant: enough within a third of a second
        talk.hear(probability)
    talk.speech(10)
    (paused,) = talk.silence(END)
    assert isinstance(paused, Paused)
    assert numbers(paused.audio)[0] == 40 - PRE_ROLL


def test_speech_that_is_spread_too_thin_begins_nothing() -> None:
    talk = Conversation()
    for _ in range(20):
        talk.hear(1.0)
        talk.silence(ONSET_SPAN // 3)
    assert talk.events == []


@pytest.mark.parametrize("phase", range(8))
def test_the_silence_that_ends_a_turn_is_as_long_whatever_the_length_of_the_speech(phase: int) -> None:
    """Not as it was: up to 96 ms shorter, by how many windows the speech had."""
    talk = Conversation()
    talk.speech(20 + phase)
    assert talk.silence(END - 1) == []
    assert kinds(talk.silence(1)) == [Paused]


def test_speech_that_has_begun_goes_on_at_less_probability() -> None:
    talk = Conversation()
    assert talk.hear(0.5 * HOLD + 0.01, 40) == []
    talk.speech(10)
    assert talk.hear(0.5 * HOLD + 0.01, 40) == []
    assert kinds(talk.hear(0.5 * HOLD - 0.01, END)) == [Paused]


def test_a_threshold_of_ones_own_counts_for_both() -> None:
    talk = Conversation(threshold=0.8)
    assert talk.hear(0.79, 20) == []
    assert kinds(talk.hear(0.81, 20)) == [Started]
    assert talk.hear(0.8 * HOLD + 0.01, 20) == []


def test_a_click_in_the_pause_does_not_prolong_it() -> None:
    talk = Conversation()
    talk.speech(20)
    talk.silence(7)
    talk.speech(ENOUGH - 1)
    assert kinds(talk.silence(END - 7 - ENOUGH + 1)) == [Paused]


def test_speech_in_the_pause_prolongs_it() -> None:
    talk = Conversation()
    talk.speech(20)
    talk.silence(7)
    talk.speech(4)
    assert talk.silence(END - 1) == []
    assert kinds(talk.silence(1)) == [Paused]


def test_a_turn_does_not_end_while_something_is_being_said() -> None:
    talk = Conversation()
    talk.speech(20)
    talk.silence(END - 1)
    assert talk.speech(10) == []
    assert kinds(talk.silence(END)) == [Paused]


def test_the_longest_turn_is_answered_and_what_goes_on_is_the_next() -> None:
    talk = Conversation(AlgoOptions(max_continuous_speech_s=1.0), can_interrupt=False)
    events = talk.speech(80)
    first = next(event for event in events if isinstance(event, Paused))
    assert len(first.audio) == 32  # the first whole window from 1 s on
    talk.silence()
    (second,) = talk.replied()
    assert isinstance(second, Paused)
    assert numbers(first.audio) + numbers(second.audio) == list(range(80 + END))


def test_the_next_turn_may_begin_softly_in_the_silence_that_ended_the_last() -> None:
    talk = Conversation()
    first = talk.turn()
    talk.replied()
    talk.speech(10)
    (second,) = talk.silence(END)
    assert isinstance(second, Paused)
    assert numbers(second.audio)[0] == numbers(first.audio)[-1] + 1 - PRE_ROLL + 1  # one silence between
    solid = set(range(10)) | set(range(23, 33))
    assert solid & set(numbers(first.audio)) & set(numbers(second.audio)) == set()


def test_turns_can_be_made_of_the_shortest_times() -> None:
    nothing = AlgoOptions(end_silence=0, min_speech=0, pre_roll=0, speech_threshold=0, interrupt_after=0)
    talk = Conversation(nothing)
    assert kinds(talk.speech(1)) == [Started]
    (paused,) = talk.silence(1)
    assert isinstance(paused, Paused) and numbers(paused.audio) == [0, 1]


# The button.


def test_a_turn_can_be_given_away_in_mid_speech() -> None:
    talk = Conversation()
    talk.speech(20)
    (paused,) = talk.give_turn()
    assert isinstance(paused, Paused) and numbers(paused.audio) == list(range(20))


def test_a_turn_that_is_given_with_less_than_enough_speech_has_it_all_the_same() -> None:
    talk = Conversation()
    talk.silence(30)
    talk.speech(2)
    (paused,) = talk.give_turn()
    assert isinstance(paused, Paused) and numbers(paused.audio) == list(range(20, 32))


def test_a_turn_that_is_given_in_silence_is_empty() -> None:
    talk = Conversation()
    talk.turn()
    talk.replied()
    talk.silence(30)
    (paused,) = talk.give_turn()
    assert isinstance(paused, Paused) and paused.audio.size == 0 and paused.audio.dtype == np.int16


def test_giving_the_turn_interrupts_a_reply_that_may_be_interrupted() -> None:
    talk = Conversation()
    talk.turn()
    assert kinds(talk.give_turn()) == [Interrupted, Paused]
    stubborn = Conversation(can_interrupt=False)
    stubborn.turn()
    assert stubborn.give_turn() == []


# Over a reply.


def test_speech_over_a_reply_interrupts_it_at_once() -> None:
    talk = Conversation()
    talk.turn()
    assert states(talk)[1] is Bot.REPLYING
    assert talk.speech(ENOUGH - 1) == []
    assert kinds(talk.speech(1)) == [Started, Interrupted]
    assert states(talk)[1] is Bot.IDLE
    talk.speech(20)
    assert kinds(talk.silence(END)) == [Paused]


def test_speech_over_a_reply_interrupts_it_at_the_pause_if_so_wanted() -> None:
    talk = Conversation(interrupt_on="pause")
    talk.turn()
    assert kinds(talk.speech(30)) == [Started]
    assert states(talk)[1] is Bot.REPLYING
    assert kinds(talk.silence(END)) == [Interrupted, Paused]


def test_what_is_said_over_a_reply_that_may_not_be_interrupted_is_answered_after_it() -> None:
    talk = Conversation(can_interrupt=False)
    talk.turn()
    begun = talk.at
    assert kinds(talk.speech(20) + talk.silence()) == [Started]
    assert kinds(talk.speech(20) + talk.silence()) == [Started]
    (paused,) = talk.replied()
    assert isinstance(paused, Paused)
    assert set(range(begun, begun + 20)) <= set(numbers(paused.audio))
    assert Counter(numbers(paused.audio)).most_common(1)[0][1] == 1
    assert talk.replied() == []


def test_what_is_still_being_said_when_the_reply_ends_is_one_turn_with_what_was_said_before() -> None:
    talk = Conversation(can_interrupt=False)
    talk.turn()
    begun = talk.at
    talk.speech(20)
    talk.silence()
    talk.speech(20)
    assert talk.replied() == []
    (paused,) = talk.silence(END)
    assert isinstance(paused, Paused)
    assert set(range(begun, begun + 20)) | set(range(begun + 33, begun + 53)) <= set(numbers(paused.audio))


def test_too_little_speech_to_interrupt_is_answered_after_the_reply() -> None:
    """A reply goes on over a "yes", and the "yes" is not lost."""
    talk = Conversation(AlgoOptions(interrupt_after=0.5))
    talk.turn()
    begun = talk.at
    assert kinds(talk.speech(10) + talk.silence(20)) == [Started]
    assert states(talk)[1] is Bot.REPLYING
    assert kinds(talk.speech(20)) == [Started, Interrupted]
    (paused,) = talk.silence(END)
    assert isinstance(paused, Paused)
    assert set(range(begun, begun + 10)) <= set(numbers(paused.audio))


def test_a_greeting_counts_as_a_reply() -> None:
    talk = Conversation()
    talk.turns.replying()
    assert kinds(talk.speech(ENOUGH)) == [Started, Interrupted]


def test_a_greeting_that_begins_while_someone_speaks_is_interrupted_by_as_much_more_speech() -> None:
    talk = Conversation()
    talk.speech(10)
    talk.turns.replying()
    assert talk.speech(ENOUGH - 1) == []
    assert kinds(talk.speech(1)) == [Interrupted]


def test_the_end_of_a_reply_that_was_interrupted_means_nothing() -> None:
    talk = Conversation()
    talk.turn()
    talk.speech(10)
    assert talk.replied() == []
    assert kinds(talk.silence(END)) == [Paused]


@pytest.mark.parametrize(("mode", "expected"), [("speech", [Interrupted]), ("pause", [])])
def test_a_call_by_a_stop_word_interrupts_as_speech_does(mode: Any, expected: list[Any]) -> None:
    talk = Conversation(interrupt_on=mode)
    assert talk.turns.called() == []
    talk.turn()
    assert kinds(talk.turns.called()) == expected


# The speculative start.

EARLY = AlgoOptions(speculative_after=0.2)


def test_a_reply_is_prepared_in_a_short_silence_and_committed_at_the_end() -> None:
    talk = Conversation(EARLY)
    talk.speech(20)
    assert talk.silence(LULL - 1) == []
    (prepare,) = talk.silence(1)
    assert isinstance(prepare, Prepare) and numbers(prepare.audio) == list(range(20 + LULL))
    assert states(talk) == (User.PAUSING, Bot.PREPARING)
    (paused,) = talk.silence(END - LULL)
    assert isinstance(paused, Paused) and paused.prepared
    assert numbers(paused.audio) == list(range(20 + END))


def test_a_prepared_reply_is_withdrawn_when_the_speaker_goes_on() -> None:
    talk = Conversation(EARLY)
    talk.speech(20)
    assert kinds(talk.silence(LULL + 1)) == [Prepare]
    assert talk.speech(3) == []  # it may be a click
    assert kinds(talk.speech(1)) == [Withdrawn]
    assert states(talk) == (User.SPEAKING, Bot.IDLE)
    assert kinds(talk.silence(END)) == [Prepare, Paused]


def test_a_click_does_not_withdraw_what_was_prepared() -> None:
    talk = Conversation(EARLY)
    talk.speech(20)
    talk.silence(LULL)
    talk.speech(2)
    (paused,) = talk.silence(END - LULL - 2)
    assert isinstance(paused, Paused) and paused.prepared


def test_nothing_is_prepared_while_a_reply_is_heard() -> None:
    talk = Conversation(EARLY, interrupt_on="pause")
    talk.turn()
    talk.speech(20)
    events = talk.silence(END)
    assert kinds(events) == [Interrupted, Paused]
    assert isinstance(events[1], Paused) and not events[1].prepared


def test_speech_again_without_anything_prepared_withdraws_nothing() -> None:
    talk = Conversation(EARLY, interrupt_on="pause")
    talk.turn()
    talk.speech(20)
    talk.silence(LULL + 1)
    assert talk.speech(10) == []
    assert talk.turns.user is User.SPEAKING


def test_what_is_prepared_holds_what_was_said_over_the_reply_too() -> None:
    talk = Conversation(EARLY, can_interrupt=False)
    talk.turn()
    begun = talk.at
    talk.speech(20)
    talk.silence(END + 5)
    talk.speech(20)
    talk.replied()
    prepare, paused = talk.silence(END)
    assert isinstance(prepare, Prepare) and isinstance(paused, Paused) and paused.prepared
    assert set(range(begun, begun + 20)) <= set(numbers(prepare.audio))
    assert numbers(paused.audio)[: len(prepare.audio)] == numbers(prepare.audio)


def test_a_greeting_takes_the_place_of_what_was_prepared() -> None:
    talk = Conversation(EARLY, interrupt_on="pause")
    talk.speech(20)
    assert kinds(talk.silence(LULL)) == [Prepare]
    talk.turns.replying()
    talk.speech(10)
    events = talk.silence(END)
    assert isinstance(events[-1], Paused) and not events[-1].prepared


def test_the_longest_turn_may_end_in_a_pause() -> None:
    talk = Conversation(AlgoOptions(speculative_after=0.2, max_continuous_speech_s=0.96))
    talk.speech(20)
    prepare, paused = talk.silence(11)
    assert isinstance(prepare, Prepare) and isinstance(paused, Paused) and paused.prepared
    assert talk.turns.user is User.SILENT


# The turn model.

LIMIT = 4  # windows for which the verdict is waited for: 0.1 s
LONG = 37  # windows of silence that end an incomplete turn: 1.2 s


def pause_of(events: list[Event]) -> int:
    (judge,) = [event for event in events if isinstance(event, Judge)]
    return judge.pause


def test_the_turn_model_is_asked_at_half_the_silence_with_all_that_was_said() -> None:
    talk = Conversation(judged=True)
    talk.speech(20)
    assert talk.silence(5) == []
    (judge,) = talk.silence(1)
    assert isinstance(judge, Judge) and numbers(judge.audio) == list(range(26))
    assert states(talk)[1] is Bot.IDLE


def test_a_turn_that_is_complete_ends_as_without_a_model() -> None:
    talk = Conversation(judged=True)
    talk.speech(20)
    talk.turns.judged(pause_of(talk.silence(LULL)), True)
    assert talk.silence(END - LULL - 1) == []
    assert kinds(talk.silence(1)) == [Paused]


def test_a_turn_that_is_incomplete_ends_after_a_longer_silence() -> None:
    talk = Conversation(judged=True)
    talk.speech(20)
    talk.turns.judged(pause_of(talk.silence(LULL)), False)
    assert talk.silence(LONG - LULL - 1) == []
    assert kinds(talk.silence(1)) == [Paused]


def test_a_turn_without_a_verdict_ends_a_little_later() -> None:
    talk = Conversation(judged=True)
    talk.speech(20)
    pause = pause_of(talk.silence(LULL))
    assert talk.silence(END + LIMIT - LULL - 1) == []
    assert kinds(talk.silence(1)) == [Paused]
    talk.turns.judged(pause, False)  # too late
    talk.replied()
    talk.speech(20)
    assert kinds(talk.silence(END + LIMIT)) == [Judge, Paused]


def test_a_verdict_that_comes_after_the_silence_ends_the_turn_at_the_next_window() -> None:
    talk = Conversation(judged=True)
    talk.speech(20)
    pause = pause_of(talk.silence(END + 1))
    talk.turns.judged(pause, True)
    assert kinds(talk.silence(1)) == [Paused]


def test_a_verdict_on_an_older_pause_is_not_heeded() -> None:
    talk = Conversation(judged=True)
    talk.speech(20)
    old = pause_of(talk.silence(LULL))
    talk.speech(10)
    new = pause_of(talk.silence(LULL))
    talk.turns.judged(new, True)
    talk.turns.judged(old, False)
    assert kinds(talk.silence(END - LULL)) == [Paused]


def test_a_verdict_on_a_pause_that_is_over_is_not_heeded() -> None:
    talk = Conversation(judged=True)
    talk.speech(20)
    old = pause_of(talk.silence(LULL))
    talk.speech(10)
    talk.turns.judged(old, False)
    talk.turns.judged(pause_of(talk.silence(LULL)), True)
    assert kinds(talk.silence(END - LULL)) == [Paused]


def test_the_model_is_asked_and_the_reply_prepared_in_the_same_pause() -> None:
    talk = Conversation(EARLY, judged=True)
    talk.speech(20)
    assert kinds(talk.silence(LULL)) == [Judge, Prepare]


def test_the_longer_silence_is_never_shorter_than_the_usual_one() -> None:
    talk = Conversation(AlgoOptions(end_silence=0.8, incomplete_silence=0.4), judged=True)
    talk.speech(20)
    talk.turns.judged(pause_of(talk.silence(12)), False)
    assert talk.silence(silence_in(0.8) - 12 - 1) == []
    assert kinds(talk.silence(1)) == [Paused]


# Times in windows.


@pytest.mark.parametrize(
    ("seconds", "speech"), [(0, 0), (0.032, 1), (0.033, 2), (0.096, 3), (0.1, 4), (0.3, 10)]
)
def test_speech_is_rounded_up_to_whole_windows(seconds: float, speech: int) -> None:
    assert windows_in(seconds) == speech


@pytest.mark.parametrize(("seconds", "silent"), [(0, 1), (0.2, 6), (0.3, 9), (0.4, 12), (0.5, 15), (1.2, 37)])
def test_silence_is_rounded_so_that_it_is_right_on_average(seconds: float, silent: int) -> None:
    assert silence_in(seconds) == silent
    if seconds:
        assert abs((silent + 0.5) * WINDOW_SECONDS - seconds) <= WINDOW_SECONDS / 2


# Whatever happens.


class Walk(Conversation):
    """A conversation that checks each move against the tables, and remembers which windows were speech."""

    def __init__(self, options: AlgoOptions, **more: Any) -> None:
        super().__init__(options, **more)
        self.spoken: list[bool] = []
        self.forced: set[int] = set()  # windows before which a turn was ended though somebody spoke

    def hear(self, probability: float, windows: int = 1) -> list[Event]:
        events: list[Event] = []
        for _ in range(windows):
            user, bot = self.turns.user, self.turns.bot
            self.spoken.append(probability >= 0.5)
            heard = super().hear(probability)
            events += heard
            self.check(user, bot)
            if user is not self.turns.user is User.SILENT:
                self.forced.add(self.at)
        return events

    def check(self, user: User, bot: Bot) -> None:
        assert self.turns.user is user or self.turns.user in reachable(USER, user)
        assert self.turns.bot is bot or self.turns.bot in reachable(BOT, bot)

    def give_turn(self) -> list[Event]:
        self.forced.add(self.at)
        return super().give_turn()

    def solid(self) -> set[int]:
        """The windows in runs of speech that are long enough to be a turn's."""
        runs: list[list[int]] = []
        for number, speech in enumerate(self.spoken):
            if speech and runs and runs[-1][-1] == number - 1 and number not in self.forced:
                runs[-1].append(number)
            elif speech:
                runs.append([number])
        return {number for run in runs if len(run) >= ENOUGH for number in run}


# A loudspeaker that the microphone hears.

DEAF = AlgoOptions(deaf_after_reply=0.32)


def test_what_is_heard_while_a_reply_is_heard_and_a_little_after_it_is_not_answered() -> None:
    talk = Conversation(DEAF)
    talk.turn()
    assert talk.speech(100) == [], "the reply itself, out of the loudspeaker"
    assert talk.replied() == []
    assert talk.speech(10) == [], "and what the room still says of it"
    assert talk.silence(60) == []


def test_who_speaks_after_that_is_heard_as_ever_and_nothing_of_the_echo_is_kept() -> None:
    talk = Conversation(DEAF)
    talk.turn()
    talk.speech(100)
    talk.replied()
    talk.speech(10)
    begun = talk.at
    assert kinds(talk.speech(20)) == [Started]
    (paused,) = talk.silence(END)
    assert isinstance(paused, Paused)
    assert numbers(paused.audio)[0] == begun


def test_a_greeting_makes_deaf_and_a_button_is_still_obeyed() -> None:
    talk = Conversation(DEAF)
    talk.turns.replying()
    assert talk.speech(20) == []
    assert kinds(talk.give_turn()) == [Interrupted, Paused]


def test_nobody_is_deaf_for_a_reply_of_which_nothing_is_heard() -> None:
    talk = Conversation(DEAF)
    talk.turns.unheard()
    talk.turn()
    assert kinds(talk.speech(20) + talk.silence()) == [Started]
    assert kinds(talk.replied()) == [Paused]


def reachable(table: dict[Any, dict[Fact, Any]], state: Any) -> set[Any]:
    """States one or more moves away: a window may bring more than one fact (an end and an answer)."""
    found: set[Any] = set()
    edge = {state}
    while edge:
        edge = {to for at in edge for to in table[at].values()} - found
        found |= edge
    return found


step = st.one_of(
    st.tuples(st.just("speech"), st.integers(1, 40)),
    st.tuples(st.just("silence"), st.integers(1, 50)),
    st.tuples(st.just("replied"), st.just(0)),
    st.tuples(st.just("give turn"), st.just(0)),
    st.tuples(st.just("greet"), st.just(0)),
    st.tuples(st.just("complete"), st.just(0)),
    st.tuples(st.just("incomplete"), st.just(0)),
)
made = st.fixed_dictionaries(
    {},
    optional={
        "speculative_after": st.sampled_from([0.05, 0.2, 0.35]),
        "max_continuous_speech_s": st.sampled_from([0.5, 1.0, 3.0]),
        "interrupt_after": st.sampled_from([0.0, 0.3, 1.0]),
        "pre_roll": st.sampled_from([0.0, 0.1, 1.0]),
    },
)


@given(
    steps=st.lists(step, max_size=40),
    options=made,
    can_interrupt=st.booleans(),
    mode=st.sampled_from(["speech", "pause"]),
    judged=st.booleans(),
)
@settings(max_examples=300)
def test_no_speech_is_ever_lost_or_answered_twice(
    steps: list[tuple[str, int]], options: dict[str, float], can_interrupt: bool, mode: Any, judged: bool
) -> None:
    """Every window of solid speech is in one `Paused`, over replies, interruptions and withdrawals."""
    talk = Walk(AlgoOptions(**options), can_interrupt=can_interrupt, interrupt_on=mode, judged=judged)
    for what, count in [*steps, ("silence", 60), ("replied", 0), ("silence", 60), ("replied", 0)]:
        user, bot = talk.turns.user, talk.turns.bot
        match what:
            case "speech":
                talk.speech(count)
            case "silence":
                talk.silence(count)
            case "replied":
                talk.replied()
            case "give turn":
                talk.give_turn()
            case "greet":
                talk.turns.replying()
            case verdict:
                judges = [event.pause for _, event in talk.events if isinstance(event, Judge)]
                talk.turns.judged(judges[-1] if judges else 0, verdict == "complete")
        if what not in ("speech", "silence"):
            talk.check(user, bot)
    answered = Counter(
        number for _, event in talk.events if isinstance(event, Paused) for number in numbers(event.audio)
    )
    solid = talk.solid()
    assert {number for number in solid if answered[number] != 1} == set()
    assert_in_order(talk)


def assert_in_order(talk: Conversation) -> None:
    """What is prepared is committed or withdrawn, and turns are told of before they end."""
    prepared = False
    for _, event in talk.events:
        match event:
            case Prepare():
                assert not prepared
                prepared = True
            case Withdrawn():
                assert prepared
                prepared = False
            case Paused():
                assert prepared or not event.prepared
                prepared = False
            case _:
                pass
    spans = [numbers(event.audio) for _, event in talk.events if isinstance(event, Paused)]
    assert all(span == sorted(span) for span in spans)


def test_on_a_telephone_a_turn_ends_a_window_later() -> None:
    talk = Conversation()
    talk.turns.on_telephone()
    talk.speech()
    assert talk.silence(END) == []
    assert isinstance(talk.silence(1)[0], Paused)
