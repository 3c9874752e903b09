"""Stop words: found in text, and the gate in front of a turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstream.errors import OptionError
from rtstream.turns.events import Interrupted
from rtstream.turns.machine import Turns
from rtstream.turns.options import AlgoOptions
from rtstream.turns.stopwords import (
    KEPT,
    LONGEST,
    OVERLAP,
    PRE_ROLL,
    STRETCH_ENDS,
    TAIL,
    Gate,
    Phrases,
    Piece,
    normal,
)
from rtstream.turns.windows import WINDOW_SECONDS, Window


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Computer, what time is it?", "computer"),
        ("well computer", "computer"),
        ("HEY, ROBOT!", "hey robot"),
        ("hey... robot, stop", "hey robot"),
        ("Hey\nrobot", "hey robot"),
        ("what\u2019s up, Computer", "what's up"),
    ],
)
def test_a_stop_word_is_found_whatever_its_case_and_punctuation(text: str, phrase: str) -> None:
    found = Phrases(["computer", "Hey Robot", "what's up"]).find(text)
    assert found is not None
    assert found.phrase == phrase
    assert normal(text)[: found.end].endswith(phrase)


@pytest.mark.parametrize("text", ["", "computers", "supercomputer", "hey there robot", "..."])
def test_a_word_that_only_contains_it_is_none(text: str) -> None:
    assert Phrases(["computer", "hey robot"]).find(text) is None


def test_the_stop_word_that_comes_first_counts_and_of_two_the_longer() -> None:
    phrases = Phrases(["robot", "computer", "computer please"])
    found = phrases.find("Computer, please tell the robot")
    assert found is not None
    assert (found.phrase, found.end) == ("computer please", 15)


@pytest.mark.parametrize(
    ("word", "text"),
    [("straße", "Auf der Straße!"), ("你好电脑", "嗯你好电脑打开灯"), ("café", "Un CAFE\u0301, merci")],
)
def test_stop_words_are_of_any_language(word: str, text: str) -> None:
    found = Phrases([word]).find(text)
    assert found is not None
    assert found.phrase == word


def test_one_stop_word_may_be_given_without_a_list() -> None:
    assert Phrases("computer").phrases == ("computer",)


@pytest.mark.parametrize("stop_words", [[], ["computer", " "], ["?!"], ""])
def test_a_stop_word_without_a_letter_is_refused(stop_words: list[str]) -> None:
    with pytest.raises(OptionError):
        Phrases(stop_words)


@given(
    st.lists(st.from_regex(r"[a-z]{1,8}( [a-z]{1,8})?", fullmatch=True), min_size=1, max_size=4), st.data()
)
def test_every_stop_word_is_found_between_other_words(words: list[str], data: st.DataObject) -> None:
    phrases = Phrases(words)
    word = data.draw(st.sampled_from(words))
    assert phrases.find(f"0 {word.upper()}, 0") is not None
    assert phrases.find(f"0{word}0") is None


def window(number: int) -> Window:
    return Window(np.full(4, number, np.int16), np.zeros(2, np.float32))


def numbers(windows: list[Window]) -> list[int]:
    return [int(w.said[0]) for w in windows]


class Talk:
    """Windows told apart by their numbers, spoken into a gate."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.count = 0

    def say(self, windows: int, probability: float = 1.0) -> None:
        for _ in range(windows):
            self.gate.heard(window(self.count), probability)
            self.count += 1

    def silence(self, windows: int) -> None:
        self.say(windows, 0.0)

    def taken(self) -> Piece:
        piece = self.gate.take()
        assert piece is not None
        return piece


def test_silence_is_given_to_nobody_and_hardly_kept() -> None:
    talk = Talk()
    talk.silence(1000)
    assert talk.gate.take() is None
    assert len(talk.gate._kept) == PRE_ROLL


def test_a_stretch_of_speech_is_handed_on_with_what_was_before_it() -> None:
    talk = Talk()
    talk.silence(50)
    talk.say(5)
    piece = talk.taken()
    assert numbers(piece.windows) == list(range(50 - PRE_ROLL, 55))
    assert piece.begins == 50 - PRE_ROLL
    assert not piece.last


def test_what_follows_is_handed_on_piece_by_piece_until_the_silence_after_it() -> None:
    talk = Talk()
    talk.say(5)
    first = talk.taken()
    talk.say(5)
    talk.silence(STRETCH_ENDS)
    second = talk.taken()
    assert first.begins == second.begins == 0
    assert numbers(second.windows) == list(range(5, 10 + STRETCH_ENDS))
    assert second.last
    assert talk.gate.take() is None


def test_a_stretch_that_ends_where_a_piece_was_taken_is_ended_by_an_empty_rest() -> None:
    talk = Talk()
    talk.say(5)
    talk.silence(STRETCH_ENDS - 1)
    talk.taken()
    talk.silence(1)
    assert talk.taken().last


def test_speech_that_does_not_end_is_taken_for_two_stretches_that_overlap() -> None:
    talk = Talk()
    talk.say(LONGEST + 10)
    first, second = talk.taken(), talk.taken()
    assert first.last
    assert numbers(first.windows) == list(range(LONGEST + 1))
    assert second.begins == LONGEST - OVERLAP
    assert numbers(second.windows) == list(range(LONGEST - OVERLAP, LONGEST + 10))


def test_what_came_after_the_stop_word_is_given_back_with_its_probabilities() -> None:
    talk = Talk()
    talk.silence(20)
    talk.say(30)
    piece = talk.taken()
    talk.say(3, 0.7)
    seconds = (40 - piece.begins) * WINDOW_SECONDS + 0.05
    talk.gate.open_after(piece, seconds)
    later = talk.gate.through()
    assert talk.gate.is_open
    assert numbers([w for w, _ in later]) == list(range(40, 53))
    assert [p for _, p in later] == [1.0] * 10 + [0.7] * 3


def test_what_was_said_in_another_stretch_while_nobody_had_answered_is_not_lost() -> None:
    talk = Talk()
    talk.say(10)
    talk.silence(STRETCH_ENDS)
    piece = talk.taken()
    talk.silence(100)
    talk.say(10)
    talk.gate.open_after(piece, 10 * WINDOW_SECONDS + 0.05)
    later = talk.gate.through()
    assert numbers([w for w, _ in later]) == list(range(10, 120 + STRETCH_ENDS))


def test_once_answered_the_past_is_forgotten() -> None:
    talk = Talk()
    talk.say(10)
    talk.silence(STRETCH_ENDS)
    talk.taken()
    talk.gate.answered()
    talk.silence(1)
    assert len(talk.gate._kept) == PRE_ROLL


def test_a_listener_who_never_answers_does_not_make_it_keep_everything() -> None:
    talk = Talk()
    talk.say(10)
    talk.taken()
    talk.say(2 * KEPT)
    assert len(talk.gate._kept) == KEPT
    talk.gate.open_after(Piece(0), 0.0)
    assert numbers([w for w, _ in talk.gate.through()])[0] == 10 + KEPT


def test_a_gate_that_closes_again_knows_nothing_of_before() -> None:
    talk = Talk()
    talk.say(20)
    talk.gate.open_after(talk.taken(), 0.1)
    assert talk.gate.through()
    talk.gate.close()
    assert not talk.gate.is_open
    assert talk.gate.take() is None
    talk.say(1)
    assert talk.taken().begins == 20


def test_the_last_sound_of_the_stop_word_is_no_speech() -> None:
    talk = Talk()
    talk.say(20)
    piece = talk.taken()
    talk.gate.open_after(piece, 18 * WINDOW_SECONDS + 0.05)
    assert talk.gate.through() == []
    talk.say(3)
    assert talk.gate.through() == []
    assert not talk.gate.is_open
    talk.silence(1)
    later = talk.gate.through()
    assert [p for _, p in later] == [0.0] * 6
    assert numbers([w for w, _ in later]) == [18, 19, 20, 21, 22, 23]
    assert talk.gate.is_open


def test_speech_that_goes_on_behind_the_stop_word_is_speech_from_its_first_window() -> None:
    talk = Talk()
    talk.say(20)
    talk.gate.open_after(talk.taken(), 18 * WINDOW_SECONDS + 0.05)
    talk.say(TAIL - 3)
    assert talk.gate.through() == []
    talk.say(1)
    assert [p for _, p in talk.gate.through()] == [1.0] * TAIL
    assert talk.gate.through() == []


def test_silence_behind_the_stop_word_opens_at_once() -> None:
    talk = Talk()
    talk.say(20)
    piece = talk.taken()
    talk.silence(5)
    talk.gate.open_after(piece, 20 * WINDOW_SECONDS + 0.05)
    assert [p for _, p in talk.gate.through()] == [0.0] * 5


@pytest.mark.parametrize(
    ("can_interrupt", "interrupt_on", "stops"),
    [(True, "speech", True), (True, "pause", False), (False, "speech", False)],
)
def test_a_stop_word_stops_a_reply_that_speech_may_stop(
    can_interrupt: bool, interrupt_on: str, stops: bool
) -> None:
    turns = Turns(AlgoOptions(), can_interrupt=can_interrupt, interrupt_on=interrupt_on)  # type: ignore[arg-type]
    assert turns.called() == []
    turns.replying()
    assert turns.called() == ([Interrupted()] if stops else [])
