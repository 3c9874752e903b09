"""pocketsphinx in its own processes, on real recordings: right words, and no harm when a process fails."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rtstream.errors import HandlerHung, HandlerRaised, MissingExtra
from rtstream.speech import process, sphinx
from rtstream.speech.process import Pool
from rtstream.speech.protocols import StreamingSTTModel, TimedSTTModel
from rtstream.speech.sphinx import KeyphraseSpotter, PocketsphinxSTT, installed
from tests.helpers.recordings import Recording, cards, go_forward, librivox, wrong_words

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def stt() -> PocketsphinxSTT:
    return PocketsphinxSTT()


def test_a_recorded_sentence_is_recognised(stt: PocketsphinxSTT) -> None:
    said = go_forward()
    assert stt.stt(said.audio) == said.words


def test_at_most_three_words_in_ten_of_the_recordings_are_wrong(stt: PocketsphinxSTT) -> None:
    """Measured: 22 % of 92 words; of the phrases of cards, one word of 21."""
    recordings = [*cards(), *librivox()]
    if not recordings:
        pytest.skip("Debian's pocketsphinx-testdata is not installed")
    wrong = {r.name: wrong_words(r.words, stt.stt(r.audio)) for r in recordings}
    assert sum(wrong.values()) <= 0.3 * sum(len(r.words.split()) for r in recordings), wrong
    assert sum(wrong[r.name] for r in cards()) <= 2, wrong


def test_the_same_sound_gives_the_same_words_whoever_spoke_before(stt: PocketsphinxSTT) -> None:
    said = go_forward()
    before = [*cards(), said][0]
    words = stt.stt(before.audio)
    noise = np.random.default_rng(1).normal(0, 6000, 16000).astype(np.int16)
    live = stt.stream()
    for sound in (noise, said.samples):
        stt.stt((16000, sound))
        live.feed((16000, sound))
        live.final()
        assert stt.stt(before.audio) == words


@pytest.mark.parametrize("rate", [16000, 24000, 44100, 48000])
def test_sound_of_any_rate_and_form_is_heard(stt: PocketsphinxSTT, rate: int) -> None:
    said = go_forward()
    count = len(said.samples) * rate // 16000
    sound = np.interp(np.arange(count) * 16000 / rate, np.arange(len(said.samples)), said.samples) / 32768
    assert stt.stt((rate, sound.astype(np.float32)[None])) == said.words


@pytest.mark.parametrize("samples", [0, 1, 100, 1600])
def test_in_silence_and_in_next_to_nothing_there_are_no_words(stt: PocketsphinxSTT, samples: int) -> None:
    assert stt.stt((16000, np.zeros(samples, np.int16))) == ""


def test_each_word_has_its_time(stt: PocketsphinxSTT) -> None:
    assert isinstance(stt, TimedSTTModel)
    words = stt.words(go_forward().audio)
    assert [word.text for word in words] == ["go", "forward", "ten", "meters"]
    assert 0.4 < words[0].start < words[0].end <= words[1].start < words[1].end < 1.3
    assert words[-1].end < go_forward().seconds


def pieces(said: Recording, samples: int = 320) -> Iterator[tuple[int, np.ndarray]]:
    for at in range(0, len(said.samples), samples):
        yield 16000, said.samples[at : at + samples]


def test_partial_transcripts_come_while_somebody_speaks(stt: PocketsphinxSTT) -> None:
    assert isinstance(stt, StreamingSTTModel)
    stream = stt.stream()
    said = go_forward()
    partials = [stream.feed(piece) for piece in pieces(said)]
    assert "go forward" in partials[: round(1.4 * 50)]  # long before its end
    assert partials[-1] == stream.partial
    assert stream.final() == said.words
    assert stream.partial == ""


def test_one_utterance_follows_another_and_between_them_no_process_is_held(stt: PocketsphinxSTT) -> None:
    stream, said = stt.stream(), go_forward()
    for _ in range(2):
        for piece in pieces(said, 1600):
            stream.feed(piece)
        assert stream.final() == said.words
    assert len(sphinx.pool("text")._idle) >= 1
    assert stream.final() == ""
    stream.close()


def test_a_stream_that_is_closed_in_the_middle_gives_its_place_back(stt: PocketsphinxSTT) -> None:
    free = sphinx.pool("text")._permits.qsize()
    stream = stt.stream()
    stream.feed((16000, go_forward().samples))
    assert sphinx.pool("text")._permits.qsize() == free - 1
    stream.close()
    stream.close()
    assert sphinx.pool("text")._permits.qsize() == free
    assert stt.stt(go_forward().audio) == go_forward().words


def test_several_are_recognised_at_once(stt: PocketsphinxSTT) -> None:
    said = go_forward()
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(stt.stt, [said.audio] * 3)) == [said.words] * 3


# Phrases.


def spotted(phrases: list[str], said: Recording, leniency: float = 1.0) -> list[str]:
    listener = KeyphraseSpotter(leniency).listening_for(phrases)
    found = []
    for _, samples in pieces(said, 512):
        if one := listener.listen(samples, last=False):
            found.append(one.phrase)
    if one := listener.listen(np.empty(0, np.int16), last=True):
        found.append(one.phrase)
    return found


def test_phrases_are_heard_in_their_order_and_others_are_not() -> None:
    assert spotted(["ten meters", "hello computer", "go forward"], go_forward()) == [
        "go forward",
        "ten meters",
    ]


def test_a_phrase_is_heard_a_sixth_of_a_second_after_its_end() -> None:
    listener = KeyphraseSpotter().listening_for(["go forward"])
    for number, (_, samples) in enumerate(pieces(go_forward(), 512), 1):
        if found := listener.listen(samples, last=False):
            assert 1.1 < found.end < 1.25
            assert number * 512 / 16000 - found.end < 0.17
            break
    else:
        pytest.fail("it was not heard")
    listener.close()


def test_each_stretch_begins_anew() -> None:
    listener = KeyphraseSpotter().listening_for(["go forward"])
    for _ in range(2):
        found = listener.listen(go_forward().samples, last=True)
        assert found is not None and 1.1 < found.end < 1.25


def test_of_ten_phrases_in_the_recordings_nine_are_heard_in_theirs_and_in_no_other() -> None:
    truth = {
        "seven of clubs": "003.wav",
        "five five": "004.wav",
        "eight of spades": "005.wav",
        "seven of hearts": "005.wav",
        "young man": "0880",
        "rather selfish": "0890",
        "amiable woman": "0920",
        "respectable": "0920",
        "amiable himself": "0930",
        "john dashwood": "0870",
    }
    recordings = [*cards(), *librivox()]
    if not recordings:
        pytest.skip("Debian's pocketsphinx-testdata is not installed")
    listener = KeyphraseSpotter().listening_for(list(truth))
    right = wrong = 0
    for said in recordings:
        heard = []
        for _, samples in pieces(said, 512):
            if one := listener.listen(samples, last=False):
                heard.append(one.phrase)
        listener.listen(np.empty(0, np.int16), last=True)
        right += sum(truth[phrase] in said.name for phrase in set(heard))
        wrong += sum(truth[phrase] not in said.name for phrase in heard)
    assert right >= 9
    assert wrong <= 1


# Trouble.

PROGRAM = """
import json, sys, time
for line in sys.stdin.buffer:
    order = json.loads(line)
    sys.stdin.buffer.read(order.get("bytes", 0))
    match order["do"]:
        case "hang": time.sleep(60)
        case "die": sys.exit(7)
        case "fail": answer = {"error": "RuntimeError: no ears"}
        case other: answer = {"did": other}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    (tmp_path / "program.py").write_text(PROGRAM)
    made = Pool("test", tmp_path / "program.py", most=2, kept=1)
    yield made
    made.close()


def test_a_process_that_hangs_is_ended_and_the_next_is_a_fresh_one(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pool.taken() as one:
        assert one.ask("work", b"12") == {"did": "work"}
    with pytest.raises(HandlerHung, match="`test` has not come back for 0.2 s"), pool.taken() as hung:
        hung.ask("hang", within=0.2)
    assert hung is one
    assert not hung.alive
    with pool.taken() as fresh:
        assert fresh is not one
        assert fresh.ask("work") == {"did": "work"}


def test_a_process_that_dies_is_told_with_its_last_word(pool: Pool) -> None:
    with pytest.raises(HandlerRaised) as caught, pool.taken() as one:
        one.ask("die")
    assert caught.value.why == "its process ended with 7"
    with pytest.raises(HandlerRaised):
        one.ask("work")


def test_an_engine_that_fails_is_told_in_its_words(pool: Pool) -> None:
    with pytest.raises(HandlerRaised) as caught, pool.taken() as one:
        one.ask("fail")
    assert caught.value.why == "RuntimeError: no ears"


def test_a_process_that_died_while_nobody_needed_it_is_replaced(pool: Pool) -> None:
    with pool.taken() as one:
        one.ask("work")
    one.kill()
    with pool.taken() as other:
        assert other.ask("work") == {"did": "work"}


def test_only_so_many_work_at_once_and_only_so_many_stay(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WAIT_SECONDS", 0.1)
    first, second = pool.take(), pool.take()
    with pytest.raises(HandlerHung, match="has become free"):
        pool.take()
    pool.give_back(first)
    pool.give_back(second)
    assert first.alive
    assert not second.alive
    assert pool.take() is first


def test_a_pool_that_is_closed_ends_its_processes(pool: Pool) -> None:
    one, other = pool.take(), pool.take()
    pool.give_back(other)
    pool.close()
    assert not one.alive
    assert not other.alive


def test_the_processes_of_a_program_end_with_it(tmp_path: Path) -> None:
    """Even if it is killed: they see the end of their stdin."""
    (tmp_path / "program.py").write_text(PROGRAM)
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom rtstream.speech.process import Pool\n"
        "one = Pool('test', Path(sys.argv[1]), most=1, kept=1).take()\none.ask('work')\n"
        "print(one._process.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "program.py")]
    pid = int(subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60).stdout)
    deadline = time.monotonic() + 10
    while runs(pid):
        assert time.monotonic() < deadline, "it outlives its program"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not installed()
    for make in (PocketsphinxSTT, KeyphraseSpotter):
        with pytest.raises(MissingExtra) as caught:
            make()
        assert caught.value.fix == 'pip install "rtstream[offline]"'
