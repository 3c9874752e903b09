"""A Twilio caller that nobody here wrote, with the checks of its own: streamdouble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtstream import CloseStream, ReplyOnPause, Stream
from rtstream.media.files import Clip, ClipWriter
from tests.conftest import run
from tests.helpers.server import serving

api = pytest.importorskip("streamdouble.api", reason="streamdouble is not installed")
chaos = pytest.importorskip("streamdouble.chaos", reason="streamdouble is not installed")
session = pytest.importorskip("streamdouble.session", reason="streamdouble is not installed")

pytestmark = [pytest.mark.network, pytest.mark.timeout(60)]


@pytest.fixture(scope="session")
def recording(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded sentence as a WAV file."""
    path = tmp_path_factory.mktemp("streamdouble") / "speech.wav"
    with ClipWriter(path, 8000) as writer:
        for frame in Clip.open(speech).audio_frames(8000, 0.02):
            writer.audio(frame)
    return path


async def echo(audio: Any) -> Any:
    return audio


def reply(said: Any) -> Any:
    yield 8000, np.full((1, 4000), 9000, np.int16)


def greeting() -> Any:
    return 8000, np.full((1, 160_000), 3000, np.int16)


def test_its_call_is_echoed_and_it_has_nothing_to_object(recording: Path) -> None:
    async def main() -> None:
        async with serving(Stream(echo, modality="audio")) as server:
            report = await api.call(server.url("/telephone/handler"), audio_path=recording)
            assert report.passed and report.violations == []
            assert report.time_to_first_audio_ms < 1000
            await server.empty()

    run(main())


def played(stream: Stream, scenario: Path) -> Any:
    async def main() -> Any:
        async with serving(stream) as server:
            report = await api.run_scenario(server.url("/telephone/handler"), scenario)
            await server.empty()
            return report

    return run(main())


def test_its_caller_interrupts_a_greeting_and_is_sent_a_clear(recording: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "barge_in.yaml"
    scenario.write_text(
        "name: caller interrupts the greeting\n"
        "steps:\n"
        "  - wait_for: audio\n"
        "  - wait: 1.0\n"
        f"  - say: {recording}\n"
        "  - expect: clear\n"
        "  - wait: 0.5\n"
    )
    stream = Stream(ReplyOnPause(reply, startup_fn=greeting), modality="audio")
    report = played(stream, scenario)
    assert report.passed, report.violations
    assert report.violations == []


def test_its_caller_presses_a_key_and_is_hung_up(tmp_path: Path) -> None:
    pressed: list[str] = []

    def key(digit: str) -> Any:
        pressed.append(digit)
        return (8000, np.full((1, 1600), 9000, np.int16)), CloseStream()

    scenario = tmp_path / "keys.yaml"
    scenario.write_text(
        "name: caller presses a key\n"
        "steps:\n"
        "  - wait: 0.5\n"
        "  - dtmf: '5'\n"
        "  - wait_for: audio\n"
        "  - wait: 1.0\n"
    )
    stream = Stream(ReplyOnPause(reply), modality="audio", on_dtmf=key)
    report = played(stream, scenario)
    assert pressed == ["5"]
    assert report.violations == [] and report.spoke
    assert report.result.closed_by == "agent"


def test_a_bad_line_is_no_reason_for_a_violation(recording: Path) -> None:
    async def main() -> None:
        async with serving(Stream(echo, modality="audio")) as server:
            line = chaos.Impairments(loss=0.05, jitter_ms=40, latency_ms=80)
            config = session.SessionConfig(impairments=line, chaos_seed=7)
            report = await api.call(server.url("/telephone/handler"), audio_path=recording, config=config)
            assert report.violations == [] and report.spoke

    run(main())
