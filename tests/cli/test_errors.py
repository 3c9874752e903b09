"""How an error looks, to a person and to a program, and with which code the program ends."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from rtstream import errors
from rtstream.speech.models import get_stt_model
from rtstream_cli import edge
from rtstream_cli.console import console
from tests.conftest import SAMPLE

from .conftest import Run, program


def test_an_error_is_three_sentences_on_stderr(cli: Run) -> None:
    told = cli("serve", "hndler.py")
    assert told.exit_code == 3
    assert told.stdout == ""
    assert told.stderr.splitlines()[0] == "error[RT3001]: there is no file `hndler.py`"
    assert [line[:7] for line in told.stderr.splitlines()[1:]] == ["  why: ", "  fix: "]


def test_an_error_is_one_json_document_on_stderr(cli: Run) -> None:
    told = cli("serve", "@ecko", "--json")
    assert told.exit_code == 3
    assert told.stdout == ""
    assert json.loads(told.stderr) == {
        "schema_version": 1,
        "error": {
            "code": "RT3001",
            "what": "there is no built-in `@ecko`",
            "why": "there are `@echo`, `@parrot`, `@mirror`, `@tone`, `@clock`",
            "fix": "Did you mean `@echo`?",
        },
    }


@pytest.mark.parametrize("yes", ["1", "true", "Yes"])
def test_json_may_be_asked_for_by_the_environment(cli: Run, yes: str) -> None:
    assert json.loads(cli("serve", "@ecko", RTSTREAM_JSON=yes).stderr)["error"]["code"] == "RT3001"
    assert cli("serve", "@ecko", RTSTREAM_JSON="false").stderr.startswith("error[RT3001]")


def test_a_failing_import_shows_the_users_frames_and_no_others(cli: Run, project: Path) -> None:
    (project / "handler.py").write_text("def load():\n    return 1 / 0\n\nload()\n")
    assert cli("serve").stderr == dedent("""\
        error[RT3003]: `handler.py` could not be imported
          why: ZeroDivisionError: division by zero
           at: handler.py:4 in <module>
                 load()
               handler.py:2 in load
                 return 1 / 0
          fix: Mend handler.py:2
        """)


def test_what_this_machine_lacks_is_told_with_the_way_to_get_it(
    cli: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *more: None if name == "pocketsphinx" else find(name, *more)
    )
    monkeypatch.setattr("rtstream.speech.models.get_stt_model", get_stt_model.__wrapped__)  # none is kept
    (project / "handler.py").write_text(
        "from rtstream.speech import models\nstt = models.get_stt_model('pocketsphinx')\n"
    )
    told = cli("serve")
    assert told.exit_code == 4
    assert told.stderr == dedent("""\
        error[RT4002]: `pocketsphinx` is not installed
          why: it is an optional part of rtstream: the package `pocketsphinx` is missing
          fix: pip install "rtstream[offline]"
        """)


def test_an_error_of_ours_in_a_file_keeps_its_way_out(cli: Run, project: Path) -> None:
    (project / "handler.py").write_text("from rtstream import Stream\nStream(print, modality='smell')\n")
    told = cli("serve")
    assert told.exit_code == 3
    assert "at: handler.py:2 in <module>" in told.stderr
    assert "Mend handler.py" not in told.stderr


def test_a_failing_import_is_placed_in_json_too(cli: Run, project: Path) -> None:
    (project / "handler.py").write_text("x = 1\nx()\n")
    error = json.loads(cli("serve", "--json").stderr)["error"]
    assert (error["code"], error["at"]) == ("RT3003", "handler.py:2")


def test_verbose_shows_the_whole_traceback(cli: Run, project: Path) -> None:
    (project / "handler.py").write_text("import json\njson.loads('{')\n")
    assert "json/decoder.py" not in cli("serve").stderr
    for words in (("-v", "serve"), ("serve", "-v")):
        assert "json/decoder.py" in cli(*words).stderr


USAGE: list[tuple[list[str], str, str]] = [
    (["serv"], "No such command 'serv'", "Did you mean 'serve'?"),
    (["serve", "--prot", "1"], "No such option: --prot", "Did you mean --host, --port, --qr?"),
    (["serve", "a", "b"], "Got unexpected extra argument(s) (b)", "rtstream serve --help"),
    (["serve", "--port"], "Option '--port' requires an argument", "--help"),
    (["--color", "blue", "serve"], "'blue' is none of auto, always, never", "rtstream --help"),
    (["-C", "nowhere", "serve"], "`nowhere` is not a folder", "-C"),
    (["serve", "--port", "many"], "`--port` cannot be 'many'", "--port 8000"),
    (["serve", "--modality", "sound"], "`--modality` cannot be 'sound'", "audio"),
    (["serve", "@echo", "--", "gain"], "`gain` behind `--` has no name", "-- --name value"),
    (["serve", "http://127.0.0.1:1"], "`http://127.0.0.1:1` is a running server", "Name its file"),
    (["serve", ""], "the argument cannot be ''", "For example: handler.py:echo"),
    (["serve", ":fn"], "`:fn` names no file", "handler.py:fn"),
    (["new"], "the project has no name", "rtstream new myapp"),
]


@pytest.mark.parametrize(("words", "what", "fix"), USAGE)
def test_a_wrong_call_is_exit_2_with_a_way_out(cli: Run, words: list[str], what: str, fix: str) -> None:
    told = cli(*words)
    assert told.exit_code == 2
    assert told.stderr.startswith("error[RT2001]: ")
    assert what in told.stderr.splitlines()[0]
    assert fix in told.stderr.splitlines()[-1]


CODES = [
    (errors.ConfigError, 2),
    (errors.HandlerImportFailed, 3),
    (errors.PortBusy, 4),
    (errors.ServerUnreachable, 5),
    (errors.NoMediaOut, 6),
    (errors.RtstreamError, 1),
]


@pytest.mark.parametrize(("kind", "code"), CODES)
def test_each_kind_of_error_has_its_exit_code(
    kind: type[errors.RtstreamError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise kind("it is so")

    assert edge.run(fails) == code
    assert capsys.readouterr().err == f"error[{kind.code}]: it is so\n"


def raising(error: BaseException) -> int:
    def fails() -> None:
        raise error

    return edge.run(fails)


def test_other_ends_have_their_codes_too() -> None:
    assert edge.run(lambda: None) == 0
    assert edge.run(lambda: 7) == 7
    assert raising(KeyboardInterrupt()) == 130
    assert raising(typer.Abort()) == 130
    assert raising(SystemExit(3)) == 3
    assert raising(SystemExit("words")) == 1


def test_a_fault_of_ours_says_that_it_is_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(ValueError("odd")) == 1
    told = capsys.readouterr().err
    assert told.startswith("error[RT1000]: rtstream itself failed: ValueError: odd\n")
    assert "not in what you did" in told


def test_ctrl_c_while_the_program_itself_is_loaded_is_130_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    told = program("--help", cwd=tmp_path)
    assert (told.returncode, told.stdout, told.stderr) == (130, "", "")


def test_ctrl_c_while_the_handler_is_loaded_is_130(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("import time, sys\nprint('in', flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "rtstream_cli", "serve"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    process.stdout.close()


COLOURS: list[tuple[dict[str, str], list[str], bool]] = [
    ({}, [], False),
    ({"FORCE_COLOR": "1"}, [], True),
    ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
    ({"NO_COLOR": "1"}, ["--color", "always"], True),
    ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
    ({}, ["--color=always"], True),
]


@pytest.mark.parametrize(("environment", "flags", "coloured"), COLOURS)
def test_colour_follows_the_flag_then_the_environment_then_the_terminal(
    cli: Run, environment: dict[str, str], flags: list[str], coloured: bool
) -> None:
    told = cli(*flags, "serve", "@ecko", **environment).stderr
    assert ("\x1b[" in told) is coloured
    assert "error[RT3001]" in told


def test_quiet_silences_talk_but_neither_results_nor_errors(cli: Run, project: Path) -> None:
    quiet = cli("-q", "new", "myapp", "--no-verify")
    assert quiet.stderr == ""
    assert "myapp/handler.py" in quiet.stdout
    assert "error[RT2004]" in cli("-q", "new", "myapp").stderr


def test_text_that_the_terminal_cannot_show_does_not_stop_the_program(tmp_path: Path) -> None:
    told = program("serve", "häßlich.py", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert told.returncode == 3
    assert "h??lich.py" in told.stderr


def test_working_in_another_folder_leaves_this_one_alone(cli: Run, project: Path) -> None:
    (project / "sub").mkdir()
    assert cli("-C", "sub", "new", "myapp", "--no-verify").exit_code == 0
    assert (project / "sub/myapp/handler.py").exists()
    assert Path.cwd() == project


def test_a_table_is_plain_columns_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    console.configure()
    console.table(("name", "n"), [("a", "1"), ("long", "22")], right=("n",))
    assert capsys.readouterr().out == "name   n\na      1\nlong  22\n"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_table_on_a_narrow_terminal_breaks_prose_and_neither_figures_nor_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    console.configure(color="always")
    columns = ("transport", "first back", "in", "verdict", "what it does")
    prose = "says again what was said, " * 4
    console.table(columns, [("websocket", "1545 ms", "10.25 s", "pass", prose)], right=("first back", "in"))
    shown = capsys.readouterr().out
    assert all(
        whole in shown for whole in ("transport", "websocket", "1545 ms", "10.25 s", "verdict", "pass")
    )
    assert max(map(len, re.sub("\x1b.*?m", "", shown).splitlines())) <= width


def test_a_working_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    words = f'cd {gone} && rmdir {gone} && exec "$0" -m rtstream_cli serve @echo'
    done = subprocess.run(["sh", "-c", words, sys.executable], capture_output=True, text=True)
    assert done.returncode == 2
    assert "the working folder cannot be used" in done.stderr


CLOSED = [(0,), (1,), (2,), (0, 1, 2)]


@pytest.mark.parametrize("closed", CLOSED)
def test_a_program_without_its_usual_streams_works_all_the_same(tmp_path: Path, closed: Any) -> None:
    words = [sys.executable, "-m", "rtstream_cli", "new", "app", "--no-verify", "--dry-run"]
    signs = " ".join(f"{number}>&-" for number in closed)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {signs}', "sh", *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert ("app/handler.py" in done.stdout) is (1 not in closed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_that_is_full_is_told_as_such(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "rtstream_cli", "new", "--list"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 4
        assert "error[RT4000]: the output cannot be written" in done.stderr
        assert "Traceback" not in done.stderr
        words = [sys.executable, "-m", "rtstream_cli", "serve", "@ecko"]
        assert subprocess.run(words, cwd=tmp_path, stderr=full).returncode == 3


PRINTS = """
import os, subprocess
print("loaded")
os.write(1, b"raw\\n")
subprocess.run(["echo", "a child"])

def echo(audio):
    print("heard")
    return audio
"""


def test_what_a_handler_prints_is_not_among_the_json(cli: Run, project: Path) -> None:
    (project / "handler.py").write_text(
        "print('loaded')\n\ndef echo(audio):\n    print('heard')\n    return audio"
    )
    shutil.copy(SAMPLE, "in.wav")
    told = cli("test-file", "in.wav", "--json")
    assert json.loads(told.stdout)["exit_code"] == 0
    assert {"loaded", "heard"} <= set(told.stderr.splitlines())
    assert "heard" in cli("test-file", "in.wav").stdout, "without --json it is where the handler put it"


def test_a_generator_that_reads_past_an_end_is_shown_at_its_own_line(cli: Run, project: Path) -> None:
    (project / "handler.py").write_text("def reading():\n    yield next(iter(()))\n\nnext(reading())\n")
    assert "handler.py:2 in reading" in cli("serve").stderr


@pytest.mark.parametrize("named", [["handler.py"], []])
def test_nor_is_what_its_libraries_and_children_print(tmp_path: Path, named: list[str]) -> None:
    (tmp_path / "handler.py").write_text(PRINTS)
    shutil.copy(SAMPLE, tmp_path / "in.wav")
    told = program("test-file", "in.wav", *named, "--json", cwd=tmp_path)
    assert json.loads(told.stdout)["exit_code"] == 0
    assert {"loaded", "heard", "raw", "a child"} <= set(told.stderr.splitlines())


def test_every_value_says_where_it_comes_from_with_verbose(cli: Run, project: Path) -> None:
    (project / "rtstream.toml").write_text('host = "256.0.0.1"\n[parameters]\nfrequency = 880')
    told = cli("serve", "@tone", "-v", "--port", "0", RTSTREAM_DRAIN="1").stderr
    assert "host = '256.0.0.1' (rtstream.toml)" in told
    assert "port = 0 (--port)" in told
    assert "drain = 1.0 (RTSTREAM_DRAIN)" in told
    assert "warm = True (default)" in told


def test_the_edge_is_the_same_for_a_test_runner_and_for_the_program(tmp_path: Path) -> None:
    from rtstream_cli.app import app

    inside = CliRunner().invoke(app, ["serve", "@ecko"])
    outside = program("serve", "@ecko", cwd=tmp_path)
    assert (inside.exit_code, inside.stderr) == (outside.returncode, outside.stderr)
