"""Live transcripts of what is being said, on stepped time: with the real recogniser and with failing ones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rtstream import ReplyOnPause, ReplyOnStopWords, Stream
from rtstream.clock import Clock
from rtstream.errors import HandlerHung, HandlerRaised, HandlerReturnedNonsense, OptionError
from rtstream.loopback.run import run_file
from rtstream.speech.protocols import Audio
from rtstream.testing import call
from rtstream.transports.memory import MemoryTransport
from tests.conftest import SAMPLE
from tests.helpers.dialogs import Dialog, Samples, beep, made, silence, talk
from tests.helpers.media import Sound
from tests.helpers.recordings import RATE, go_forward

pytestmark = pytest.mark.timeout(120)

ABOUT = pytest.approx(25, abs=2)  # tenths of a second: the words, what is kept from before, the silence after

ONE = np.concatenate([silence(1), go_forward().samples, silence(1.5)])


def fn(audio: Sound) -> Iterator[Sound]:
    yield beep(0.3)


class Counting:
    """A recogniser that says how many tenths of a second it has heard in this utterance."""

    def __init__(self) -> None:
        self.streams = 0
        self.closed = 0
        self.heard: list[np.ndarray[Any, Any]] = []
        self._samples = 0

    @property
    def partial(self) -> str:
        return f"{10 * self._samples // 16000}"

    def stream(self) -> Counting:
        self.streams += 1
        self._samples = 0
        return self

    def feed(self, audio: Audio) -> Any:
        rate, samples = audio
        assert rate == 16000 and samples.dtype == np.float32
        self.heard.append(samples)
        self._samples += samples.size
        return self.partial

    def final(self) -> Any:
        said, self._samples = self._samples, 0
        return f"{10 * said // 16000} in all"

    def close(self) -> None:
        self.closed += 1


class Turning(Counting):
    """One that does something else the first time."""

    def __init__(self, first: Any) -> None:
        super().__init__()
        self.first = first

    def feed(self, audio: Audio) -> Any:
        if (first := self.first) is not None:
            self.first = None
            return first()
        return super().feed(audio)


def outputs(dialog: Dialog) -> list[dict[str, str]]:
    async def read() -> list[dict[str, str]]:
        found = []
        while (one := await dialog.session.outputs.next()) is not None:
            found.append(one.args[0])
        return found

    return asyncio.run(read())


def finals(found: list[dict[str, str]]) -> list[int]:
    """How much each utterance that has ended held, as `Counting` counts."""
    return [int(one["final"].split()[0]) for one in found if "final" in one]


def said(model: Any, sound: Samples = ONE, **more: Any) -> Dialog:
    return talk(made(fn, partials=model), sound, **more)


def test_what_is_said_is_written_down_while_it_is_said_and_once_more_at_the_pause() -> None:
    pytest.importorskip("pocketsphinx")
    found = [
        output.args[0] for output in call(made(fn, partials="pocketsphinx"), SAMPLE, modality="audio").outputs
    ]
    assert found[-1] == {"final": "go forward ten meters"}
    partials = [one["partial"] for one in found[:-1]]
    assert "go forward" in partials and len(partials) > 3
    assert len(set(partials)) == len(partials)


def test_the_words_are_there_long_before_the_turn_has_ended() -> None:
    at: list[float] = []

    async def read(stream: Stream, line: MemoryTransport) -> None:
        outputs = stream.output_stream("dialog")
        while True:
            await anext(outputs)
            at.append(Clock().now())

    async def beside(stream: Stream, line: MemoryTransport) -> None:
        reading = asyncio.ensure_future(read(stream, line))
        await Clock().sleep(len(ONE) / RATE)
        reading.cancel()

    dialog = said(Counting(), meanwhile=beside)
    assert at[0] < 1.5 + 0.5 and at[-1] == pytest.approx(dialog.spans[0][0], abs=0.1)
    assert len(at) > 15


def test_nothing_of_the_turn_is_lost_and_silence_is_not_listened_to() -> None:
    model = Counting()
    found = outputs(said(model))
    assert finals(found) == [ABOUT]
    assert [one["partial"] for one in found[:-1]] == sorted({one["partial"] for one in found[:-1]}, key=int)
    assert sum(part.size for part in model.heard) / 16000 == pytest.approx(2.5, abs=0.2)
    assert (model.streams, model.closed) == (1, 1)


def test_each_turn_is_an_utterance_of_its_own() -> None:
    found = outputs(said(Counting(), np.concatenate([ONE, ONE])))
    assert finals(found) == [ABOUT, ABOUT]
    ended = next(place for place, one in enumerate(found) if "final" in one)
    assert int(found[ended + 1]["partial"]) < 10  # it begins anew


def test_what_is_said_over_a_reply_is_written_down_too() -> None:
    dialog = talk(
        made(lambda audio: beep(3.0), can_interrupt=False, partials=Counting()),
        np.concatenate([ONE, ONE, silence(3)]),
    )
    assert finals(outputs(dialog)) == [ABOUT, ABOUT]


def test_on_the_telephone_they_are_put_out_as_everywhere() -> None:
    model = Counting()
    dialog = said(model, line=lambda: MemoryTransport(rate=8000, phone=True, lead=0.2))
    assert finals(outputs(dialog)) == [ABOUT]
    assert dialog.told == []


def test_where_no_sound_goes_back_they_are_put_out_as_well() -> None:
    stream = Stream(
        ReplyOnPause(lambda audio: None, partials=Counting()), modality="audio", mode="send", verbose=False
    )
    (result,) = run_file(stream, SAMPLE).results
    assert result.errors == []
    assert "final" in result.outputs[-1].args[0]


def test_behind_a_stop_word_only_the_turn_is_written_down() -> None:
    pytest.importorskip("pocketsphinx")
    handler = ReplyOnStopWords(fn, ["go forward"], input_sample_rate=RATE, partials="pocketsphinx")
    dialog = talk(handler, np.concatenate([ONE, silence(1)]))
    assert [one["final"] for one in outputs(dialog) if "final" in one] == ["ten meters"]


def test_speech_without_words_is_not_told() -> None:
    class Deaf(Counting):
        partial = ""

        def final(self) -> str:
            return ""

    assert outputs(said(Deaf())) == []


# Recognisers that fail.


def test_a_model_without_partial_transcripts_is_refused_at_once() -> None:
    class Whole:
        def stt(self, audio: Audio) -> str:
            return ""

    with pytest.raises(OptionError, match="gives no partial transcripts"):
        ReplyOnPause(fn, partials=Whole())


def broken() -> str:
    raise ValueError("no good")


@pytest.mark.parametrize(
    "first, error",
    [(broken, HandlerRaised), (lambda: 7, HandlerReturnedNonsense)],
)
def test_one_that_raises_or_gives_nonsense_is_told_of_and_the_turn_is_answered(
    first: Any, error: Any
) -> None:
    model = Turning(first)
    dialog = said(model, np.concatenate([ONE, ONE]))
    assert [type(one) for one in dialog.session.errors] == [error]
    assert len(dialog.spans) == 2
    assert finals(outputs(dialog))[-1] == ABOUT
    assert model.closed >= 1


def test_one_that_hangs_is_given_up_and_the_next_turn_has_a_new_one() -> None:
    never = threading.Event()
    model = Turning(never.wait)
    dialog = said(model, np.concatenate([ONE, silence(32), ONE]))
    assert [type(one) for one in dialog.session.errors] == [HandlerHung]
    assert len(dialog.spans) == 2
    assert model.streams == 2
    assert finals(outputs(dialog))[-1] == ABOUT


def test_a_call_that_ends_in_the_midst_of_a_word_leaves_nothing() -> None:
    model = Counting()
    said(model, ONE[: 2 * RATE])
    assert model.closed == 1
