"""The callers over sockets against our own server: real speech there and back over every wire."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI

from rtstream import AdditionalOutputs, Stream
from rtstream.errors import HandlerHung, HandlerRaised, MachineError, OptionError
from rtstream.loopback.house import House
from rtstream.loopback.run import run_file
from rtstream.media.files import Clip, ClipWriter
from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.testing import audio_likeness, call, is_silent
from rtstream.transports.aiortc_inside import ADDRESSES_VARIABLE
from tests.helpers.handlers import AsyncAudioVideoEcho, Echo
from tests.helpers.media import Picture, Sound
from tests.unit.signals import sound

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

WIRES = ("websocket", "phone", "webrtc")


async def echo(audio: Sound) -> Sound:
    return audio


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second and a half of a square that moves, with a tone to it."""
    path = tmp_path_factory.mktemp("callers") / "film.mp4"
    with ClipWriter(path, fps=25) as writer:
        writer.audio(sound(440, 1.5, 48000))
        for number in range(38):
            pixels = np.full((240, 320, 3), 40, np.uint8)
            pixels[50:150, 5 * number : 5 * number + 100] = (0, 200, 255)
            writer.video(VideoFrame(pixels), number / 25)
    return path


@pytest.mark.alone  # speech is spoken in time, and what a machine that stands still drops of it is unlike it
def test_an_echo_of_real_speech_passes_all_four_ways(speech: Path, tmp_path: Path) -> None:
    stream = Stream(echo, modality="audio", verbose=False)
    report = run_file(stream, speech, ["all"], out=tmp_path / "reply.wav")
    assert [(row.via, row.verdict, row.why) for row in report.rows] == [
        (way, "pass", "") for way in ("direct", *WIRES)
    ]
    assert report.exit_code == 0
    spoken = Clip.open(speech)
    for row, file in zip(report.rows, report.files, strict=True):
        assert row.seconds_in == pytest.approx(spoken.duration, abs=0.01)
        assert (
            spoken.duration - 0.2 < row.seconds_out < 2 * spoken.duration
        )  # more on a machine that stumbles
        assert row.first_audio_ms is not None and 0 <= row.first_audio_ms < 1000
        assert row.likeness is None if row.via == "direct" else (row.likeness or 0) > 0.9
        assert file.name == f"reply-{row.via}.wav"
        assert audio_likeness(spoken.audio(), Clip.open(file).audio()) > 0.7


@pytest.mark.alone  # as above
@pytest.mark.parametrize("way", WIRES)
def test_rates_of_a_handlers_own_are_understood(speech: Path, way: str) -> None:
    handler = Echo(input_sample_rate=16000, output_sample_rate=24000)
    result = call(handler, speech, way, modality="audio")
    assert not result.errors and not result.breaches
    assert result.unbroken is not None
    assert audio_likeness(Clip.open(speech).audio(), result.unbroken) > 0.9


@pytest.mark.parametrize("way", WIRES)
def test_what_a_handler_raises_and_what_it_gives_beside_come_home(word: Path, way: str) -> None:
    def fails_first(audio: Sound) -> Any:
        heard.append(1)
        if len(heard) == 1:
            raise ValueError("not the first")
        return audio, AdditionalOutputs(len(heard))

    heard: list[int] = []
    result = call(fails_first, word, way, modality="audio", linger=0.3)
    assert [(type(error), error.what) for error in result.errors] == [(HandlerRaised, "not the first")]
    assert isinstance(result.errors[0].__cause__, ValueError)
    assert result.outputs[0].args == (2,)
    assert result.breaches == []
    told = [message["type"] for message in result.messages]
    assert ("fetch_output" in told and "error" in told) is (way != "phone")


@pytest.mark.parametrize("way", WIRES)
def test_a_source_is_heard_over_every_wire(word: Path, way: str) -> None:
    def hum() -> Any:
        for _ in range(4):
            yield 24000, sound(300, 0.1, 24000).samples

    result = call(hum, word, way, modality="audio", mode="receive")
    assert not result.errors and not result.breaches
    assert result.level > 0.05 and result.audio is not None
    size = result.audio.rate // 50
    pieces = [result.audio.samples[:, at : at + size] for at in range(0, result.audio.samples.shape[1], size)]
    loud = [piece for piece in pieces if not is_silent(AudioFrame(piece, result.audio.rate))]
    assert len(loud) / 50 == pytest.approx(0.4, abs=0.3)  # between them a busy machine may have been silent


@pytest.mark.parametrize("way", WIRES)
def test_one_who_only_listens_hears_over_every_wire(word: Path, way: str) -> None:
    heard: list[np.ndarray[Any, Any]] = []

    def listen(audio: Sound) -> None:
        heard.append(audio[1])

    result = call(listen, word, way, modality="audio", mode="send", linger=0.3)
    assert not result.errors and not result.breaches
    assert result.heard and heard
    assert np.abs(np.concatenate(heard, axis=1)).max() > 5000


def test_pictures_come_back_over_webrtc(film: Path) -> None:
    async def turn(image: Picture) -> Picture:
        return np.ascontiguousarray(image[::-1])

    report = run_file(Stream(turn, modality="video", verbose=False), film, ["all"])
    assert [(row.via, row.verdict, row.why) for row in report.rows] == [
        ("direct", "pass", ""),
        ("webrtc", "pass", ""),
    ]
    assert report.rows[1].frames > 15
    assert report.rows[1].first_picture_ms is not None


def test_sound_and_pictures_come_back_over_webrtc_and_the_sound_over_sockets(film: Path) -> None:
    stream = Stream(AsyncAudioVideoEcho(), modality="audio-video", verbose=False)
    report = run_file(stream, film, ["all"])
    assert [(row.via, row.verdict, row.why) for row in report.rows] == [
        (way, "pass", "") for way in ("direct", *WIRES)
    ]
    _, websocket, phone, webrtc = report.results
    assert len(webrtc.video) > 15
    assert websocket.video == phone.video == []
    assert all(result.level > 0.05 for result in report.results)


def test_a_handler_that_holds_up_the_server_is_found_and_the_server_is_left(
    word: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("loopback.house.ENDED_SECONDS", "loopback.house.STOP_SECONDS", "transports.file.PATIENCE"):
        monkeypatch.setattr(f"rtstream.{name}", 1.0)
    over = threading.Event()

    async def hangs(audio: Sound) -> Sound:
        over.wait()
        return audio

    began = time.monotonic()
    with pytest.raises(HandlerHung) as caught:
        call(hangs, word, "phone", modality="audio", linger=0.3)
    over.set()
    assert "over.wait()" in caught.value.why
    assert time.monotonic() - began < 15


def test_a_stream_is_reached_on_the_app_that_it_is_mounted_on(word: Path) -> None:
    lived: list[str] = []
    app = FastAPI(on_startup=[lambda: lived.append("up")], on_shutdown=[lambda: lived.append("down")])
    stream = Stream(echo, modality="audio", verbose=False)
    stream.mount(app, "/voice")
    report = run_file(stream, word, ["websocket"], app=app, mounted_at="/voice", linger=0.3)
    assert report.exit_code == 0
    assert lived == ["up", "down"]


def test_an_app_that_does_not_start_is_told_and_nothing_is_left() -> None:
    def fails() -> None:
        raise RuntimeError("no database")

    app = FastAPI(on_startup=[fails])
    with pytest.raises(MachineError) as caught, House(Stream(echo, modality="audio"), app):
        pass
    assert caught.value.why == "RuntimeError: no database"
    for thread in threading.enumerate():
        if thread.name == "rtstream-house":
            thread.join(5)
            assert not thread.is_alive()


@pytest.mark.alone  # speech is spoken in time, and what a machine that stands still drops of it is unlike it
def test_a_running_server_is_called_by_its_address(speech: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESSES_VARIABLE)
    with House(Stream(Echo(), modality="audio", verbose=False)) as house:
        assert os.environ[ADDRESSES_VARIABLE] == "127.0.0.1"
        with pytest.raises(OptionError, match="`direct` is not a way"):
            run_file(house.url, speech, ["direct"])
        report = run_file(house.url, speech, ["all"], linger=0.4)
    assert ADDRESSES_VARIABLE not in os.environ
    assert [(row.via, row.verdict, row.why) for row in report.rows] == [(way, "pass", "") for way in WIRES]
    assert [result.heard for result in report.results] == [None, None, None]
    spoken = Clip.open(speech).audio()
    for result in report.results:
        assert result.unbroken is not None
        assert audio_likeness(spoken, result.unbroken) > 0.9
