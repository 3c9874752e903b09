"""What a person sees who asks for nothing, for help, or for the version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperCommand

from rtstream import __version__
from rtstream_cli.app import COMMANDS, Later

from .conftest import Run, on_terminal, program


def loaded(name: str) -> TyperCommand:
    return Later(name).loaded()


def test_without_a_command_the_help_is_shown(cli: Run) -> None:
    alone = cli()
    assert alone.exit_code == 0
    assert alone.stdout == cli("--help").stdout
    assert "Turn a Python function into a realtime audio or video stream." in alone.stdout


def test_the_help_names_every_command(cli: Run) -> None:
    shown = cli("--help").stdout
    for name in COMMANDS:
        assert f"  {name} " in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_the_list_says_of_each_command_what_its_own_help_says(command: str) -> None:
    assert loaded(command).help == COMMANDS[command][1]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_explanation_of_every_option(cli: Run, command: str) -> None:
    shown = cli(command, "--help")
    assert shown.exit_code == 0
    for parameter in loaded(command).params:
        assert getattr(parameter, "help", ""), f"`{parameter.name}` of `{command}` has no help"
        if parameter.opts[0].startswith("-"):
            assert parameter.opts[-1] in shown.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_also_an_environment_variable_but_for_those_of_a_moment(command: str) -> None:
    of_a_moment = {"--list", "--dry-run", "--no-verify", "--help", "--handler"}
    for parameter in loaded(command).params:
        name = next((option for option in parameter.opts if option.startswith("--")), None)
        if name is not None and name not in of_a_moment:
            assert parameter.envvar == f"RTSTREAM_{name[2:].upper().replace('-', '_')}"


def test_help_is_plain_when_it_is_piped(cli: Run) -> None:
    shown = cli("--help").stdout
    assert shown.isascii()
    assert "\x1b" not in shown


def test_help_comes_in_panels_on_a_terminal(tmp_path: Path) -> None:
    assert "╭─" in on_terminal("--help", cwd=tmp_path)


def test_help_comes_in_panels_when_colour_is_forced(cli: Run) -> None:
    assert "╭─" in cli("--color", "always", "--help").stdout


def test_the_version_is_one_line(cli: Run) -> None:
    assert cli("--version").stdout == f"rtstream {__version__}\n"


def test_it_also_runs_as_a_module(tmp_path: Path) -> None:
    assert program("--version", cwd=tmp_path).stdout == f"rtstream {__version__}\n"


def test_a_reader_who_leaves_early_is_no_error(tmp_path: Path) -> None:
    """`rtstream … | head` must not end in a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "rtstream_cli", "new", "--list"]
    done = subprocess.run(words, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 0
