"""TARGET → object: every form that is accepted, and what is said about every one that is not."""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtstream.errors import (
    HandlerAmbiguous,
    HandlerImportFailed,
    HandlerNotFound,
    RtstreamError,
    UsageError,
)
from rtstream_cli import tracebacks
from rtstream_cli.config import Globals, Settings, read_layers
from rtstream_cli.discover import Target, find, split

ECHO = "def echo(audio):\n    return audio\n"
FLIP = "def flip(image):\n    return image[::-1]\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
        if any(str(place).startswith(str(tmp_path)) for place in places):
            del sys.modules[name]


def target(text: str | None = None) -> Target:
    return find(text, Settings(read_layers(Path.cwd(), Globals())))


def write(name: str, text: str) -> Path:
    path = Path.cwd() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def failure(text: str | None = None) -> RtstreamError:
    """The error of a target, which names a cause and a way out."""
    with pytest.raises(RtstreamError) as caught:
        target(text)
    assert caught.value.why
    assert caught.value.fix
    return caught.value


# What is found.


@pytest.mark.parametrize("text", ["handler.py:echo", "handler.py::echo", "handler:echo", "./handler.py:echo"])
def test_a_name_in_a_file_is_found_however_it_is_written(text: str) -> None:
    write("handler.py", ECHO + FLIP)
    assert target(text).obj(1) == 1


def test_an_absolute_path_is_found() -> None:
    path = write("elsewhere/handler.py", ECHO)
    found = target(f"{path}:echo")
    assert found.obj(1) == 1
    assert found.folder == path.parent


def test_a_name_in_a_module_of_a_package_is_found() -> None:
    write("package/__init__.py", "")
    write("package/module.py", ECHO)
    found = target("package.module:echo")
    assert found.obj.__module__ == "package.module"
    assert found.name == "package.module:echo"


def test_a_name_may_lead_through_an_object() -> None:
    write("handler.py", "class Voices:\n    @staticmethod\n    def echo(audio):\n        return audio\n")
    assert target("handler.py:Voices.echo").obj(1) == 1


def test_the_one_function_of_a_file_needs_no_name() -> None:
    write("handler.py", ECHO + "\ndef _helper():\n    pass\n\nfrom os.path import join\nRATE = 8000\n")
    assert target("handler.py").name == "handler.py:echo"


def test_a_function_of_the_usual_name_wins() -> None:
    write("handler.py", ECHO + FLIP + "def handler(audio):\n    return None\n")
    assert target("handler.py").name == "handler.py:handler"


def test_the_one_function_that_is_surely_for_media_wins_over_helpers() -> None:
    write("handler.py", ECHO + "def decode(text):\n    return text\n\ndef load():\n    return 1\n")
    assert target("handler.py").name == "handler.py:echo"


def test_a_stream_wins_over_its_handler_and_an_app_with_it_over_both() -> None:
    source = """
import rtstream
from fastapi import FastAPI

def handler(audio):
    return audio

stream = rtstream.Stream(handler, modality="audio", verbose=False)
app = FastAPI()
"""
    write("one.py", source)
    assert target("one.py").name == "one.py:stream"
    write("two.py", source + "stream.mount(app)\n")
    assert target("two.py").name == "two.py:app"


def test_a_handler_class_or_instance_is_a_candidate() -> None:
    source = """
from rtstream import StreamHandler

class Echo(StreamHandler):
    def receive(self, frame): pass
    def emit(self): pass
"""
    write("handler.py", source)
    assert target("handler.py").name == "handler.py:Echo"


def test_a_class_of_ours_that_was_imported_is_no_candidate() -> None:
    write("handler.py", "from rtstream import ReplyOnPause\n\ndef talk(said):\n    yield said\n")
    assert target("handler.py").name == "handler.py:talk"
    write("agent.py", "from rtstream import ReplyOnPause\n\nagent = ReplyOnPause(lambda said: said)\n")
    assert target("agent.py").name == "agent.py:agent"


def test_nothing_finds_what_the_configuration_names() -> None:
    write("voice.py", ECHO)
    write("handler.py", FLIP)
    write("rtstream.toml", 'target = "voice.py:echo"')
    found = target()
    assert (found.name, found.source) == ("voice.py:echo", "rtstream.toml")


@pytest.mark.parametrize("name", ["handler.py", "app.py", "main.py"])
def test_nothing_finds_a_file_of_a_usual_name(name: str) -> None:
    write(name, ECHO)
    found = target()
    assert (found.name, found.source) == (f"{name}:echo", "discovery")


@pytest.mark.parametrize("name", ["@echo", "@parrot", "@mirror", "@tone", "@clock"])
def test_a_builtin_needs_no_file(name: str) -> None:
    found = target(name)
    assert callable(found.obj)
    assert found.folder is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://host/voice/", "ws://host", "wss://host/x"])
def test_a_url_is_a_running_server(url: str) -> None:
    found = target(url)
    assert found.obj is None
    assert found.url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://", "http://:8000", "ws://[::1", "https://host:99999", "http://host:x"]
)
def test_a_url_without_a_host_or_with_a_false_port_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is not the address of a server"):
        target(url)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.py:b", ("a.py", "b")),
        ("a.py::b", ("a.py", "b")),
        ("a.py", ("a.py", "")),
        ("C:\\folder\\a.py", ("C:\\folder\\a.py", "")),
        ("C:\\folder\\a.py:b", ("C:\\folder\\a.py", "b")),
    ],
)
def test_a_target_splits_into_place_and_name(text: str, parts: tuple[str, str]) -> None:
    assert split(text) == parts


# How it is loaded.


def test_a_module_beside_the_handler_can_be_imported() -> None:
    write("app/helper.py", "GAIN = 3\n")
    write("app/handler.py", "from helper import GAIN\ndef echo(audio):\n    return GAIN\n")
    assert target("app/handler.py:echo").obj(1) == 3


def test_a_module_beside_the_handler_can_be_imported_later_too() -> None:
    write("app/helper.py", "GAIN = 3\n")
    write("app/handler.py", "def echo(audio):\n    from helper import GAIN\n    return GAIN\n")
    assert target("app/handler.py:echo").obj(1) == 3


def test_only_the_handlers_own_folder_goes_on_the_path() -> None:
    before = list(sys.path)
    write("app/handler.py", ECHO)
    target("app/handler.py:echo")
    assert [entry for entry in sys.path if entry not in before] == [str(Path.cwd() / "app")]


def test_relative_imports_work_in_a_package() -> None:
    write("top/__init__.py", "LEVEL = 1\n")
    write("top/inner/__init__.py", "")
    write("top/helper.py", "GAIN = 3\n")
    write(
        "top/inner/handler.py",
        "from .. import LEVEL\nfrom ..helper import GAIN\ndef echo(audio):\n    return LEVEL + GAIN\n",
    )
    found = target("top/inner/handler.py:echo")
    assert found.obj(1) == 4
    assert found.obj.__module__ == "top.inner.handler"


def test_relative_imports_work_in_a_folder_that_is_no_package() -> None:
    write("loose/helper.py", "GAIN = 3\n")
    write("loose/handler.py", "from .helper import GAIN\ndef echo(audio):\n    return GAIN\n")
    assert target("loose/handler.py:echo").obj(1) == 3


def test_a_handler_may_be_called_like_a_module_of_python() -> None:
    write("queue.py", ECHO)
    assert target("queue.py:echo").obj(1) == 1
    assert sys.modules["queue"] is queue


def test_a_second_save_within_the_same_second_is_not_overlooked() -> None:
    """A compiled file with the time and size of the new source must not stand in for it."""
    path = write("handler.py", "def echo(audio):\n    return 1\n")
    assert target("handler.py:echo").obj(0) == 1
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_text("def echo(audio):\n    return 2\n")
    os.utime(path, ns=times)
    assert target("handler.py:echo").obj(0) == 2
    assert not (Path.cwd() / "__pycache__").exists()


# What is not found.


def test_a_missing_file_is_told_with_its_near_miss() -> None:
    write("handler.py", ECHO)
    error = failure("handlr.py:echo")
    assert isinstance(error, HandlerNotFound)
    assert error.fix == "Did you mean `handler.py:echo`?"


def test_a_missing_file_in_an_empty_folder_is_told() -> None:
    assert "no Python files" in failure("nowhere/handler.py").why


def test_a_missing_name_is_told_with_all_that_are_there() -> None:
    write("handler.py", ECHO + FLIP)
    error = failure("handler.py:ecko")
    assert isinstance(error, HandlerNotFound)
    assert error.why == "it defines `echo`, `flip`"
    assert error.fix == "Did you mean `handler.py:echo`?"


def test_a_file_without_a_handler_is_told() -> None:
    write("handler.py", "RATE = 8000\nimport os\n")
    error = failure("handler.py")
    assert isinstance(error, HandlerNotFound)
    assert error.why == "it defines `RATE`"


def test_several_candidates_are_all_named() -> None:
    write("handler.py", ECHO + FLIP)
    error = failure("handler.py")
    assert isinstance(error, HandlerAmbiguous)
    assert "`handler.py:echo`, `handler.py:flip`" in error.why


def test_of_very_many_candidates_the_first_are_named() -> None:
    write("handler.py", "".join(f"def take{number}(audio):\n    return audio\n\n" for number in range(20)))
    error = failure("handler.py")
    assert error.why.endswith("`handler.py:take7` and 12 more")


def test_a_missing_module_is_told_apart_from_one_whose_import_fails() -> None:
    assert isinstance(failure("nothing.here:echo"), HandlerNotFound)
    write("package/__init__.py", "")
    assert isinstance(failure("package.module:echo"), HandlerNotFound)
    write("package/module.py", "import a_module_that_nobody_has\n")
    error = failure("package.module:echo")
    assert isinstance(error, HandlerImportFailed)
    assert "a_module_that_nobody_has" in error.why


def test_nothing_at_all_is_told_with_three_ways_on() -> None:
    error = failure()
    assert isinstance(error, HandlerNotFound)
    assert "rtstream new" in error.fix


@pytest.mark.parametrize("text", ["notes.txt", "notes.txt:echo", "folder", "folder/", "two words", "a-b:c"])
def test_what_is_no_python_is_told(text: str) -> None:
    write("notes.txt", "hello")
    (Path.cwd() / "folder").mkdir()
    assert isinstance(failure(text), HandlerNotFound)


def test_an_unknown_builtin_is_told_with_its_near_miss() -> None:
    assert failure("@ecko").fix == "Did you mean `@echo`?"


BROKEN: list[tuple[str, str, str]] = [
    ("raise ValueError('no\\nway')\n", "ValueError: no", "handler.py:1"),
    ("def echo(:\n", "SyntaxError: ", "handler.py:1"),
    ("import a_module_that_nobody_has\n", "ModuleNotFoundError: ", "handler.py:1"),
    ("import sys\nsys.exit('bye')\n", "SystemExit: bye", "handler.py:2"),
    ("from helper import broken\n", "ZeroDivisionError: ", "helper.py:2"),
    ("raise KeyError\n", "KeyError", "handler.py:1"),
]


@pytest.mark.parametrize(("source", "why", "place"), BROKEN)
def test_a_file_that_does_not_import_is_told_with_the_users_own_line(
    source: str, why: str, place: str
) -> None:
    write("helper.py", "\nbroken = 1 / 0\n")
    write("handler.py", source)
    error = failure("handler.py:echo")
    assert isinstance(error, HandlerImportFailed)
    assert error.why.startswith(why)
    assert error.__cause__ is not None
    assert tracebacks.place(error.__cause__) == place


def test_only_the_users_own_frames_are_shown() -> None:
    write("handler.py", "import json\n\ndef parse():\n    json.loads('{')\n\nparse()\n")
    error = failure("handler.py:echo")
    assert error.__cause__ is not None
    shown = tracebacks.render(error.__cause__).splitlines()
    assert [line for line in shown if not line.startswith(" ")] == [
        "handler.py:6 in <module>",
        "handler.py:4 in parse",
    ]


def test_a_file_that_did_not_import_can_be_mended_and_loaded() -> None:
    write("handler.py", "raise ValueError\n")
    failure("handler.py:echo")
    assert "handler" not in sys.modules
    write("handler.py", ECHO)
    assert target("handler.py:echo").obj(1) == 1


def test_ctrl_c_during_an_import_goes_through() -> None:
    write("handler.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        target("handler.py:echo")
