"""`ReplyOnPause` with a turn model: asked only in pauses, and never waited for long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rtstream import AlgoOptions
from rtstream.errors import OptionError

from ..helpers.dialogs import Dialog, Parrot, Samples, made, silence, spoken_in, talk
from ..helpers.memory import left_threads
from ..helpers.recordings import RATE
from .test_turns import word

ONE = np.concatenate([silence(1), word(0.6), silence(2)])
HESITANT = np.concatenate([silence(1), word(0.6), silence(0.8), word(0.6), silence(2)])  # 0.8 s to think


class Judge:
    """A turn model that says what it is told to, and keeps what it was asked about."""

    window_s = 8.0

    def __init__(self, *answers: Any, rate: int = 16000) -> None:
        self.answers = list(answers)
        self.sample_rate = rate
        self.asked: list[np.ndarray] = []
        self.threads: set[threading.Thread] = set()

    def __call__(self, sound: np.ndarray) -> Any:
        self.asked.append(sound)
        self.threads.add(threading.current_thread())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer() if callable(answer) else answer


def judged(judge: Judge, said: Samples = ONE, **options: Any) -> tuple[Dialog, list[Samples], float]:
    """The dialog, the turns, and how long after the end of the last word the reply to it was heard."""
    parrot = Parrot()
    dialog = talk(made(parrot, turn_model=judge, **options), said)
    return dialog, parrot.turns, dialog.spans[-1][0] - spoken_in(said)[1] / RATE


def test_a_turn_that_is_complete_ends_as_usual() -> None:
    judge = Judge(0.9)
    _, turns, delay = judged(judge)
    assert len(turns) == 1 and delay == pytest.approx(0.43, abs=0.05)
    assert len(judge.asked) == 1
    assert threading.main_thread() not in judge.threads


def test_a_turn_that_is_incomplete_is_given_more_time() -> None:
    _, turns, delay = judged(Judge(0.1))
    assert len(turns) == 1 and delay == pytest.approx(1.23, abs=0.06)


def test_who_pauses_to_think_says_one_turn() -> None:
    judge = Judge(0.1, 0.9)
    _, turns, delay = judged(judge, HESITANT)
    assert len(turns) == 1 and len(turns[0]) > 2.3 * RATE
    assert delay == pytest.approx(0.43, abs=0.05)
    first, second = judge.asked
    assert len(second) > len(first) + 1.3 * RATE  # all of the turn so far


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_it_is_asked_at_its_own_rate_in_floats(rate: int) -> None:
    judge = Judge(0.9, rate=rate)
    judged(judge)
    (sound,) = judge.asked
    assert sound.dtype == np.float32 and np.abs(sound).max() < 1.0
    assert len(sound) / rate == pytest.approx(0.3 + 0.6 + 0.2, abs=0.08)


def test_it_is_asked_about_its_window_at_most() -> None:
    judge = Judge(0.9)
    judge.window_s = 0.5
    judged(judge)
    assert len(judge.asked[0]) == 0.5 * RATE


def test_it_is_not_asked_while_nobody_pauses() -> None:
    judge = Judge(0.9)
    talk(made(Parrot(), turn_model=judge), silence(3))
    assert judge.asked == []


def raise_one() -> None:
    raise ValueError("no sense")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (raise_one, "no sense"),
        (lambda: 1.5, "the turn model gave 1.5"),
        (lambda: "yes", "the turn model gave 'yes'"),
        (lambda: None, "the turn model gave None"),
    ],
)
def test_one_that_fails_is_told_of_and_the_turn_ends_a_little_later(
    answer: Callable[[], Any], what: str
) -> None:
    dialog, turns, delay = judged(Judge(answer))
    assert [error.what for error in dialog.session.errors] == [what]
    assert len(turns) == 1 and delay == pytest.approx(0.43 + 0.13, abs=0.06)


def test_one_that_hangs_is_waited_for_a_tenth_of_a_second_and_later_given_up() -> None:
    never = threading.Event()
    said = np.concatenate([ONE, word(0.6), silence(6), word(0.6), silence(2)])
    judge = Judge(never.wait, 0.9)
    dialog, turns, delay = judged(judge, said)
    assert dialog.spans[0][0] - spoken_in(ONE)[1] / RATE == pytest.approx(0.43 + 0.13, abs=0.06)
    assert [error.what for error in dialog.session.errors] == ["the turn model has not answered for 5 s"]
    assert len(turns) == 3
    assert len(judge.asked) == 2  # not while it hung
    assert delay == pytest.approx(0.43, abs=0.05)
    assert left_threads() == []


def test_the_times_can_be_chosen() -> None:
    options = AlgoOptions(incomplete_silence=0.8)
    assert judged(Judge(0.1), algo_options=options)[2] == pytest.approx(0.83, abs=0.06)
    never = threading.Event()
    options = AlgoOptions(judged_within=0.3)
    assert judged(Judge(never.wait), algo_options=options)[2] == pytest.approx(0.43 + 0.3, abs=0.06)


def test_a_reply_can_be_prepared_while_the_model_is_asked() -> None:
    dialog, turns, _ = judged(Judge(0.1, 0.9), HESITANT, algo_options=AlgoOptions(speculative_after=0.2))
    assert len(turns) == 2 and len(dialog.spans) == 1  # the first was withdrawn unheard


def test_what_is_no_turn_model_is_refused() -> None:
    with pytest.raises(OptionError, match="judges no turns"):
        made(Parrot(), turn_model="smart-turn")
