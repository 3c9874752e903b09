"""Both browsers, started once each; a server of pages; and tabs that leave nothing behind."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.browser import chromium, firefox, loudspeaker
from tests.browser.driving import UNCAUGHT, Browser, Server, Tab, finish
from tests.browser.loudspeaker import Loudspeaker
from tests.helpers.ports import port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder opens sockets and drives browsers; a browser that is not there skips its tests."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.network)
            item.add_marker(pytest.mark.browser)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(60))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server(port())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Browser]]:
    """A browser by its name, started when first asked for."""
    running: dict[str, Any] = {}

    def start(name: str) -> Browser:
        if name not in running and name == "chromium":
            voice = tmp_path_factory.mktemp("microphone") / "voice.wav"
            write_voice(voice)
            running[name] = chromium.Chromium(tmp_path_factory.mktemp("chromium"), voice)
        elif name not in running:
            running["sound"] = Loudspeaker(tmp_path_factory.mktemp("sound"))
            profile = tmp_path_factory.mktemp("firefox")
            running[name] = firefox.Firefox(profile, running["sound"].environment)
        return cast(Browser, running[name])

    yield start
    for each in reversed(running.values()):
        each.close()


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, started: Callable[[str], Browser]) -> Browser:
    needed = {"firefox": firefox.PROGRAM, "pulseaudio": loudspeaker.PROGRAM}
    if request.param == "chromium":
        needed = {"chromium": chromium.PROGRAM}
    for name, program in needed.items():
        if program is None:
            pytest.skip(f"{name} is not installed")
    return started(request.param)


@pytest.fixture
def in_chromium(browser: Browser) -> bool:
    return isinstance(browser, chromium.Chromium)


@pytest.fixture
def open_tab(
    request: pytest.FixtureRequest, browser: Browser, server: Server
) -> Iterator[Callable[..., Tab]]:
    """Opens the page of a stream, with a script that runs in it first.

    Keeps a screenshot of each page at the end of the test, and fails the test when a page did not catch
    what it threw, or left a connection behind.
    """
    tabs: list[Tab] = []

    def open_(name: str, script: str = "", at: Server = server, size: tuple[int, int] = (800, 900)) -> Tab:
        tabs.append(Tab(browser.open(UNCAUGHT + script, size), at, name))
        return tabs[-1]

    yield open_
    finish(tabs, server, request.node.name)


def write_voice(path: Path) -> None:
    """Two seconds of a tone that swells and fades but is never silent."""
    beats = (
        math.sin(n * 2 * math.pi * 300 / 48_000) * (2 + math.sin(n * math.pi / 12_000)) for n in range(96_000)
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(b"".join(struct.pack("<h", int(value * 6_000)) for value in beats))
