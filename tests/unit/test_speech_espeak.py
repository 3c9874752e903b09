"""Text to speech with espeak-ng, for real: it is sound, it comes at once, and it stops when it must."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rtstream.clock import Clock, run_stepped
from rtstream.errors import UsageError
from rtstream.speech.espeak import EspeakTTS, EspeakTTSOptions
from rtstream.speech.pronouncing import PHONES, pronunciation
from rtstream.speech.text import paragraphs, sentences
from rtstream.worker import Worker

TEXT = "The quick brown fox jumps over the lazy dog. Then it sleeps."


@pytest.fixture(scope="module")
def tts() -> EspeakTTS:
    return EspeakTTS()


def test_what_is_spoken_is_sound(tts: EspeakTTS) -> None:
    rate, samples = tts.tts(TEXT)
    assert rate == 22050
    assert samples.dtype == np.int16 and samples.ndim == 1
    assert 2.5 < len(samples) / rate < 6
    assert np.sqrt((samples.astype(float) ** 2).mean()) > 500


def test_the_first_piece_comes_alone_and_the_pieces_are_the_whole(tts: EspeakTTS) -> None:
    pieces = list(tts.stream_tts_sync(TEXT))
    assert all(0 < len(samples) <= 0.061 * rate for rate, samples in pieces)
    assert alike(np.concatenate([samples for _, samples in pieces]), tts.tts(TEXT)[1])


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """espeak-ng speaks the same text a little differently each time, as people do."""
    return abs(len(one) - len(other)) < 0.02 * len(other) and bool(0.8 < one.std() / other.std() < 1.25)


def test_coroutines_are_given_the_same(tts: EspeakTTS) -> None:
    async def spoken() -> list[np.ndarray]:
        return [samples async for _, samples in tts.stream_tts(TEXT)]

    assert alike(np.concatenate(asyncio.run(spoken())), tts.tts(TEXT)[1])


def test_a_coroutine_that_stops_listening_leaves_no_thread(tts: EspeakTTS) -> None:
    async def first() -> None:
        async for _ in tts.stream_tts(TEXT * 100):
            break

    before = set(threading.enumerate())
    asyncio.run(first())
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)
        assert not thread.is_alive()


def test_who_stops_listening_stops_the_engine(tts: EspeakTTS) -> None:
    pieces = tts.stream_tts_sync("word " * 70)
    next(pieces)
    pieces.close()
    assert len(list(tts.stream_tts_sync("hi"))) < 20


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\0"])
def test_of_nothing_there_is_nothing(tts: EspeakTTS, text: str) -> None:
    rate, samples = tts.tts(text)
    assert rate > 0
    assert np.abs(samples).max(initial=0) < 100


@pytest.mark.parametrize("text", ["Grüße, 你好, \ud800!", "<b>&amp;</b>", "a" * 2000, "1,234.5 %"])
def test_any_text_can_be_spoken(tts: EspeakTTS, text: str) -> None:
    assert np.abs(tts.tts(text)[1]).max() > 1000


def test_speed_voice_and_pitch_are_heard(tts: EspeakTTS) -> None:
    plain = tts.tts(TEXT)[1]
    assert len(tts.tts(TEXT, EspeakTTSOptions(speed=2))[1]) < 0.7 * len(plain)
    assert not alike(tts.tts(TEXT, EspeakTTSOptions(voice="de"))[1], plain)
    assert pitch(tts.tts("ah " * 20, EspeakTTSOptions(pitch=90))[1]) > 1.2 * pitch(tts.tts("ah " * 20)[1])
    assert alike(tts.tts(TEXT)[1], plain)


def pitch(samples: np.ndarray) -> float:
    """How high a voice is: its fundamental in the middle of what it says, in Hz."""
    middle = samples[len(samples) // 2 :][:4096].astype(float)
    spectrum = np.abs(np.fft.rfft(middle)) ** 2
    likeness = np.fft.irfft(spectrum)[60:400]  # from 367 down to 55 Hz
    return 22050 / (60 + int(np.argmax(likeness)))


@pytest.mark.parametrize(("speed", "pitch"), [(0.1, 50), (9.0, 50), (1.0, -1), (1.0, 101)])
def test_options_out_of_range_are_refused(speed: float, pitch: int) -> None:
    with pytest.raises(UsageError):
        EspeakTTSOptions(speed=speed, pitch=pitch)


def test_many_may_speak_at_once(tts: EspeakTTS) -> None:
    alone = {text: tts.tts(text)[1] for text in ("one two", "three four", "five six")}
    with ThreadPoolExecutor(6) as threads:
        together = list(threads.map(lambda text: (text, tts.tts(text)[1]), list(alone) * 10))
    assert all(alike(samples, alone[text]) for text, samples in together)


def test_a_library_without_its_data_is_told() -> None:
    """In a program of its own, because the library has one state."""
    script = (
        "import espeakng_loader as loader\n"
        "from rtstream.errors import MachineError\n"
        "from rtstream.speech.espeak import Engine\n"
        "try:\n    Engine(loader.get_library_path(), 'nowhere')\n"
        "except MachineError as error:\n    print(error)"
    )
    told = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
    assert told.stdout == "espeak-ng does not start\n"


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("computer", "K AH M P Y UW T ER"),
        ("hello", "HH AH L OW"),
        ("forward", "F AO R W ER D"),
        ("gradio", "G R EY D IH OW"),
        ("button", "B AH T AH N"),
    ],
)
def test_a_word_is_spelled_as_pocketsphinx_spells_it(word: str, phones: str) -> None:
    assert pronunciation(word) == phones


def test_a_speaker_that_was_stopped_leaves_no_letter_for_the_next_word() -> None:
    speaking = EspeakTTS().stream_tts_sync("Hello there. How are you? I am fine.")
    next(speaking)
    speaking.close()
    assert pronunciation("gradio") == "G R EY D IH OW"


def test_stepped_time_stands_still_while_a_word_is_spelled(tts: EspeakTTS) -> None:
    async def main() -> float:
        worker = Worker("test")
        tts._engine._worker.submit(time.sleep, 0.05)  # it is busy, or has no processor
        spelling = asyncio.ensure_future(worker.run(tts._engine.phonemes, "hello"))
        await asyncio.wait([spelling], timeout=60)
        worker.close()
        return Clock().now()

    assert run_stepped(main()) == 0


def test_every_phone_of_the_table_is_one_of_cmus() -> None:
    cmu = (
        "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
    )
    assert {phone for phones in PHONES.values() for phone in phones.split()} == set(cmu.split())


def test_a_text_is_cut_at_its_sentences() -> None:
    assert sentences("One. Two!  Three?\nFour") == ["One.", "Two!", "Three?", "Four"]
    assert sentences("") == []
    assert sentences("aaa bbb ccc", longest=8) == ["aaa bbb", "ccc"]
    assert sentences("a" * 10, longest=4) == ["aaaa", "aaaa", "aa"]


def test_short_sentences_are_spoken_together() -> None:
    assert paragraphs("One. Two. Three.", longest=10) == ["One. Two.", "Three."]
