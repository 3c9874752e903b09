"""`rtstream test-file`: what it prints, what it writes, and with which code it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rtstream.media.files import Clip, ClipWriter
from tests.cli.conftest import Run, document, program
from tests.conftest import SAMPLE
from tests.unit.signals import sound

HANDLERS = """
import asyncio
import time

import numpy as np
from rtstream import AdditionalOutputs, CloseStream, Stream

Sound = tuple[int, np.ndarray]


async def echo(audio: Sound) -> Sound:
    return audio


def louder(audio: Sound, gain: float = 1.0) -> Sound:
    return audio[0], (audio[1] * gain).astype(np.int16)


def mute(audio: Sound) -> Sound:
    return audio[0], audio[1] * 0


def listen(audio: Sound) -> None:
    pass


def fails(audio: Sound) -> Sound:
    raise ValueError("no good")


async def hangs(audio: Sound) -> Sound:
    while True:
        pass


async def hangs_in_a_pool(audio: Sound) -> Sound:
    await asyncio.to_thread(time.sleep, 1000)
    return audio


def either(frame):
    return frame


def chat(audio: Sound):
    yield AdditionalOutputs({"role": "user", "content": "go"})
    yield AdditionalOutputs("plain", {"words": 2})
    for _ in range(20):
        yield 24000, np.full((1, 2400), 9000, np.int16)


def chatters(audio: Sound):
    for number in range(100):
        yield AdditionalOutputs(number)
    yield 24000, np.full((1, 2400), 9000, np.int16)


stream_of_echo = Stream(echo, modality="audio")
"""

COLUMNS = "transport      in     out  first back  p95 gap  max gap  late  lost  vs direct  verdict"


UNMADE = """
from rtstream import AsyncStreamHandler


class Unmade(AsyncStreamHandler):
    def copy(self):
        raise ValueError("no copies left")

    async def receive(self, frame): ...

    async def emit(self): ...


handler = Unmade()
"""


@pytest.fixture
def word(project: Path) -> str:
    """A project with handlers and half a second of something loud; the name of the latter."""
    (project / "handlers.py").write_text(HANDLERS)
    with ClipWriter(project / "word.wav") as writer:
        writer.audio(sound(440, 0.5, 16000))
    return "word.wav"


def test_one_row_for_one_way_and_the_exit_code_says_it_passed(cli: Run, word: str) -> None:
    result = cli("test-file", word, "handlers.py:echo")
    assert (result.exit_code, result.stderr) == (0, "")
    header, row = result.stdout.splitlines()
    assert header.split() == COLUMNS.split()
    assert row.split()[:3] == ["direct", "0.50", "s"]
    assert row.split()[-1] == "pass"


def test_a_built_in_needs_no_file(cli: Run, word: str) -> None:
    assert cli("test-file", word, "@echo").exit_code == 0
    assert cli("test-file", word, "@tone").exit_code == 0


def test_a_stream_of_the_users_own_is_taken_as_it_is(cli: Run, word: str) -> None:
    assert cli("test-file", word, "handlers.py:stream_of_echo").exit_code == 0


def test_the_handler_may_stand_in_a_flag_or_in_the_configuration(cli: Run, word: str) -> None:
    assert cli("test-file", word, "--handler", "handlers.py:echo").exit_code == 0
    Path("rtstream.toml").write_text('target = "handlers.py:echo"\n')
    assert cli("test-file", word).exit_code == 0


def test_two_targets_are_one_too_many(cli: Run, word: str) -> None:
    result = cli("test-file", word, "@echo", "--handler", "@tone")
    assert result.exit_code == 2
    assert "two targets" in result.stderr


def test_the_handlers_own_parameters_stand_after_two_dashes(cli: Run, word: str) -> None:
    def level(*words: str) -> float:
        return float(
            document(cli("test-file", word, "handlers.py:louder", "--json", *words))["rows"][0]["level"]
        )

    assert level("--", "--gain", "0.25") == pytest.approx(level() / 4, rel=0.05)


def test_the_document_tells_everything_and_nothing_else_is_on_stdout(cli: Run, word: str) -> None:
    told = document(cli("test-file", word, "handlers.py:echo", "--json"))
    assert (told["file"], told["target"], told["mode"], told["exit_code"]) == (
        "word.wav",
        "handlers.py:echo",
        "send-receive",
        0,
    )
    (row,) = told["rows"]
    assert (row["via"], row["verdict"], row["errors"], row["likeness"]) == ("direct", "pass", [], None)
    assert row["seconds_in"] == 0.5
    assert row["seconds_out"] == pytest.approx(0.5, abs=0.1)


def test_silence_is_exit_6_and_never_a_time(cli: Run, word: str) -> None:
    result = cli("test-file", word, "handlers.py:mute", "--json")
    row = json.loads(result.stdout)["rows"][0]
    assert (result.exit_code, row["verdict"], row["first_audio_ms"]) == (6, "silent", None)


def test_silence_is_what_is_wanted_of_one_who_only_listens(cli: Run, word: str) -> None:
    assert cli("test-file", word, "handlers.py:listen").exit_code == 0


def test_a_handler_that_raises_is_exit_3_with_its_own_line(cli: Run, word: str) -> None:
    result = cli("test-file", word, "handlers.py:fails")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[1].split()[-1] == "fail"
    assert "error[RT3005]: no good" in result.stderr
    assert 'raise ValueError("no good")' in result.stderr
    assert result.stderr.count("RT3005") == 1
    assert "site-packages" not in result.stderr


@pytest.mark.parametrize("way", ["direct", "websocket"])
def test_a_handler_that_cannot_be_made_is_exit_3_with_its_own_line(
    cli: Run, project: Path, word: str, way: str
) -> None:
    (project / "unmade.py").write_text(UNMADE)
    result = cli("test-file", word, "unmade.py", "--modality", "audio", "--via", way)
    assert result.exit_code == 3
    assert "error[RT3005]: no copies left" in result.stderr
    assert 'raise ValueError("no copies left")' in result.stderr


def test_a_handlers_error_is_in_the_document_with_its_place(cli: Run, word: str) -> None:
    result = cli("test-file", word, "handlers.py:fails", "--json")
    told = json.loads(result.stdout)["rows"][0]["errors"][0]
    assert (told["code"], told["what"]) == ("RT3005", "no good")
    assert told["at"].startswith("handlers.py:")
    assert result.stderr == ""


def test_a_handler_that_hangs_is_given_up_and_its_line_is_named(cli: Run, word: str) -> None:
    result = cli("test-file", word, "handlers.py:hangs", "--timeout", "0.5")
    assert result.exit_code == 3
    assert "error[RT3007]" in result.stderr
    assert "handlers.py:" in result.stderr


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["nothing.wav", "@echo"], 2, "no file 'nothing.wav'"),
        (["handlers.py", "@echo"], 2, "no media file"),
        (["word.wav", "@mirror"], 2, "has no pictures"),
        (["word.wav", "@echo", "--via", "pigeon"], 2, "pigeon"),
        (["word.wav", "@mirror", "--via", "phone"], 2, "pictures"),
        (["word.wav", "@echo", "--out", "reply.xyz"], 2, "suffix"),
        (["word.wav", "@echo", "--timeout", "inf"], 2, "--timeout"),
        (["word.wav", "@echo", "--linger", "inf"], 2, "--linger"),
        (["word.wav", "handlers.py:nobody"], 3, "nobody"),
        (["word.wav", "handlers.py:either"], 3, "--modality audio"),
        (["word.wav", "http://127.0.0.1:9", "--via", "direct"], 2, "is not a way"),
        (["word.wav", "http://127.0.0.1:9", "--", "--gain", "2"], 2, "`--gain` is not for a running server"),
    ],
)
def test_what_cannot_be_is_told_with_its_own_code(
    cli: Run, word: str, words: list[str], code: int, said: str
) -> None:
    result = cli("test-file", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


def test_an_empty_recording_is_told(cli: Run, word: str) -> None:
    Path("empty.wav").touch()
    result = cli("test-file", "empty.wav", "@echo")
    assert result.exit_code == 2
    assert "is empty" in result.stderr


def test_what_came_back_is_written_and_named(cli: Run, word: str) -> None:
    result = cli("test-file", word, "@echo", "--out", "reply.mp3")
    assert result.exit_code == 0
    assert "reply.mp3" in result.stderr
    assert Clip.open("reply.mp3").duration == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("out", ["word.wav", "linked.wav"])
def test_a_recording_is_never_written_over_by_what_comes_back(cli: Run, word: str, out: str) -> None:
    before = Path(word).read_bytes()
    Path("linked.wav").symlink_to(word)
    result = cli("test-file", word, "@echo", "--out", out)
    assert result.exit_code == 2
    assert f"'{out}' is the recording itself" in result.stderr
    assert Path(word).read_bytes() == before


def test_with_several_ways_neither_is_one_that_has_the_name_of_theirs(cli: Run, word: str) -> None:
    spoken = Path(word).rename("reply-direct.wav")
    before = spoken.read_bytes()
    result = cli("test-file", str(spoken), "@echo", "--via", "direct,websocket", "--out", "reply.wav")
    assert result.exit_code == 2
    assert spoken.read_bytes() == before


def test_where_nothing_came_back_no_file_is_named(cli: Run, word: str) -> None:
    result = cli("test-file", word, "handlers.py:listen", "--out", "reply.wav")
    assert not Path("reply.wav").exists()
    assert "what came back is in" not in result.stderr


def test_the_same_recording_gives_the_same_file(cli: Run, word: str) -> None:
    for name in ("one.wav", "two.wav"):
        cli("test-file", word, "handlers.py:echo", "--out", name)
    assert Path("one.wav").read_bytes() == Path("two.wav").read_bytes()


def test_the_configuration_may_name_the_way(cli: Run, word: str) -> None:
    Path("rtstream.toml").write_text('target = "@echo"\n[test_file]\nvia = "phone"\n')
    told = document(cli("test-file", word, "--json", "--linger", "0.2"))
    assert [row["via"] for row in told["rows"]] == ["phone"]


@pytest.mark.network
@pytest.mark.timeout(90)
@pytest.mark.parametrize("ways", [["--via", "all"], ["--via", "webrtc,direct,phone", "--via", "websocket"]])
def test_all_ways_stand_in_one_table_the_direct_one_first(cli: Run, word: str, ways: list[str]) -> None:
    result = cli("test-file", word, "@echo", *ways, "--out", "reply.wav", "--linger", "0.3")
    assert result.exit_code == 0, result.stdout + result.stderr
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [(row[0], row[-1]) for row in rows] == [
        ("direct", "pass"),
        ("websocket", "pass"),
        ("phone", "pass"),
        ("webrtc", "pass"),
    ]
    written = sorted(path.name for path in Path().glob("reply*"))
    assert written == ["reply-direct.wav", "reply-phone.wav", "reply-webrtc.wav", "reply-websocket.wav"]


@pytest.mark.network
@pytest.mark.timeout(90)
def test_all_carriers_stand_in_one_table_and_hear_keys(cli: Run, word: str) -> None:
    result = cli("test-file", word, "@echo", "--via", "phone:all", "--dtmf", "1w2#", "--linger", "0.3")
    assert result.exit_code == 0, result.stdout + result.stderr
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    carriers = ("twilio", "telnyx", "plivo", "vonage", "exotel")
    assert [(row[0], row[-1]) for row in rows] == [(f"phone:{carrier}", "pass") for carrier in carriers]


@pytest.mark.parametrize("wrong", [["--via", "phone:nobody"], ["--dtmf", "1x"]])
def test_a_carrier_or_a_key_that_is_none_is_exit_2(cli: Run, word: str, wrong: list[str]) -> None:
    result = cli("test-file", word, "@echo", *wrong)
    assert result.exit_code == 2 and "error[RT200" in result.stderr


@pytest.mark.network
@pytest.mark.timeout(60)
def test_a_server_that_is_not_there_is_exit_5(cli: Run, word: str, free_port: int) -> None:
    result = cli("test-file", word, f"http://127.0.0.1:{free_port}", "--via", "websocket")
    assert result.exit_code == 5
    assert "error[RT5001]" in result.stderr


@pytest.mark.network
@pytest.mark.timeout(60)
def test_without_a_way_a_server_is_called_over_every_wire(cli: Run, word: str, free_port: int) -> None:
    result = cli("test-file", word, f"http://127.0.0.1:{free_port}")
    ways = [line.split()[0] for line in result.stdout.splitlines()[1:]]
    assert (result.exit_code, ways) == (5, ["websocket", "phone", "webrtc"])


@pytest.mark.timeout(60)
@pytest.mark.parametrize("handler", ["hangs", "hangs_in_a_pool"])
def test_a_process_of_its_own_ends_even_when_the_handler_does_not(
    project: Path, word: str, handler: str
) -> None:
    done = program("test-file", word, f"handlers.py:{handler}", "--timeout", "0.5", cwd=project)
    assert (done.returncode, done.stdout) == (3, "")
    assert "RT3007" in done.stderr


# Turns.


@pytest.fixture
def question(word: str) -> str:
    """The handlers of `word`, and a recorded sentence."""
    shutil.copy(SAMPLE, "question.wav")
    return "question.wav"


TURNS = "transport turn caller spoke reply from latency heard interrupted"


def test_the_turns_stand_in_a_table_below_with_what_the_handler_gave_beside(cli: Run, question: str) -> None:
    result = cli("test-file", question, "handlers.py:chat")
    assert (result.exit_code, result.stderr) == (0, "")
    header, row, empty, titles, turn, gap, *told = result.stdout.splitlines()
    assert (header.split(), row.split()[0], empty, gap) == (COLUMNS.split(), "direct", "", "")
    assert titles.split() == TURNS.split()
    assert turn.split()[:3] == ["direct", "1", "0.50–2.28"]
    assert turn.split()[-3:] == ["2.00", "s", "no"]
    assert told == ["user: go", 'plain, {"words": 2}']


def test_the_document_has_the_turns_and_the_outputs_of_each_way(cli: Run, question: str) -> None:
    (row,) = document(cli("test-file", question, "handlers.py:chat", "--json"))["rows"]
    (turn,) = row["turns"]
    assert turn.keys() == {
        *("began", "ended", "reply", "reply_ended", "latency_ms", "heard", "interrupted", "silence_ms")
    }
    assert turn["latency_ms"] == pytest.approx(1000 * (turn["reply"] - turn["ended"]))
    assert (turn["interrupted"], turn["silence_ms"]) == (False, None)
    assert row["outputs"] == [[{"role": "user", "content": "go"}], ["plain", {"words": 2}]]


def test_a_handler_that_takes_no_turns_has_no_table_of_them(cli: Run, question: str) -> None:
    assert len(cli("test-file", question, "@echo").stdout.splitlines()) == 2


def test_of_many_outputs_the_last_are_told_and_all_are_in_the_document(cli: Run, question: str) -> None:
    told = cli("test-file", question, "handlers.py:chatters").stdout.splitlines()[6:]
    assert told == ["… 60 outputs before these (all of them: --json)", *map(str, range(60, 100))]
    (row,) = document(cli("test-file", question, "handlers.py:chatters", "--json"))["rows"]
    assert row["outputs"] == [[number] for number in range(100)]


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["--expect-turns", "1", "--max-latency", "500"], 0, ""),
        (["--expect-turns", "2"], 1, "direct: 1 turn was answered, not 2"),
        (["--max-latency", "100"], 1, "direct: turn 1 was answered after "),
        (["--interrupt-at", "1", "--expect-turns", "2"], 0, ""),
        (
            ["--interrupt-at", "5"],
            1,
            "direct: the last reply lasted 2.00 s, too short to speak over it after 5 s",
        ),
        (["--interrupt-at", "1", "--interrupt-with", "word.wav"], 1, "and was not interrupted"),
        (["--interrupt-with", "word.wav"], 2, "Add `--interrupt-at SECONDS`"),
        (["--interrupt-at", "1", "--interrupt-with", "nobody.wav"], 2, "no file 'nobody.wav'"),
        (["--interrupt-at", "1", "--mode", "send"], 2, "no reply can be interrupted"),
        (["--expect-turns", "-1"], 2, "--expect-turns"),
    ],
)
def test_what_is_asked_of_the_turns_decides_the_exit_code(
    cli: Run, question: str, words: list[str], code: int, said: str
) -> None:
    result = cli("test-file", question, "handlers.py:chat", *words)
    assert result.exit_code == code, result.stdout + result.stderr
    assert said in result.stderr
    assert bool(result.stderr) is (code != 0)


def test_what_is_asked_may_be_said_by_variables(cli: Run, question: str) -> None:
    result = cli(
        "test-file", question, "handlers.py:chat", RTSTREAM_EXPECT_TURNS="7", RTSTREAM_OUT="reply.wav"
    )
    assert (result.exit_code, Path("reply.wav").exists()) == (1, True)


def test_an_interruption_is_told_by_how_long_the_reply_went_on(cli: Run, question: str) -> None:
    shown = cli("test-file", question, "handlers.py:chat", "--interrupt-at", "1").stdout.splitlines()
    assert "silent after" in shown[4] and shown[4].endswith(" ms")
    assert shown[5].endswith(" no")


def test_expectations_hold_for_silence_and_for_what_a_handler_raises(cli: Run, question: str) -> None:
    asked = ("--expect-turns", "1")
    assert cli("test-file", question, "handlers.py:mute", *asked).exit_code == 6
    assert cli("test-file", question, "handlers.py:fails", *asked).exit_code == 3
