"""Softphones that nobody here wrote call: baresip, PJSIP and SIPp hear the handler, and it their keys."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import wave
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtstream import AsyncStreamHandler, CloseStream, Dtmf, Stream, get_current_context
from rtstream.media.files import Clip
from rtstream.media.frames import AudioFrame
from rtstream.session.outcome import EndReason
from tests.conftest import REPOSITORY, run
from tests.helpers.server import until
from tests.helpers.sip_caller import telephone
from tests.helpers.softphones.baresip import MODULES, baresip
from tests.unit.signals import pitch, sound, tone

PITCH = 440
PIECE = 0.1  # seconds that are looked at one by one

needs_baresip = pytest.mark.skipif(
    not shutil.which("baresip") or not MODULES.is_dir(), reason="Debian's baresip-core is not installed"
)
needs_pjsip = pytest.mark.skipif(not find_spec("pjsua2"), reason="pjsua2-python is not installed")
needs_sipp = pytest.mark.skipif(not shutil.which("sipp"), reason="Debian's sip-tester is not installed")

pytestmark = [pytest.mark.network, pytest.mark.timeout(90)]


async def echo(audio: Any) -> Any:
    return audio


class Menu(AsyncStreamHandler):
    """Answers `#` with a tone, a key and the end of the call."""

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> None:
        await asyncio.Event().wait()

    async def on_dtmf(self, digit: str) -> Any:
        said = (8000, tone(PITCH, 0.5, 8000)[None])
        return [said, Dtmf("7"), CloseStream()] if digit == "#" else None


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """The tone in a file."""
    return spoken(tmp_path / "said.wav", 8000, 1)


def spoken(path: Path, rate: int, channels: int) -> Path:
    """Write five seconds of the tone."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound(PITCH, 5.0, rate, channels).samples.T.tobytes())
    return path


async def program(*words: str) -> tuple[int, str]:
    """Run a program to its end; its exit code, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *words, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, told.decode(errors="replace")


def seconds_of_the_tone(recording: Path) -> float:
    """For how long a recording holds the tone, and nothing else in its loud places."""
    heard = Clip.open(recording).audio()
    assert heard is not None
    size = round(PIECE * heard.rate)
    parts = [heard.samples[0][at : at + size] for at in range(0, heard.samples.shape[1] - size, size)]
    loud = [part for part in parts if np.abs(part).max() > 5000]
    fitting = [part for part in loud if abs(pitch(part, heard.rate) - PITCH) <= 15]
    assert len(fitting) >= len(loud) - 4  # where it begins, stops and goes on
    return len(fitting) * PIECE


@needs_baresip
@pytest.mark.parametrize("codec", ["pcmu/8000/1", "pcma/8000/1", "g722/16000/1", "opus/48000/2"])
def test_baresip_hears_its_echo_and_its_keys_arrive(codec: str, tmp_path: Path) -> None:
    name, rate, channels = codec.split("/")
    said = spoken(tmp_path / "said.wav", int(rate), int(channels))  # it plays only what its codec takes

    async def main() -> None:
        keys: list[str] = []
        stream = Stream(echo, modality="audio", on_dtmf=keys.append)
        async with telephone(stream) as phone, baresip(tmp_path, said, codec) as softphone:
            softphone.tell("dial", f"sip:echo@127.0.0.1:{phone.port}")
            await until(lambda: softphone.told("CALL_ESTABLISHED"))
            (session,) = stream.sessions
            await until(lambda: session.stats.seconds_out > 1.2)
            softphone.tell("sndcode", "42#")
            await until(lambda: len(keys) == 3)
            softphone.tell("hangup")
            await until(lambda: len(stream.sessions) == 0)
            assert session.reason is EndReason.CLIENT_LEFT
            call = session.context.call
            assert call is not None and call.codec.lower() == name and call.caller == "alice"
        assert keys == ["4", "2", "#"]
        assert seconds_of_the_tone(softphone.heard) > 0.7

    run(main(), 60)


@needs_baresip
def test_baresip_is_hung_up_on_and_hears_all_that_was_said_before(tmp_path: Path, said: Path) -> None:
    async def main() -> None:
        stream = Stream(Menu(), modality="audio")
        async with telephone(stream) as phone, baresip(tmp_path, said, "pcmu") as softphone:
            softphone.tell("dial", f"sip:menu@127.0.0.1:{phone.port}")
            await until(lambda: softphone.told("CALL_ESTABLISHED"))
            softphone.tell("sndcode", "#")
            await until(lambda: softphone.told("CALL_CLOSED"), 20)
            pressed = [event["param"] for event in softphone.events if event.get("type") == "CALL_DTMF_START"]
            assert pressed == ["7"]
        assert seconds_of_the_tone(softphone.heard) >= 0.3

    run(main(), 60)


@needs_baresip
def test_a_second_baresip_hears_that_the_line_is_busy(tmp_path: Path, said: Path) -> None:
    async def main() -> None:
        stream = Stream(echo, modality="audio")
        folders = [tmp_path / "first", tmp_path / "second"]
        for folder in folders:
            folder.mkdir()
        async with (
            telephone(stream) as phone,
            baresip(folders[0], said, "pcmu") as first,
            baresip(folders[1], said, "pcmu") as second,
        ):
            first.tell("dial", f"sip:echo@127.0.0.1:{phone.port}")
            await until(lambda: first.told("CALL_ESTABLISHED"))
            second.tell("dial", f"sip:echo@127.0.0.1:{phone.port}")
            await until(lambda: second.told("CALL_CLOSED"))
            closed = next(event for event in second.events if event.get("type") == "CALL_CLOSED")
            assert "486 Busy Here" in closed["param"]
            assert not first.told("CALL_CLOSED")

    run(main(), 60)


@needs_pjsip
def test_pjsip_hears_its_echo_and_its_keys_arrive(tmp_path: Path, said: Path) -> None:
    async def main() -> None:
        keys: list[str] = []
        stream = Stream(echo, modality="audio", on_dtmf=keys.append)
        async with telephone(stream) as phone:
            told = await pjsip(phone.port, "42#", 5, said, tmp_path / "heard.wav")
            assert told == {"talks": True, "keys": "", "closed": False}
            await until(lambda: len(stream.sessions) == 0)
        assert keys == ["4", "2", "#"]
        assert seconds_of_the_tone(tmp_path / "heard.wav") > 1.0

    run(main(), 60)


@needs_pjsip
def test_pjsip_hears_keys_and_is_hung_up_on(tmp_path: Path, said: Path) -> None:
    async def main() -> None:
        stream = Stream(Menu(), modality="audio")
        async with telephone(stream) as phone:
            told = await pjsip(phone.port, "#", 10, said, tmp_path / "heard.wav")
            assert told == {"talks": True, "keys": "7", "closed": True}
        assert seconds_of_the_tone(tmp_path / "heard.wav") >= 0.3

    run(main(), 60)


async def pjsip(port: int, keys: str, seconds: int, said: Path, heard: Path) -> dict[str, Any]:
    words = f"sip:echo@127.0.0.1:{port}", keys, str(seconds), str(said), str(heard)
    code, told = await program(sys.executable, "-m", "tests.helpers.softphones.pjsip", *words)
    lines = [line for line in told.splitlines() if line.startswith("{")]
    assert lines, f"exit {code}: {told}"
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


class Ping(AsyncStreamHandler):
    """Says a tone, and keeps what comes back."""

    heard: list[AudioFrame] = []
    campaigns: list[str] = []

    def __init__(self) -> None:
        super().__init__(input_sample_rate=8000, output_sample_rate=8000)

    def copy(self) -> Ping:
        return Ping()

    async def start_up(self) -> None:
        call = get_current_context().call
        assert call is not None
        Ping.campaigns.append(call.parameters.get("X-Scenario", ""))

    async def receive(self, frame: Any) -> None:
        Ping.heard.append(AudioFrame(np.atleast_2d(frame[1]), frame[0]))

    async def emit(self) -> Any:
        return 8000, tone(PITCH, 0.2, 8000)[None]


async def sipp(port: int, *words: str, calls: int) -> None:
    """SIPp calls, and sends back the sound that it hears."""
    common = ["-s", "echo", "-i", "127.0.0.1", "-rtp_echo", "-m", str(calls), "-timeout", "40s", "-nostdin"]
    code, said = await program("sipp", *words, *common, f"127.0.0.1:{port}")
    assert code == 0, said[-3000:]


@needs_sipp
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_calls_five_times_and_sends_back_what_it_heard(transport: str) -> None:
    async def main() -> None:
        Ping.heard.clear()
        stream = Stream(Ping(), modality="audio", concurrency_limit=5)
        async with telephone(stream) as phone:
            await sipp(phone.port, "-sn", "uac", "-r", "3", "-d", "1500", "-t", transport, calls=5)
            await until(lambda: len(stream.sessions) == 0)
            refused = {name for name, count in phone._agent.counted.items() if count}
            assert not refused
        came = np.concatenate([frame.samples[0] for frame in Ping.heard])
        loud = np.abs(came) > 5000
        assert loud.sum() > 8000
        assert pitch(Ping.heard[len(Ping.heard) // 2].samples[0], 8000) == pytest.approx(PITCH, abs=50)

    run(main(), 60)


@needs_sipp
def test_sipp_checks_each_answer_holds_and_tells_a_key_by_info() -> None:
    async def main() -> None:
        keys: list[str] = []
        Ping.campaigns.clear()
        scenario = str(REPOSITORY / "tests/helpers/softphones/sipp.xml")
        stream = Stream(Ping(), modality="audio", on_dtmf=keys.append, concurrency_limit=3)
        async with telephone(stream) as phone:
            await sipp(phone.port, "-sf", scenario, "-r", "3", calls=3)
            await until(lambda: len(stream.sessions) == 0)
        assert keys == ["7"] * 3
        assert Ping.campaigns == ["strict"] * 3

    run(main(), 60)
