"""Turns in real speech, on stepped time: found, whole, in time, at every rate and phase."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import numpy as np
import pytest

from rtstream import AlgoOptions, ReplyOnPause, SileroVadOptions, Stream
from rtstream.clock import Clock
from rtstream.media.files import Clip
from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode, ulaw_encode
from rtstream.media.resample import Resampler
from rtstream.transports.memory import MemoryTransport

from ..conftest import SAMPLE
from ..helpers.dialogs import Dialog, Parrot, Samples, beep, frames, made, place_of, silence, spoken_in, talk
from ..helpers.recordings import RATE, Recording, cards, go_forward, librivox

PAUSE = 1.5  # seconds between two recordings
LATENCY = 0.45  # seconds from the end of speech to the first sound of the reply: the target P11

RECORDINGS = [go_forward(), *cards(), *librivox()]


def joined(recordings: list[Recording], pause: float = PAUSE) -> tuple[Samples, list[tuple[int, int]]]:
    """Recordings with silence around each, and where in it each one's speech begins and ends."""
    parts, places, at = [silence(pause)], [], round(pause * RATE)
    for recording in recordings:
        first, last = spoken_in(recording.samples)
        places.append((at + first, at + last))
        parts += [recording.samples, silence(pause)]
        at += len(recording.samples) + round(pause * RATE)
    return np.concatenate(parts), places


def resampled(sound: Samples, rate_in: int, rate_out: int) -> Samples:
    resampler = Resampler(rate_out)
    parts = [resampler.push(AudioFrame(sound[None, :], rate_in)), resampler.flush()]
    return np.concatenate([part.samples[0] for part in parts if part is not None])


def word(seconds: float = 0.3) -> Samples:
    """A short "yes": that much of a recorded word, with soft ends."""
    cut = go_forward().samples[round(0.79 * RATE) :][: round(seconds * RATE)].astype(np.float64)
    fade = np.linspace(0, 1, RATE // 100)
    cut[: fade.size] *= fade
    cut[-fade.size :] *= fade[::-1]
    return cut.astype(np.int16)


# Real speech.


def test_every_recording_is_one_turn_that_holds_all_of_it() -> None:
    whole, places = joined(RECORDINGS)
    parrot = Parrot()
    dialog = talk(made(parrot), whole)
    assert dialog.session.errors == []
    assert len(parrot.turns) == len(places)
    for turn, (first, last) in zip(parrot.turns, places, strict=True):
        at = place_of(turn, whole)
        assert at <= first, "onset lost"
        assert at + len(turn) >= last, "end lost"
    assert dialog.logs == ["started_talking", "pause_detected", "response_starting"] * len(places)


def test_a_reply_is_heard_in_time_after_the_end_of_speech() -> None:
    whole, places = joined(RECORDINGS)
    dialog = talk(made(Parrot()), whole)
    delays = [begun - last / RATE for (begun, _), (_, last) in zip(dialog.spans, places, strict=True)]
    assert min(delays) > 0.2 and max(delays) < 0.6
    assert np.median(delays) <= LATENCY + 0.05  # the ends of words that are too soft to count as speech here


@pytest.mark.parametrize("noise", [10.0, 20.0])
def test_turns_are_found_in_noise(noise: float) -> None:
    whole, places = joined(RECORDINGS)
    level = np.sqrt(np.mean([np.mean(whole[a:b].astype(np.float64) ** 2) for a, b in places]))
    hiss = np.random.default_rng(1).standard_normal(len(whole)) * level / 10 ** (noise / 20)
    parrot = Parrot()
    talk(made(parrot), np.clip(whole + hiss, -32768, 32767).astype(np.int16))
    assert len(parrot.turns) == len(places)


def test_turns_are_found_on_the_telephone() -> None:
    whole, places = joined(RECORDINGS)
    narrow = ulaw_decode(ulaw_encode(resampled(whole, RATE, 8000)))
    parrot = Parrot()
    dialog = talk(
        made(parrot), frames(narrow, rate=8000), line=lambda: MemoryTransport(rate=8000, phone=True, lead=0.2)
    )
    assert len(parrot.turns) == len(places)
    assert dialog.told == []  # a carrier is told nothing


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
def test_the_handlers_rate_changes_nothing(rate: int) -> None:
    sound = np.concatenate(
        [silence(1), go_forward().samples, silence(PAUSE), go_forward().samples, silence(1)]
    )
    lengths: list[float] = []

    def fn(audio: Any) -> Any:
        assert audio[0] == rate
        lengths.append(audio[1].shape[1] / rate)
        return beep()

    talk(ReplyOnPause(fn, input_sample_rate=rate), frames(resampled(sound, RATE, 48000), rate=48000))
    assert lengths == pytest.approx([2.4] * 2, abs=0.15)
    assert abs(lengths[0] - lengths[1]) <= 0.064


@pytest.mark.parametrize("size", [1, 160, 320, 512, 1000, 4800])
def test_the_length_of_the_frames_changes_nothing(size: int) -> None:
    sound = np.concatenate([silence(1), go_forward().samples, silence(1)])
    parrot = Parrot()
    if size == 1:
        sound = sound[RATE // 2 :][: round(3.3 * RATE)]
    talk(made(parrot), frames(sound, size=max(size, 40)))
    (turn,) = parrot.turns
    assert place_of(turn, sound) <= spoken_in(sound)[0]


def test_stereo_is_heard_as_its_average() -> None:
    heard: list[tuple[int, int]] = []
    sound = np.concatenate([silence(1), go_forward().samples, silence(1)])
    both = [
        AudioFrame(np.concatenate([frame.samples, np.zeros_like(frame.samples)]), RATE)
        for frame in frames(sound)
    ]

    def fn(audio: Any) -> Any:
        heard.append(audio[1].shape)
        return beep()

    talk(made(fn, expected_layout="stereo"), both)
    ((rows, count),) = heard
    assert rows == 1 and count / RATE == pytest.approx(2.4, abs=0.2)


# Short words.


@pytest.mark.parametrize("phase", range(0, 32, 4))
def test_a_yes_of_300_ms_is_answered_at_every_phase(phase: int) -> None:
    whole = np.concatenate([silence(1 + phase / 1000), word(0.3), silence(1.2)])
    parrot = Parrot()
    talk(made(parrot), whole)
    (turn,) = parrot.turns
    first, last = spoken_in(whole)
    assert place_of(turn, whole) <= first - 0.3 * RATE + 512
    assert place_of(turn, whole) + len(turn) >= last


def test_a_click_is_no_turn() -> None:
    whole = np.concatenate([silence(1), word(0.05), silence(2)])
    parrot = Parrot()
    assert talk(made(parrot), whole).logs == []
    assert parrot.turns == []


@pytest.mark.parametrize("kind", ["silence", "noise", "tone"])
def test_what_is_no_speech_is_no_turn(kind: str) -> None:
    at = np.arange(RATE * 10)
    made_of = {
        "silence": np.zeros(at.size),
        "noise": np.random.default_rng(2).standard_normal(at.size) * 800,
        "tone": 8000 * np.sin(2 * np.pi * 440 * at / RATE),
    }
    parrot = Parrot()
    dialog = talk(made(parrot), made_of[kind].astype(np.int16))
    assert (parrot.turns, dialog.logs, dialog.line.heard) == ([], [], [])


def test_the_client_is_told_from_when_to_when_there_was_speech_in_a_turn() -> None:
    whole = np.concatenate([silence(1), word(0.6), silence(1.5)])
    spans = [place / RATE for place in spoken_in(whole)]
    dialog = talk(made(Parrot()), whole)
    (told,) = [message["speech"] for message in dialog.told if message.get("data") == "pause_detected"]
    assert told == pytest.approx(spans, abs=0.1)


def test_turns_that_are_answered_together_are_told_as_one_from_the_first_word_to_the_last() -> None:
    parts = [silence(1), *[word(0.6), silence(0.6)] * 3, silence(4)]
    dialog = talk(made(Parrot(pieces=30), can_interrupt=False), np.concatenate(parts))
    told = [message["speech"] for message in dialog.told if message.get("data") == "pause_detected"]
    assert told == [pytest.approx([1.0, 1.6], abs=0.1), pytest.approx([2.2, 4.0], abs=0.1)]


def test_a_button_in_silence_tells_of_a_turn_without_speech() -> None:
    async def press(stream: Stream, line: MemoryTransport) -> None:
        await Clock().sleep(0.5)
        stream.handlers["dialog"].trigger_response()  # type: ignore[attr-defined]

    dialog = talk(made(Parrot()), silence(1), meanwhile=press)
    ((begun, ended),) = [m["speech"] for m in dialog.told if m.get("data") == "pause_detected"]
    assert begun == ended == pytest.approx(0.5, abs=0.05)


# The options.


@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.8])
def test_the_silence_that_ends_a_turn_can_be_chosen(seconds: float) -> None:
    whole = np.concatenate([silence(1), word(0.6), silence(1.5)])
    dialog = talk(made(Parrot(), algo_options=AlgoOptions(end_silence=seconds)), whole)
    ((begun, _),) = dialog.spans
    assert begun - spoken_in(whole)[1] / RATE == pytest.approx(seconds + 0.03, abs=0.06)


def test_a_gap_shorter_than_the_silence_is_within_a_turn_and_a_longer_one_is_not() -> None:
    for gap, turns in ((0.25, 1), (0.7, 2)):
        whole = np.concatenate([silence(1), word(0.5), silence(gap), word(0.5), silence(1)])
        parrot = Parrot(pieces=1)
        talk(made(parrot), whole)
        assert len(parrot.turns) == turns


def test_the_longest_turn_is_answered_and_all_that_was_said_is_in_one_turn_or_the_next() -> None:
    speech = np.concatenate([word(0.3)] * 12)
    speech += np.random.default_rng(1).integers(-3, 4, len(speech)).astype(np.int16)  # no two places alike
    whole = np.concatenate([silence(1), speech, silence(1)])
    parrot = Parrot(pieces=1)
    talk(made(parrot, can_interrupt=False, algo_options=AlgoOptions(max_continuous_speech_s=1.5)), whole)
    assert len(parrot.turns[0]) == pytest.approx(1.5 * RATE, abs=512)
    places = [(place_of(turn, whole), place_of(turn, whole) + len(turn)) for turn in parrot.turns]
    assert places[0][0] <= RATE and places[-1][1] >= RATE + len(speech)
    assert all(end == begun for (_, end), (begun, _) in zip(places, places[1:], strict=False))


def test_a_higher_threshold_needs_clearer_speech() -> None:
    parrot = Parrot()
    talk(made(parrot, model_options=SileroVadOptions(threshold=1.0)), joined([go_forward()])[0])
    assert parrot.turns == []


# The button.


@pytest.mark.parametrize("thread", [False, True])
def test_a_button_gives_the_turn_away_from_any_thread(thread: bool) -> None:
    whole = np.concatenate([silence(1), word(0.6), silence(0.2)])
    parrot = Parrot()

    async def press(stream: Stream, line: MemoryTransport) -> None:
        await Clock().sleep(1.5)
        trigger = stream.handlers["dialog"].trigger_response  # type: ignore[attr-defined]
        if thread:
            presser = threading.Thread(target=trigger)
            presser.start()
            presser.join()
        else:
            trigger()
        await Clock().sleep(0.5)

    dialog = talk(made(parrot), whole, meanwhile=press)
    (turn,) = parrot.turns
    assert place_of(turn, whole) + len(turn) == pytest.approx(1.5 * RATE, abs=800)
    assert dialog.spans[0][0] == pytest.approx(1.5, abs=0.1)


def test_a_button_in_silence_asks_for_a_reply_to_nothing() -> None:
    parrot = Parrot()

    async def press(stream: Stream, line: MemoryTransport) -> None:
        await Clock().sleep(0.5)
        stream.handlers["dialog"].trigger_response()  # type: ignore[attr-defined]

    dialog = talk(made(parrot), silence(1), meanwhile=press)
    assert [turn.size for turn in parrot.turns] == [0]
    assert len(dialog.spans) == 1


def test_a_telephone_is_answered_a_window_later() -> None:
    said = np.concatenate([go_forward().samples, silence(1.5)])
    lines = (MemoryTransport, partial(MemoryTransport, phone=True))
    begun = [talk(made(Parrot()), said, line=line).spans[0][0] for line in lines]
    assert begun[1] - begun[0] == pytest.approx(0.032, abs=0.021), "in frames of 20 ms"


# The same each time.


@pytest.mark.timeout(120)  # it computes, without a wait: half a minute on a busy machine
def test_ten_runs_give_the_same_bytes_at_the_same_times() -> None:
    whole, _ = joined((RECORDINGS * 4)[:4])

    def run(dialog: Dialog) -> list[Any]:
        return [
            (at, frame.samples.tobytes()) for at, frame in dialog.line.heard if isinstance(frame, AudioFrame)
        ]

    def fn(audio: Any) -> Any:
        yield audio

    first = run(talk(made(fn), whole))
    assert len(first) > 100
    for _ in range(9):
        assert run(talk(made(fn), whole)) == first


def test_the_sample_of_the_templates_is_one_turn() -> None:
    clip = Clip.open(SAMPLE)
    parrot = Parrot()
    talk(made(parrot), np.concatenate([clip.audio(RATE).samples[0], silence(1)]))
    assert len(parrot.turns) == 1
