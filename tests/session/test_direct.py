"""A recording straight through a stream: media time, the same samples each time, an end to everything."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import itertools
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtstream import (
    AdditionalOutputs,
    AsyncStreamHandler,
    CloseStream,
    Stream,
    wait_for_item,
)
from rtstream.errors import HandlerHung, HandlerRaised, MediaFileError, OptionError
from rtstream.loopback import hanging
from rtstream.loopback.run import run_file
from rtstream.media.files import Clip, ClipWriter
from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.testing import audio_likeness, call, is_silent, video_likeness
from rtstream.worker import Worker
from tests.helpers.handlers import AsyncAudioVideoEcho, Echo
from tests.helpers.media import Picture, Sound
from tests.helpers.memory import left_threads
from tests.unit.signals import sound


async def echo(audio: Sound) -> Sound:
    return audio


def plain_echo(audio: Sound) -> Sound:
    return audio


async def turn(image: Picture) -> Picture:
    return np.ascontiguousarray(image[::-1])


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a tone, 16 kHz."""
    path = tmp_path_factory.mktemp("direct") / "tone.wav"
    with ClipWriter(path) as writer:
        writer.audio(sound(440, 0.5, 16000))
    return path


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a square that moves, 25 pictures, with a tone to it."""
    path = tmp_path_factory.mktemp("direct") / "film.mp4"
    with ClipWriter(path, fps=25) as writer:
        writer.audio(sound(440, 1.0, 48000))
        for number in range(25):
            pixels = np.full((48, 64, 3), 40, np.uint8)
            pixels[10:20, 2 * number : 2 * number + 10] = (0, 200, 255)
            writer.video(VideoFrame(pixels), number / 25)
    return path


def test_an_echo_gives_back_the_whole_recording(speech: Path) -> None:
    result = call(echo, speech, modality="audio")
    assert result.errors == []
    assert result.seconds_in == pytest.approx(Clip.open(speech).duration)
    assert abs(result.seconds_out - result.seconds_in) < 0.1
    assert result.audio is not None
    assert audio_likeness(Clip.open(speech).audio(), result.audio) > 0.99
    assert result.first_audio_ms is not None and 0 <= result.first_audio_ms <= 40
    assert (result.late, result.dropped) == (0, 0)
    assert max(result.gaps) < 1e-6


def test_a_deterministic_handler_gives_the_same_samples_ten_times(speech: Path) -> None:
    digests = {hashlib.sha256(samples(call(echo, speech, modality="audio"))).hexdigest() for _ in range(10)}
    assert len(digests) == 1


def samples(result: Any) -> bytes:
    return bytes(result.audio.samples.tobytes())


def test_a_minute_takes_a_second_or_two_of_work(tmp_path: Path, speech: Path) -> None:
    clip = Clip.open(speech).audio()
    with ClipWriter(tmp_path / "minute.wav") as writer:
        for _ in range(round(60 / clip.duration)):
            writer.audio(clip)
    before = time.process_time()
    result = call(echo, tmp_path / "minute.wav", modality="audio")
    assert result.seconds_out > 55
    assert time.process_time() - before < 2.0  # 0.4 s on a machine with nothing else to do


def test_a_plain_function_in_a_thread_gives_the_same_as_a_coroutine(tone: Path) -> None:
    assert samples(call(plain_echo, tone, modality="audio")) == samples(call(echo, tone, modality="audio"))


def test_an_emit_that_blocks_in_a_queue_holds_nothing_up(tone: Path) -> None:
    result = call(Echo(), tone, modality="audio")
    assert result.errors == []
    assert result.seconds_out == pytest.approx(result.seconds_in, abs=0.1)
    assert not any(
        thread.name.startswith("rtstream-") for thread in threading.enumerate() if not thread.daemon
    )


class Thinker(AsyncStreamHandler):
    """Answers a while after it has heard the last of something, when the caller is silent already."""

    def __init__(self, pause: float) -> None:
        super().__init__()
        self.pause = pause
        self.heard = 0.0
        self.replies: asyncio.Queue[Sound] = asyncio.Queue()

    async def receive(self, frame: Sound) -> None:
        self.heard += frame[1].shape[1] / frame[0]
        if abs(self.heard - 0.5) < 0.01:
            await asyncio.sleep(self.pause)
            self.replies.put_nowait((24000, sound(300, 1.0, 24000).samples))

    async def emit(self) -> Sound | None:
        return await wait_for_item(self.replies)


def test_an_answer_after_the_end_is_waited_for_and_stands_where_it_was_given(tone: Path) -> None:
    result = call(Thinker(2.0), tone, modality="audio")
    assert result.seconds_in == 0.5
    assert result.first_audio_ms == pytest.approx(2500, abs=150)
    assert result.seconds_out == pytest.approx(3.5, abs=0.15)
    assert result.audio is not None
    assert is_silent(AudioFrame(result.audio.samples[:, : 2 * result.audio.rate], result.audio.rate))


def test_one_who_has_spoken_is_given_the_linger_and_no_more(tone: Path) -> None:
    class Twice(Thinker):
        async def start_up(self) -> None:
            self.replies.put_nowait((24000, sound(300, 0.2, 24000).samples))

    assert call(Twice(2.0), tone, modality="audio").seconds_out < 1
    assert call(Twice(2.0), tone, modality="audio", linger=3.0).seconds_out == pytest.approx(3.5, abs=0.15)


def test_a_handler_that_never_falls_silent_is_left_after_half_a_minute(tone: Path) -> None:
    class Endless(AsyncStreamHandler):
        async def receive(self, frame: Sound) -> None:
            pass

        async def emit(self) -> Sound:
            return 24000, sound(300, 0.02, 24000).samples

    result = call(Endless(), tone, modality="audio")
    assert result.seconds_out == pytest.approx(30.5, abs=0.2)


def test_a_source_is_heard_for_as_long_as_the_recording_lasts(tone: Path) -> None:
    def hum() -> Iterator[Sound]:
        while True:
            yield 24000, sound(300, 0.1, 24000).samples

    result = call(hum, tone, modality="audio", mode="receive")
    assert result.seconds_in == 0
    assert result.seconds_out == pytest.approx(0.5, abs=0.05)


def test_a_source_that_ends_is_heard_to_its_end(tone: Path) -> None:
    async def three() -> AsyncIterator[Sound]:
        for _ in range(3):
            yield 24000, sound(300, 0.1, 24000).samples

    result = call(three, tone, modality="audio", mode="receive")
    assert result.seconds_out == pytest.approx(0.3, abs=0.05)
    assert result.messages[-1]["type"] == "end_stream"


def test_a_source_that_works_between_its_sounds_loses_none_of_them_nor_its_last_error(tone: Path) -> None:
    def source() -> Iterator[Sound]:
        for _ in range(3):
            time.sleep(0.1)  # as one does that asks for its sound elsewhere, in a library that is no Python
            yield 48000, sound(440, 0.1, 48000).samples
        time.sleep(0.1)
        raise RuntimeError("the end of the programme")

    result = call(source, tone, modality="audio", mode="receive")
    assert result.seconds_out == pytest.approx(0.3)
    assert [error.what for error in result.errors] == ["the end of the programme"]


def test_one_who_only_listens_is_told_everything_and_says_nothing(tone: Path) -> None:
    heard: list[int] = []

    def listen(audio: Sound) -> None:
        heard.append(audio[1].shape[1])

    result = call(listen, tone, modality="audio", mode="send")
    assert result.audio is None
    assert result.heard == len(heard)
    assert sum(heard) / 48000 >= 0.5


def test_pictures_come_back_at_their_times(film: Path) -> None:
    result = call(turn, film, modality="video")
    assert [round(at * 25) for at, _ in result.video] == list(range(25))
    assert result.seconds_out == pytest.approx(result.seconds_in, abs=0.05)
    upright = [(at, VideoFrame(frame.pixels[::-1])) for at, frame in result.video]
    assert video_likeness(list(Clip.open(film).video_frames()), upright) == 1.0


def test_sound_and_pictures_travel_together(film: Path) -> None:
    result = call(AsyncAudioVideoEcho(), film, modality="audio-video")
    assert result.errors == []
    assert len(result.video) == 25
    assert result.audio is not None and result.audio.duration == pytest.approx(1.0, abs=0.1)


def test_outputs_and_messages_are_brought_home(tone: Path) -> None:
    numbers = itertools.count()

    async def counted(audio: Sound) -> Any:
        number = next(numbers)
        return (audio, AdditionalOutputs(number)) if number < 2 else (audio, CloseStream("enough"))

    result = call(counted, tone, modality="audio")
    assert [outputs.args for outputs in result.outputs] == [(0,), (1,)]
    kinds = [message["type"] for message in result.messages]
    assert kinds.count("fetch_output") == 2
    assert result.messages[-1] == {"type": "end_stream", "data": "enough", "reason": "handler"}


def test_what_a_handler_raises_is_in_the_errors_and_does_not_come_through(tone: Path) -> None:
    async def raises(audio: Sound) -> Sound:
        raise ValueError("no good")

    result = call(raises, tone, modality="audio")
    assert {type(error) for error in result.errors} == {HandlerRaised}
    assert isinstance(result.errors[0].__cause__, ValueError)
    assert result.failures > len(result.errors) == 20


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set by a handler that hangs: its time counts from then on, however late it was called."""
    begun = threading.Event()

    class Waiting(Worker):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            future = super().submit(fn, *args, **kwargs)
            assert begun.wait(20)
            return future

    monkeypatch.setattr(hanging, "Worker", Waiting)
    return begun


def test_one_that_hangs_in_the_loop_is_given_up_and_its_line_is_named(
    tone: Path, begun: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    async def hangs(audio: Sound) -> Sound:
        while True:
            begun.set()

    with pytest.raises(HandlerHung) as caught:
        call(hangs, tone, modality="audio", timeout=0.1)
    assert re.search(r"test_direct\.py:\d+: (while True|begun\.set)", caught.value.why)
    assert left_threads() == []
    del caught
    gc.collect()
    assert caplog.text == "", "its loop tells whoever runs next of what it was abandoned with"


def test_one_that_hangs_in_a_thread_is_given_up_and_its_line_is_named(
    tone: Path, begun: threading.Event
) -> None:
    over = threading.Event()

    def hangs(audio: Sound) -> Sound:
        while not over.is_set():
            begun.set()
            time.sleep(0.01)
        return audio

    with pytest.raises(HandlerHung) as caught:
        call(hangs, tone, modality="audio", timeout=0.1)
    over.set()
    assert re.search(r"test_direct\.py:\d+: (while not over|begun\.set|time\.sleep)", caught.value.why)
    assert left_threads() == []


def test_one_that_awaits_for_ever_is_an_error_and_not_silence(tone: Path) -> None:
    async def waits(audio: Sound) -> Sound:
        await asyncio.Event().wait()
        return audio

    assert {type(error) for error in call(waits, tone, modality="audio").errors} == {HandlerHung}


def test_real_time_takes_real_time(tone: Path) -> None:
    began = time.monotonic()
    result = call(echo, tone, modality="audio", realtime=True, linger=0.2)
    assert time.monotonic() - began > 0.6
    assert result.seconds_out > 0.4


def test_a_call_can_be_made_while_a_loop_runs(tone: Path) -> None:
    async def test() -> float:
        return call(echo, tone, modality="audio").seconds_out

    assert asyncio.run(test()) > 0.4


def test_a_stream_brings_its_own_options(tone: Path) -> None:
    stream = Stream(echo, modality="audio")
    assert call(stream, tone).seconds_out > 0.4
    with pytest.raises(OptionError, match="brings its own modality"):
        call(stream, tone, modality="audio")


@pytest.mark.parametrize("way", ["phone", "websocket"])
def test_a_way_that_carries_no_pictures_is_refused_by_name(film: Path, way: str) -> None:
    with pytest.raises(OptionError, match=f"`{way}` is not a way"):
        call(turn, film, way, modality="video")


def test_a_way_that_nobody_knows_is_refused(tone: Path) -> None:
    with pytest.raises(OptionError, match="no way 'pigeon'"):
        call(echo, tone, "pigeon", modality="audio")


def test_a_recording_without_what_the_stream_takes_is_refused(tone: Path) -> None:
    with pytest.raises(MediaFileError, match="has no pictures"):
        call(turn, tone, modality="video")


def test_what_came_back_is_written_where_it_was_asked_for(tone: Path, film: Path, tmp_path: Path) -> None:
    stream = Stream(echo, modality="audio", verbose=False)
    report = run_file(stream, tone, out=tmp_path / "reply.flac")
    assert report.files == [tmp_path / "reply.flac"]
    assert Clip.open(report.files[0]).duration == pytest.approx(0.5, abs=0.1)
    report = run_file(Stream(turn, modality="video", verbose=False), film, out=tmp_path / "reply.webm")
    written = Clip.open(report.files[0])
    assert (written.has_audio, written.has_video, written.size) == (False, True, (64, 48))


@pytest.mark.parametrize("name, reason", [("reply.xyz", "suffix"), ("no/such/reply.wav", "written")])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_sent(
    tone: Path, tmp_path: Path, name: str, reason: str
) -> None:
    sent: list[Sound] = []

    async def listen(audio: Sound) -> Sound:
        sent.append(audio)
        return audio

    with pytest.raises(MediaFileError, match=reason):
        run_file(Stream(listen, modality="audio", verbose=False), tone, out=tmp_path / name)
    assert sent == []


def test_pictures_do_not_go_into_a_file_of_sound(film: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaFileError, match="takes no pictures"):
        run_file(Stream(turn, modality="video", verbose=False), film, out=tmp_path / "reply.wav")


def test_a_full_stream_is_an_error_of_the_row(tone: Path) -> None:
    stream = Stream(echo, modality="audio", concurrency_limit=1, verbose=False)
    with stream.sessions.place("someone else"):
        report = run_file(stream, tone)
    assert [error.code for error in report.results[0].errors] == ["RT5109"]
    assert (report.rows[0].verdict, report.exit_code) == ("fail", 5)
