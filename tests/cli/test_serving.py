"""The parts of `serve` that need no process: the port, the log, the watched files, the warm-up."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rtstream
from rtstream.errors import HandlerRaised, PortBusy, UsageError
from rtstream_cli.console import console
from rtstream_cli.serving import logs, ports, reload
from rtstream_cli.serving.warm import CALL_ID, warm
from tests.conftest import run

pytestmark = pytest.mark.network


# The port.


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port on which somebody listens, and which is the default one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        monkeypatch.setattr(ports, "DEFAULT_PORT", port)
        yield port


def test_a_port_that_nobody_asked_for_gives_way_to_the_next_free_one(taken: int) -> None:
    with ports.listen("127.0.0.1", None, hop=True) as listener:
        assert taken < listener.getsockname()[1] <= taken + ports.HOPS


def test_where_nothing_may_be_guessed_it_does_not(taken: int) -> None:
    with pytest.raises(PortBusy):
        ports.listen("127.0.0.1", None, hop=False)


def test_a_port_that_was_asked_for_is_this_one_or_none(taken: int) -> None:
    with pytest.raises(PortBusy) as caught:
        ports.listen("127.0.0.1", taken, hop=True)
    assert f"(pid {os.getpid()})" in caught.value.why


def test_the_holder_of_a_port_is_told_in_one_line(free_port: int) -> None:
    script = (
        f"import socket, sys\ns = socket.create_server(('127.0.0.1', {free_port}))\n"
        "print(flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        told = ports.holder(free_port)
        process.communicate()
    assert f"(pid {process.pid})" in told and "import socket, sys s =" in told


def test_zero_is_any_free_port() -> None:
    with ports.listen("127.0.0.1", 0, hop=False) as listener:
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize("host", ["256.1.1.1", "192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(UsageError) as caught:
        ports.listen(host, 0, hop=False)
    assert "--host" in caught.value.fix


def test_a_caller_can_already_connect(free_port: int) -> None:
    with ports.listen("127.0.0.1", free_port, hop=False):
        socket.create_connection(("127.0.0.1", free_port), timeout=5).close()


def test_nobody_holds_a_free_port(free_port: int) -> None:
    assert ports.holder(free_port) == ""


# The log.


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What the log has written since it was last asked."""
    monkeypatch.setattr(
        logging.getLogger("uvicorn.access"), "propagate", True
    )  # which other servers turn off
    return lambda: capsys.readouterr().err


def user_error(tmp_path: Path) -> Exception:
    """An error that a user's file raised."""
    path = tmp_path / "handler.py"
    path.write_text("def handler(audio):\n    return 1 / 0\n")
    names: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    try:
        names["handler"](None)
    except ZeroDivisionError as error:
        return error
    raise AssertionError("it did not raise")


def test_a_line_for_people_has_time_level_session_and_the_users_frames(
    log: Callable[[], str], tmp_path: Path
) -> None:
    logs.configure("text")
    error = user_error(tmp_path)
    logging.getLogger("rtstream.session").error("it failed", exc_info=error, extra={"session": "0123456789"})
    line, *frames = log().splitlines()
    assert line[8:] == " error: it failed · session 01234567"
    assert frames[-2:] == [f"    {tmp_path}/handler.py:2 in handler", "      return 1 / 0"]


def test_a_line_for_machines_is_one_object(log: Callable[[], str], tmp_path: Path) -> None:
    logs.configure("json")
    error = user_error(tmp_path)
    logging.getLogger("rtstream.session").warning(
        "it\nfailed", exc_info=error, extra={"session": "0123456789"}
    )
    line = json.loads(log())
    assert line.pop("time").endswith("+00:00")
    assert line.pop("traceback").endswith(f"{tmp_path}/handler.py:2 in handler\n  return 1 / 0")
    assert line == {
        "level": "warning",
        "logger": "rtstream.session",
        "message": "it\nfailed",
        "session": "0123456789",
    }


def test_verbose_shows_the_whole_traceback_in_the_log(log: Callable[[], str], tmp_path: Path) -> None:
    console.configure(verbose=True)
    logs.configure("text")
    logging.getLogger("rtstream").error("it failed", exc_info=user_error(tmp_path))
    assert "Traceback (most recent call last)" in log()


def test_what_the_command_tells_itself_is_not_told_twice(log: Callable[[], str]) -> None:
    logs.configure("text")
    logging.getLogger("rtstream.session").error("it failed", extra={"session": CALL_ID})
    logging.getLogger("uvicorn.error").error("Traceback (most recent call last): …")
    assert log() == ""


def test_the_access_log_is_for_verbose(log: Callable[[], str]) -> None:
    logs.configure("text")
    logging.getLogger("uvicorn.access").info("GET /")
    assert log() == ""
    console.configure(verbose=True)
    logs.configure("text")
    logging.getLogger("uvicorn.access").info("GET /")
    assert "GET /" in log()


def test_quiet_leaves_out_the_calls_and_keeps_what_is_wrong(log: Callable[[], str]) -> None:
    console.configure(quiet=True)
    logs.configure("text")
    logging.getLogger("rtstream.calls").info("it begins")
    logging.getLogger("rtstream.calls").warning("it is full")
    assert "it begins" not in (said := log()) and "it is full" in said
    console.configure()
    logs.configure("text")
    logging.getLogger("rtstream.calls").info("it begins")
    assert "it begins" in log()


# The watched files.


def test_only_the_projects_own_sources_are_watched(tmp_path: Path) -> None:
    for name in [
        "handler.py",
        "rtstream.toml",
        "sub/helper.py",
        "notes.txt",
        ".git/x.py",
        "__pycache__/x.py",
        "node_modules/x.py",
        "env/pyvenv.cfg",
        "env/lib/x.py",
    ]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    seen = reload.snapshot([tmp_path])
    assert sorted(str(path.relative_to(tmp_path)) for path in seen) == [
        "handler.py",
        "rtstream.toml",
        "sub/helper.py",
    ]


# The warm-up.


class Loud(rtstream.AsyncStreamHandler):
    """Counts what happens to it."""

    heard = 0
    shut = 0

    async def receive(self, frame: Any) -> None:
        Loud.heard += 1

    async def emit(self) -> Any: ...

    async def shutdown(self) -> None:
        Loud.shut += 1


def test_the_warm_up_is_a_whole_call_that_does_not_count_against_the_limit() -> None:
    stream = rtstream.Stream(Loud, modality="audio", concurrency_limit=1, verbose=False)

    async def both() -> None:
        stream.sessions.reserve("a real call")
        assert (await warm(stream)).trouble is None

    run(both())
    assert Loud.heard > 0
    assert Loud.shut == 1
    assert len(stream.sessions) == 1


@pytest.mark.parametrize(("modality", "mode"), [("video", "send-receive"), ("audio", "send")])
def test_the_warm_up_fits_the_stream(modality: Any, mode: Any) -> None:
    frames: list[Any] = []
    stream = rtstream.Stream(frames.append, modality=modality, mode=mode, verbose=False)
    assert run(warm(stream)).trouble is None
    assert frames


def test_imports_that_take_long_are_not_taken_for_a_handler_that_blocks_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    (tmp_path / "takes_long.py").write_text("import time\ntime.sleep(1.5)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("rtstream_cli.serving.warm.LONGEST", 0.5)
    monkeypatch.setattr(console, "warn", lambda what, **more: told.append(what))
    stream = rtstream.Stream(lambda audio: audio, modality="audio", verbose=False)
    assert run(warm(stream, "takes_long")).trouble is None
    assert told == []


def test_what_the_warm_up_met_is_handed_over() -> None:
    def fails(audio: Any) -> Any:
        raise ValueError("no")

    trouble = run(warm(rtstream.Stream(fails, modality="audio", verbose=False))).trouble
    assert isinstance(trouble, HandlerRaised)
    assert isinstance(trouble.__cause__, ValueError)


def test_a_refusal_in_the_warm_up_is_handed_over_too() -> None:
    def factory() -> Any:
        return 7

    trouble = run(warm(rtstream.Stream(factory, modality="audio", verbose=False))).trouble
    assert trouble is not None
    assert "7" in trouble.what
