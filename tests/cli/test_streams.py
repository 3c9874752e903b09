"""From a target and the flags to the Stream that a command runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer

import rtstream
from rtstream.errors import HandlerAmbiguous, HandlerUnfit, OptionError, UsageError
from rtstream_cli import builtins, discover, streams
from rtstream_cli.config import Globals, Settings, read_layers
from rtstream_cli.serving import faces

from .conftest import Run, program

APP = """
from fastapi import FastAPI
from rtstream import Stream

one = Stream(lambda audio: audio, modality="audio", verbose=False)
two = Stream(lambda image: image, modality="video", verbose=False)
app = FastAPI()
"""


def settings(*words: str) -> Settings:
    ctx = SimpleNamespace(
        meta={"rtstream.words": words}, get_parameter_source=lambda _: SimpleNamespace(name="COMMANDLINE")
    )
    return Settings(read_layers(Path.cwd(), Globals()), cast(typer.Context, ctx))


def stream_of(text: str, modality: str | None = None, *words: str, **options: Any) -> rtstream.Stream:
    chosen = settings(*words)
    return streams.of(discover.find(text, chosen), chosen, modality, verbose=False, **options)


def test_a_handler_becomes_a_stream_of_what_it_says(project: Path) -> None:
    stream = stream_of("@clock")
    assert (stream.modality, stream.mode) == ("video", "receive")
    assert stream.event_handler is builtins.clock


def test_flags_and_options_reach_the_stream(project: Path) -> None:
    stream = stream_of("@echo", "video", concurrency_limit=None, time_limit=2.0)
    assert (stream.modality, stream.concurrency_limit, stream.time_limit) == ("video", None, 2.0)


CLASS = """
from rtstream import StreamHandler

class Louder(StreamHandler):
    def __init__(self, gain: float, name="x"):
        super().__init__()
        self.gain = gain
    def receive(self, frame): ...
    def emit(self): ...
"""


def test_a_class_is_made_with_the_values_of_its_parameters(project: Path) -> None:
    (project / "handler.py").write_text(CLASS)
    stream = stream_of("handler.py:Louder", None, "--gain", "2")
    assert stream.modality == "audio"
    assert stream.event_handler().gain == 2.0


def test_a_class_whose_parameter_has_no_value_is_told_how_to_get_it(project: Path) -> None:
    (project / "handler.py").write_text(CLASS)
    with pytest.raises(UsageError, match="has a parameter `gain`, and nothing says what it is") as caught:
        stream_of("handler.py:Louder")
    assert caught.value.fix == "Say it (`-- --gain VALUE`), or give it a default"


def test_parameters_of_the_file_and_of_the_words_reach_the_handler(project: Path) -> None:
    (project / "handler.py").write_text(
        "def handler(audio, gain: float = 1.0, cut: int = 0):\n    return gain, cut\n"
    )
    (project / "rtstream.toml").write_text("[parameters]\ngain = 0.5\ncut = 1")
    assert stream_of("handler.py", None, "--cut", "7").event_handler(None) == (0.5, 7)


@pytest.mark.parametrize(
    "signature",
    ["audio, key", "audio, gain: float, key", "audio, *, key", "audio, key: bytes, *more, **others"],
)
def test_a_parameter_that_nobody_can_say_is_told_instead_of_waited_for(project: Path, signature: str) -> None:
    (project / "handler.py").write_text(f"def handler({signature}):\n    return audio\n")
    with pytest.raises(UsageError, match=r"a parameter `(key|gain)`, and nothing says what it is") as caught:
        stream_of("handler.py")
    assert "-- --" in (caught.value.fix or "")


def test_a_parameter_behind_one_that_was_said_is_to_be_said_too(project: Path) -> None:
    (project / "handler.py").write_text("def handler(audio, gain: float, cut: int):\n    return gain, cut\n")
    with pytest.raises(UsageError, match="`cut`"):
        stream_of("handler.py", None, "--gain", "2")
    assert stream_of("handler.py", None, "--gain", "2", "--cut", "1").event_handler(None) == (2.0, 1)


def test_parameters_with_a_control_or_a_default_need_not_be_said(project: Path) -> None:
    (project / "handler.py").write_text(
        "def handler(audio, gain: float, *more, cut=1, **others):\n    return audio"
    )
    components = stream_of("handler.py").additional_input_components or []
    assert [one.name for one in components] == ["gain"]


def test_a_stream_is_taken_as_it_is(project: Path) -> None:
    (project / "app.py").write_text(APP)
    assert stream_of("app.py:two").modality == "video"
    assert stream_of("app.py:two", "video").modality == "video"


def test_a_flag_that_a_stream_says_otherwise_is_refused(project: Path) -> None:
    (project / "app.py").write_text(APP)
    with pytest.raises(UsageError, match="is a Stream and brings its own modality") as caught:
        stream_of("app.py:two", "audio")
    assert caught.value.fix == "Leave --modality out, or change the Stream"


def test_a_file_may_speak_of_the_modality_of_a_stream_that_brings_its_own(project: Path) -> None:
    (project / "app.py").write_text(APP)
    (project / "rtstream.toml").write_text('modality = "audio"')
    assert stream_of("app.py:two").modality == "video"


def test_an_app_gives_its_one_stream(project: Path) -> None:
    (project / "app.py").write_text(APP + "two.mount(app, path='/two')\n")
    assert stream_of("app.py").modality == "video"


def test_an_app_with_several_streams_is_ambiguous_but_can_be_served(project: Path) -> None:
    (project / "app.py").write_text(APP + "one.mount(app, path='/one')\ntwo.mount(app, path='/two')\n")
    with pytest.raises(HandlerAmbiguous) as caught:
        stream_of("app.py")
    assert "'/one', '/two'" in caught.value.why
    chosen = settings()
    app, mounted = streams.on_app(discover.find("app.py", chosen), chosen)
    assert [path for path, _ in mounted] == ["/one", "/two"]
    faces.add(app, mounted, "auto", "app.py")
    paths = {getattr(route, "path", "") for route in app.routes}
    assert {"/one/", "/two/"} <= paths


def test_an_app_without_a_stream_is_unfit(project: Path) -> None:
    (project / "app.py").write_text(APP)
    with pytest.raises(HandlerUnfit, match="is an app without a Stream"):
        stream_of("app.py:app")


def test_the_engine_s_refusal_comes_through(project: Path) -> None:
    with pytest.raises(OptionError):
        stream_of("@echo", concurrency_limit=0)


def test_ice_servers_are_for_both_ends(cli: Run, project: Path) -> None:
    """Seen from outside: the page is told of them."""
    for nonsense in ("http://nonsense", "turn::3478"):
        told = program("serve", "@echo", "--ice-server", nonsense, cwd=project)
        assert told.returncode == 2
        assert "--ice-server" in told.stderr
    options = options_of(ice_server=["stun:a:1", '{"urls": "turn:b", "username": "u"}'])
    servers = {"iceServers": [{"urls": "stun:a:1"}, {"urls": "turn:b", "username": "u"}]}
    assert options["rtc_configuration"] == options["server_rtc_configuration"] == servers


@pytest.mark.parametrize(("given", "limit"), [("none", None), ("3", 3), (None, "default")])
def test_the_limit_may_be_none(given: str | None, limit: Any) -> None:
    assert options_of(concurrency_limit=given)["concurrency_limit"] == limit


def options_of(**given: Any) -> dict[str, Any]:
    """What `serve` makes a Stream with when its flags say this."""
    from rtstream_cli.commands.serve import stream_options

    taken = settings()
    for name in ("concurrency_limit", "time_limit", "ice_server"):
        taken.take(name, given.get(name))
    return stream_options(taken)
