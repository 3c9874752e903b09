"""`rtstream bench`: a real server in one process, real callers in another, and what is told of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtstream import Stream
from rtstream.loopback.house import House
from rtstream.media.files import ClipWriter
from rtstream.media.frames import AudioFrame
from rtstream_cli import builtins
from rtstream_cli.capacity import channel, course, verdict
from tests.cli.conftest import Run, document
from tests.helpers.ports import port

pytestmark = [pytest.mark.network, pytest.mark.timeout(150)]
PATIENT = ("--seconds", "0.5", "--max-latency", "60000")
HANDLERS = """
import numpy as np
from rtstream import Stream

Sound = tuple[int, np.ndarray]


def echo(audio: Sound, gain: float = 1.0) -> Sound:
    print("nobody is to read this as data")
    return audio[0], (audio[1] * gain).astype(np.int16)


def fails(audio: Sound) -> Sound:
    raise ValueError("no good")


def edges(image: np.ndarray) -> np.ndarray:
    return image


one = Stream(echo, modality="audio", mode="send-receive", concurrency_limit=1)
"""


@pytest.fixture
def word(project: Path) -> str:
    """What is said: a tone in a silence so long that an answer is in time on any machine."""
    tone = (12000 * np.sin(np.arange(4800) * 0.3)).astype(np.int16)
    said = np.concatenate([np.zeros(3200, np.int16), tone, np.zeros(20000, np.int16)])
    with ClipWriter(project / "word.wav") as file:
        file.audio(AudioFrame(said[None], 16000))
    (project / "handler.py").write_text(HANDLERS)
    return "word.wav"


@pytest.fixture(autouse=True)
def forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """How fast the machine is proves nothing here: what is late or lost is measured, and forgiven."""
    monkeypatch.setattr(verdict, "MOST_MISSED", 1.0)
    monkeypatch.setattr(verdict, "LEAST_BACK", 0.0)


def bench(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it as a process of its own: what its processes say of errors is on the stderr that they share."""
    command = [sys.executable, "-m", "rtstream_cli", "bench", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=140)


def test_a_handler_is_called_by_one_and_then_by_two_and_all_is_told_in_json(cli: Run, word: str) -> None:
    told = document(
        cli("bench", "handler.py:echo", "--in", word, "--calls", "2", "--json", *PATIENT, "--", "--gain", "2")
    )
    assert (told["exit_code"], told["held"]) == (0, 2)
    assert (told["target"], told["via"], told["manner"]) == ("handler.py:echo", "webrtc", "at once")
    assert told["verdict"].startswith("holds 2 calls on ")
    assert [step["calls"] for step in told["steps"]] == [1, 2]
    for step in told["steps"]:
        assert step["held"] and step["cpu_ms"] > 0 and step["p99_ms"] >= step["p50_ms"] > 0
        assert step["asked"] >= step["calls"] and not step["refused"] and not step["errors"]
    assert told["steps"][0]["memory_kib"] is not None


def test_people_read_a_line_a_step_and_the_verdict_apart_from_the_talk(cli: Run, word: str) -> None:
    result = cli("bench", "@echo", "--in", word, "--calls", "1", "--via", "phone:telnyx", *PATIENT)
    assert result.exit_code == 0, result.stderr
    head, line, conclusion = result.stdout.splitlines()
    assert head.split() == [
        *("calls", "cpu", "core", "memory", "p50", "p95", "p99", "missed", "came", "back", "held")
    ]
    assert line.split()[0] == "1" and line.split()[-1] == "yes"
    assert conclusion.startswith("holds 1 call on ")
    assert "1 call …" in result.stderr and "after what it answers" in result.stderr


def test_without_steps_it_climbs_to_the_limit_of_the_project_and_says_that_it_is_one(
    cli: Run, project: Path, word: str
) -> None:
    (project / "rtstream.toml").write_text('target = "handler.py:echo"\nconcurrency_limit = 1\n')
    result = cli("bench", "--in", word, *PATIENT)
    assert result.exit_code == 0, result.stderr
    assert "its own limit lets in no more" in result.stdout.splitlines()[-1]


def test_more_calls_than_the_server_lets_in_are_not_held_and_its_limit_is_named(cli: Run, word: str) -> None:
    result = cli("bench", "handler.py:one", "--in", word, "--calls", "2", *PATIENT)
    assert result.exit_code == 1, result.stderr
    assert "the server let in 1 of 2 calls" in result.stdout


def test_without_a_core_of_its_own_the_figures_of_the_server_are_said_to_be_worse(
    cli: Run, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "cores", lambda: channel.cores()[:1])
    result = cli("bench", "@tone", "--in", word, "--calls", "1", *PATIENT)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("holds 1 call on this machine")
    assert "the server has no core of its own here" in result.stderr


def test_where_there_are_more_cores_more_processes_share_the_calls(
    cli: Run, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "cores", lambda: 3 * channel.cores()[:1])
    told = document(cli("bench", "@echo", "--in", word, "--calls", "3", "--json", *PATIENT))
    assert [(step["calls"], step["refused"], step["gone"]) for step in told["steps"]] == [
        (1, 0, 0),
        (3, 0, 0),
    ]
    assert told["steps"][1]["asked"] >= 3


def test_a_running_server_is_called_and_its_processor_is_nobody_elses_business(cli: Run, word: str) -> None:
    stream = Stream(builtins.echo, modality="audio", mode="send-receive", concurrency_limit=None)
    with House(stream) as house:
        result = cli("bench", house.url, "--in", word, "--calls", "2", "--via", "websocket", *PATIENT)
    assert result.exit_code == 0, result.stderr
    first = result.stdout.splitlines()[1].split()
    assert first[1:4] == ["–", "–", "–"]
    assert "the server is somebody else's" in result.stderr
    assert result.stdout.splitlines()[-1].startswith("holds 2 calls over there")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["handler.py:fails"], 3, "error[RT3005]: no good"),
        (["nowhere.py"], 3, "error[RT3001]: there is no file `nowhere.py`"),
        (["handler.py:edges", "--modality", "video"], 2, "takes pictures"),
        (["handler.py:echo", "--in", "nothing.wav"], 2, "there is no file 'nothing.wav'"),
        (["handler.py:echo", "--", "--gian", "2"], 2, "gian"),
        ([f"http://127.0.0.1:{port()}"], 5, "cannot be reached"),
        (["@parrot", "--in", "word.wav", "--via", "websocket"], 6, "nothing could be heard"),
    ],
)
def test_what_goes_wrong_before_there_are_many_calls_ends_with_the_code_of_its_cause(
    project: Path, word: str, words: list[str], code: int, said: str
) -> None:
    done = bench(*words, cwd=project)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["@echo", "--calls", "0"], "`--calls` cannot be '0'"),
        (["@echo", "--calls", "two"], "`--calls` cannot be 'two'"),
        (["@echo", "--calls", ","], "`--calls` cannot be ','"),
        (["@echo", "--via", "direct"], "`--via` cannot be 'direct'"),
        (["http://127.0.0.1:9", "--mode", "send"], "nothing would be seen"),
        (["http://127.0.0.1:9", "--modality", "video"], "nothing would be seen"),
        (["http://127.0.0.1:9", "--", "--gain", "2"], "`--gain` is not for a running server"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_started(
    cli: Run, words: list[str], said: str
) -> None:
    result = cli("bench", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_handler_that_ends_its_server_is_named_as_what_went_wrong(project: Path, word: str) -> None:
    (project / "quits.py").write_text(
        "import os\n\n\ndef quits(audio):\n    if audio[1].any():\n        os._exit(3)\n    return audio\n"
    )
    done = bench("quits.py:quits", "--modality", "audio", "--in", word, cwd=project)
    assert done.returncode == 3
    assert "error[RT3000]: the process of the server has ended" in done.stderr
    assert "its exit code is 3" in done.stderr and "Traceback" not in done.stderr


def test_an_interrupt_shows_what_was_measured_so_far_and_leaves_nothing_running(
    project: Path, word: str
) -> None:
    command = [sys.executable, "-m", "rtstream_cli", "bench", "handler.py:echo", "--in", word, *PATIENT]
    process = subprocess.Popen(
        [*command, "--calls", "2,2,2,2,2,2,2,2"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    children: list[int] = []
    for line in process.stderr:
        if line == "2 calls …\n":  # so the first step is over
            children = _children(process.pid)
            process.send_signal(signal.SIGINT)
            break
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.splitlines()[1].split()[0] == "1"
    assert len(children) == 2
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_processes_whose_command_was_killed_end_with_it(project: Path, word: str) -> None:
    command = [sys.executable, "-m", "rtstream_cli", "bench", "handler.py:echo", "--in", word, *PATIENT]
    process = subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line == "1 call …\n":
            break
    children = _children(process.pid)
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while any(_lives(child) for child in children):
        assert time.monotonic() < deadline, children
        time.sleep(0.05)
    assert len(children) == 2


def _children(pid: int) -> list[int]:
    """The processes whose parent it is, the fourth word of proc(5)'s stat."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone since it was listed
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return [child for child, parent in found.items() if parent == pid]


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_the_help_says_how_long_it_takes(cli: Run) -> None:
    told: Any = cli("bench", "--help")
    assert "about a minute" in " ".join(told.stdout.split())
