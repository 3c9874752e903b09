"""`ReplyOnStopWords` on stepped time, with real speech and the real spotter."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from rtstream import ReplyOnStopWords, Stream
from rtstream.errors import HandlerHung, HandlerRaised, MissingExtra, OptionError, UsageError
from rtstream.handlers import spotting
from rtstream.handlers.spotting import TextSpotter, guessed_end, spotted_in
from rtstream.speech import sphinx
from rtstream.speech.models import get_stt_model
from rtstream.speech.protocols import Audio, Hearing, Spotted, Word
from rtstream.turns.stopwords import Phrases
from tests.helpers.memory import Call, calling, stepped
from tests.helpers.recordings import RATE, Recording, cards, go_forward, spoken

pytestmark = pytest.mark.timeout(60)

Turn = tuple[int, Any]


class Answering:
    """Answers each turn with a tone, and keeps what was said."""

    def __init__(self, seconds: float = 0.5) -> None:
        self.turns: list[Turn] = []
        self.seconds = seconds

    def __call__(self, audio: Turn) -> Iterator[Turn]:
        self.turns.append(audio)
        for _ in range(round(self.seconds * 50)):
            yield RATE, np.full((1, 320), 8000, np.int16)

    @property
    def lengths(self) -> list[float]:
        return [samples.shape[1] / rate for rate, samples in self.turns]


def handler(answer: Any, words: Sequence[str] = ("go forward",), **options: Any) -> ReplyOnStopWords:
    return ReplyOnStopWords(answer, words, input_sample_rate=RATE, output_sample_rate=RATE, **options)


def talk(made: ReplyOnStopWords, *parts: Recording | float) -> Call:
    """Say it all, hang up, and return the call."""

    async def calls() -> Call:
        async with calling(Stream(made, modality="audio", mode="send-receive", verbose=False)) as call:
            await call.talk(*spoken(*parts))
            await call.hung_up()
            return call

    return stepped(calls())


def logged(call: Call) -> list[str]:
    return [m["data"] if m["type"] == "log" else m["type"] for m in call.told()]


TURN = ["stopword", "started_talking", "pause_detected", "response_starting"]


def test_the_words_after_the_stop_word_in_the_same_breath_are_the_turn() -> None:
    answer = Answering()
    call = talk(handler(answer), go_forward(), 2.0)
    assert logged(call) == TURN
    assert get_stt_model("pocketsphinx").stt(answer.turns[0]) == "ten meters"


def test_after_the_turn_it_waits_for_the_stop_word_again() -> None:
    answer = Answering()
    call = talk(handler(answer), go_forward(), 3.0, go_forward(), 3.0)
    assert logged(call) == TURN * 2
    assert len(answer.turns) == 2


def test_speech_without_the_stop_word_is_never_answered() -> None:
    answer = Answering()
    call = talk(handler(answer, ["hello computer"]), go_forward(), 1.0, *cards(), 1.0)
    assert logged(call) == []
    assert not answer.turns


def test_what_is_said_long_after_the_stop_word_is_the_turn() -> None:
    answer = Answering()
    said = go_forward()
    only_the_word = Recording("", said.samples[: round(1.2 * RATE)], "go forward")
    question = Recording("", said.samples[round(1.2 * RATE) :], "ten meters")
    call = talk(handler(answer), only_the_word, 4.0, question, 2.0)
    assert logged(call) == TURN
    assert get_stt_model("pocketsphinx").stt(answer.turns[0]) == "ten meters"


def test_the_stop_word_over_a_reply_stops_it_and_other_speech_does_not() -> None:
    answer = Answering(seconds=20.0)
    said = go_forward()
    only_the_word = Recording("", said.samples[: round(1.25 * RATE)], "go forward")
    rest = Recording("", said.samples[round(1.25 * RATE) :], "ten meters")
    other = talk(handler(answer), said, 1.0, rest, 2.0)
    assert "interrupted" not in logged(other)
    stopped = talk(handler(answer), said, 1.0, only_the_word, 2.0)
    assert logged(stopped) == [*TURN, "stopword", "interrupted"]
    heard = [when for when, frame in stopped.line.heard if np.abs(frame.samples).max() > 1000]  # type: ignore[union-attr]
    assert heard[-1] < said.seconds + 1.0 + 1.25 + 0.3


def test_the_stop_word_is_heard_over_the_telephone_too() -> None:
    answer = Answering()
    made = ReplyOnStopWords(answer, ["go forward"], input_sample_rate=8000)
    call = talk(made, go_forward(), 2.0)
    assert logged(call) == TURN


class Writes:
    """A speech-to-text model that always hears the same, or raises it."""

    def __init__(self, text: str | BaseException) -> None:
        self.text = text
        self.asked = 0

    def stt(self, audio: Audio) -> str:
        assert audio[0] == RATE and audio[1].dtype == np.int16
        self.asked += 1
        if isinstance(self.text, BaseException):
            raise self.text
        return self.text


def test_a_model_that_reads_something_else_keeps_the_stop_word_from_counting() -> None:
    answer, model = Answering(), Writes("snow for word, ten meters")
    call = talk(handler(answer, stt=model), go_forward(), 2.0)
    assert logged(call) == []
    assert model.asked == 2  # when it was spotted, and once more at the end of the stretch


def test_a_model_that_reads_the_stop_word_confirms_it() -> None:
    answer, model = Answering(), Writes("Go forward")
    call = talk(handler(answer, stt=model), go_forward(), 2.0)
    assert logged(call) == TURN
    assert model.asked == 1


def test_a_model_is_not_asked_about_what_the_spotter_has_not_heard() -> None:
    model = Writes("hello computer")
    talk(handler(Answering(), ["hello computer"], stt=model), go_forward(), 2.0)
    assert model.asked == 0


def test_with_a_text_spotter_whatever_is_said_is_transcribed() -> None:
    answer = Answering()
    spotter = TextSpotter(Writes("Go forward, ten meters."))
    call = talk(handler(answer, spotter=spotter), go_forward(), 2.0)
    assert logged(call) == TURN
    assert get_stt_model("pocketsphinx").stt(answer.turns[0]) == "ten meters"


def test_the_name_of_a_model_is_enough() -> None:
    answer = Answering()
    call = talk(handler(answer, stt="pocketsphinx"), go_forward(), 2.0)
    assert logged(call) == TURN


class Listens:
    """A spotter whose listeners do what they are told, one stretch after the other."""

    def __init__(self, *doing: Any) -> None:
        self.doing = list(doing)
        self.listeners = 0
        self.open = 0

    def listening_for(self, phrases: Sequence[str]) -> Listens:
        assert list(phrases) == ["go forward"]
        self.listeners += 1
        return self

    def listen(self, samples: Hearing, *, last: bool) -> Any:
        self.open += 1
        if not last:
            return None
        doing = self.doing.pop(0)
        return doing() if callable(doing) else doing

    def close(self) -> None:
        self.open = 0


def raises() -> Spotted:
    raise RuntimeError("no ears")


def test_a_spotter_that_raises_is_told_and_the_next_stop_word_is_heard() -> None:
    answer = Answering()
    spotter = Listens(raises, Spotted("go forward", 1.2))
    call = talk(handler(answer, spotter=spotter), go_forward(), 2.0, go_forward(), 2.0)
    assert [m["message"] for m in call.told("error")] == ["no ears"]
    assert logged(call) == ["error", *TURN]
    assert spotter.open == 0


def test_a_spotter_that_hangs_is_given_up_and_replaced() -> None:
    answer, never = Answering(), threading.Event()
    spotter = Listens(lambda: never.wait(), Spotted("go forward", 1.2))

    async def calls() -> list[Any]:
        stream = Stream(
            handler(answer, spotter=spotter), modality="audio", mode="send-receive", verbose=False
        )
        async with calling(stream) as call:
            await call.talk(*spoken(go_forward(), 32.0, go_forward(), 2.0))
            errors = list(call.session.errors)
            await call.hung_up()
            assert logged(call) == ["error", *TURN]
            return errors

    (error,) = stepped(calls())
    assert isinstance(error, HandlerHung)
    assert spotter.listeners == 3  # of the handler that was passed, of its copy for the call, and the new one


def test_a_call_that_ends_while_it_listens_leaves_nothing_behind() -> None:
    never = threading.Event()
    talk(handler(Answering(), spotter=Listens(lambda: never.wait())), go_forward(), 0.6)


def test_a_speech_process_that_dies_is_replaced() -> None:
    answer = Answering()
    pool = sphinx.pool("phrases")

    async def calls() -> Call:
        made = handler(answer)
        async with calling(Stream(made, modality="audio", mode="send-receive", verbose=False)) as call:
            said = spoken(go_forward(), 2.0)
            await call.talk(*said[:60])
            for process in list(pool._all):
                process.kill()
            await call.talk(*said[60:], *said)
            assert [type(error) for error in call.session.errors] == [HandlerRaised]
            await call.hung_up()
            return call

    call = stepped(calls())
    assert logged(call) == ["error", *TURN]


# What is refused, and what is found when no spotter is there.


def test_no_stop_word_is_refused() -> None:
    with pytest.raises(OptionError):
        handler(Answering(), [])


def test_a_word_that_no_dictionary_knows_is_listened_for_as_it_is_spelled() -> None:
    phones, spelled = sphinx.spellings(("hey gradio",))
    assert spelled == {"gradio": "G R EY D IH OW"}
    assert phones == {"hey gradio": 8}
    answer = Answering()
    assert logged(talk(handler(answer, ["hey gradio", "go forward"]), go_forward(), 2.0)) == TURN


def test_a_word_that_nobody_can_say_is_refused_unless_a_model_transcribes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sphinx, "pronunciation", lambda word: "")
    with pytest.raises(UsageError, match="`zxqv`"):
        handler(Answering(), ["zxqv"])
    answer = Answering()
    call = talk(handler(answer, ["zxqv"], stt=Writes("zxqv ten meters")), go_forward(), 2.0)
    assert logged(call) == TURN


def test_without_pocketsphinx_the_model_hears_the_stop_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spotting, "installed", lambda: False)
    answer = Answering()
    call = talk(handler(answer, stt=Writes("go forward ten meters")), go_forward(), 2.0)
    assert logged(call) == TURN
    with pytest.raises(MissingExtra, match="nothing that could listen") as caught:
        handler(answer)
    assert "rtstream[offline]" in caught.value.fix


# Where a stop word ends in a transcript.


class Times:
    """A model that knows when each word was said."""

    def words(self, audio: Audio) -> list[Word]:
        return [Word(" Go", 0.4, 0.6), Word(" forward,", 0.6, 1.2), Word(" ten", 1.2, 1.5)]

    def stt(self, audio: Audio) -> str:
        raise AssertionError("the words tell all")


def test_a_model_that_knows_when_words_were_said_is_believed() -> None:
    said = go_forward().samples
    assert spotted_in(said, Phrases(["go forward"]), Times()) == Spotted("go forward", 1.2)
    assert spotted_in(said, Phrases(["go"]), Times()) == Spotted("go", 0.6)
    assert spotted_in(said, Phrases(["stop"]), Times()) is None


def test_else_the_end_is_guessed_from_the_letters_and_the_pauses() -> None:
    beep, pause = np.full(RATE // 2, 9000, np.int16), np.zeros(RATE // 10, np.int16)
    said = np.concatenate([np.zeros(RATE, np.int16), beep, pause, beep])
    assert 1.5 <= guessed_end(said, 0.5) < 1.6
    assert guessed_end(said, 1.0) == pytest.approx(2.1)
    assert guessed_end(np.zeros(RATE, np.int16), 0.5) == 1.0
    assert guessed_end(np.zeros(10, np.int16), 0.5) == pytest.approx(10 / RATE)


def test_listening_does_not_hold_up_what_is_heard() -> None:
    """A spotter that takes its time delays nothing but the stop word."""

    def slowly() -> Spotted:
        time.sleep(0.3)
        return Spotted("go forward", 1.2)

    answer = Answering()
    call = talk(handler(answer, spotter=Listens(slowly)), go_forward(), 3.0)
    assert logged(call) == TURN
    assert call.life.result().stats.dropped == 0
