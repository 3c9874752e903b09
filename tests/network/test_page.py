"""The plain page in a real browser: Debian's chromium, with a microphone and three cameras of software."""

from __future__ import annotations

import json
import math
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import REPOSITORY
from tests.network.pages import TIME_LIMIT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=device-count=3",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]
LOUD = 0.01  # root mean square that no silence reaches

pytestmark = [
    pytest.mark.network,
    pytest.mark.browser,
    pytest.mark.timeout(60),
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


class Server:
    """The program `pages` beside this module, until it is stopped.

    Args:
        port: where it listens on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "tests.network.pages", str(port)]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(self._command, cwd=REPOSITORY)
        until(self._answers, 20, "the server answers")

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        self._process.send_signal(with_signal)
        self._process.wait(10)

    def frames(self, name: str) -> list[int]:
        """How many frames each live connection of a stream has heard or seen."""
        with urllib.request.urlopen(f"{self.url}/{name}/frames") as answer:
            return list(json.load(answer))

    def _answers(self) -> bool:
        try:
            return self.frames("echo") == []
        except OSError:
            return False


class Tab:
    """A page of one stream, open in the browser."""

    def __init__(self, page: Page, server: Server, stream: str) -> None:
        self.page = page
        self.stream = stream
        self.requests: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(f"{server.url}/{stream}/")

    def connect(self, state: str = "live") -> None:
        """Click on "Connect", and wait until the call is in a state."""
        self.page.get_by_role("button", name="Connect").click()
        self.wait_for_state(state)

    def wait_for_state(self, state: str, seconds: float = 20) -> None:
        until(lambda: self.ask("call.state") == state, seconds, f"the state is {state}")

    def ask(self, expression: str) -> Any:
        """The value of an expression of the page, in which `call` is its element."""
        return self.page.evaluate(
            f"() => {{ const call = document.querySelector('rt-stream'); return {expression}; }}"
        )

    def level(self) -> dict[str, float]:
        return dict(self.ask("call.level()"))

    def notice(self) -> str:
        """What the page says in its notice, "" when there is none."""
        return (
            self.page.get_by_role("alert").inner_text() if self.page.get_by_role("alert").is_visible() else ""
        )


def until(holds: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until something holds; returns how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(free_port())
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    voice = tmp_path_factory.mktemp("microphone") / "voice.wav"
    write_voice(voice)
    with playwright.sync_playwright() as driver:
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={voice}"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(browser: Browser, server: Server) -> Iterator[Callable[..., Tab]]:
    """Opens the page of a stream, with a script that runs in it first.

    Fails the test when a page did not catch what it threw, or left a connection behind.
    """
    context = browser.new_context(viewport={"width": 800, "height": 900})
    tabs: list[Tab] = []
    uncaught: list[str] = []
    context.on("weberror", lambda error: uncaught.append(str(error.error)))

    def open_(name: str, script: str = "", at: Server = server) -> Tab:
        page = context.new_page()
        page.add_init_script(script)
        tabs.append(Tab(page, at, name))
        return tabs[-1]

    yield open_
    for page in context.pages:
        page.evaluate("() => document.querySelector('rt-stream')?.stop()")
    until(
        lambda: not any(server.frames(tab.stream) for tab in tabs),
        10,
        "all places are free for the next test",
    )
    context.close()
    assert not uncaught


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def test_a_page_hears_its_echo_and_asks_for_nothing_but_itself_and_an_answer(
    open_tab: Any, server: Server
) -> None:
    tab = open_tab("echo")
    tab.connect()
    until(lambda: tab.level()["out"] > LOUD, 10, "the echo is heard")
    assert tab.level()["in"] > LOUD
    until(
        lambda: tab.ask("call.shadowRoot.getElementById('remote').currentTime") > 0, 10, "it is played aloud"
    )
    paths = [re.sub(r"\?v=\w+$", "", url.removeprefix(server.url)) for url in tab.requests]
    assert paths[:3] == ["/echo/", "/echo/rt-stream.js", "/echo/webrtc/offer"]
    assert set(paths[3:]) <= {"/echo/webrtc/offer"}, "candidates, on a machine that is slow to connect"


def test_a_muted_microphone_sends_silence_and_goes_on_when_asked(open_tab: Any) -> None:
    tab = open_tab("echo")
    tab.connect()
    until(lambda: tab.level()["out"] > LOUD, 10, "the echo is heard")
    tab.page.get_by_role("button", name="Mute").click()
    until(lambda: tab.level()["out"] < LOUD / 10, 10, "the echo is silent")
    tab.page.get_by_role("button", name="Unmute").click()
    until(lambda: tab.level()["out"] > LOUD, 10, "the echo is back")


PIXEL = """(() => {
  const video = call.shadowRoot.getElementById("remote"), canvas = document.createElement("canvas");
  if (!video.videoWidth) return null;
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0);
  const at = (height) => [...pen.getImageData(canvas.width / 2, canvas.height * height, 1, 1).data];
  return [at(0.1).slice(0, 3), at(0.6).slice(0, 3)];
})()"""


def test_video_comes_back_as_the_handler_changed_it(open_tab: Any) -> None:
    tab = open_tab("video")
    tab.connect()
    until(lambda: tab.ask(PIXEL), 10, "a picture came")
    (red, green, blue), below = tab.ask(PIXEL)
    assert red > 200 and green < 60 and blue < 60
    assert below[1] > below[0], "the lower part is the fake camera's green"


def test_a_camera_is_switched_while_the_call_goes_on(open_tab: Any, server: Server) -> None:
    tab = open_tab("video")
    tab.connect()
    choice = tab.page.get_by_role("combobox", name="Camera")
    until(lambda: choice.locator("option").count() == 3, 10, "all cameras are named")
    choice.select_option(index=2)  # the second is of a format that chromium does not encode
    sent = "call.shadowRoot.getElementById('self').srcObject.getVideoTracks()[0].label"
    until(lambda: "2" in tab.ask(sent), 10, "the third camera is seen")
    (seen,) = server.frames("video")
    until(lambda: server.frames("video")[0] > seen + 10, 10, "the server sees it")
    assert tab.ask("call.state") == "live"


def test_receive_plays_without_asking_for_a_device(open_tab: Any, server: Server) -> None:
    tab = open_tab("tone", script="navigator.mediaDevices.getUserMedia = () => { throw Error('asked') };")
    tab.connect()
    until(lambda: tab.level()["out"] > LOUD, 10, "the tone is heard")
    until(
        lambda: tab.ask("call.shadowRoot.getElementById('remote').currentTime") > 0, 10, "it is played aloud"
    )
    assert f"{server.url}/tone/webrtc/config" in tab.requests, "a function's rtc_configuration is asked for"


def test_send_reaches_the_handler_and_shows_the_sender_himself(open_tab: Any, server: Server) -> None:
    tab = open_tab("watch")
    tab.connect()
    until(lambda: server.frames("watch")[0] > 5, 10, "the handler sees pictures")
    assert tab.ask("call.shadowRoot.getElementById('self').videoWidth") > 0
    assert not tab.page.locator("#remote").is_visible()


def test_a_full_house_is_said_in_words_and_takes_the_next_who_comes(open_tab: Any) -> None:
    first, second = open_tab("one"), open_tab("one")
    first.connect()
    second.connect(state="failed")
    assert second.notice() == "All places are taken right now. Try again in a little while."
    first.page.get_by_role("button", name="Disconnect").click()
    first.wait_for_state("ended")
    second.connect()
    assert second.notice() == ""


def test_a_handlers_error_is_shown_and_the_call_goes_on(open_tab: Any) -> None:
    tab = open_tab("loud")
    tab.connect()
    until(lambda: "gain 9.5 is too loud" in tab.notice(), 10, "the error is shown")
    until(lambda: tab.level()["out"] > LOUD, 10, "the echo is heard")
    tab.page.get_by_role("button", name="Dismiss").click()
    assert tab.notice() == ""
    assert tab.ask("call.state") == "live"


def test_the_end_of_ones_time_is_said_in_words(open_tab: Any, server: Server) -> None:
    tab = open_tab("timed")
    tab.connect()
    tab.wait_for_state("ended", seconds=TIME_LIMIT + 3)
    assert tab.notice() == "Your time is up. Connect again to go on."
    assert "of 0:01" in tab.page.get_by_role("timer").inner_text()
    until(lambda: server.frames("timed") == [], 1, "the place is free")


def test_closing_the_tab_frees_its_place_within_a_second(open_tab: Any, server: Server) -> None:
    tab = open_tab("one")
    tab.connect()
    assert len(server.frames("one")) == 1
    with tab.page.expect_event("close"):
        tab.page.close(run_before_unload=True)
        until(lambda: server.frames("one") == [], 1.0, "the place is free")


@pytest.mark.parametrize("by", ["element.remove()", "location.href = 'about:blank'"])
def test_leaving_frees_the_place_within_a_second(open_tab: Any, server: Server, by: str) -> None:
    tab = open_tab("one")
    tab.connect()
    tab.page.evaluate(f"() => {{ const element = document.querySelector('rt-stream'); {by}; }}")
    until(lambda: server.frames("one") == [], 1.0, "the place is free")


MEDIA = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '%s') };"
PREVENTED = {
    "denied": (
        MEDIA % "NotAllowedError",
        "This page may not use your microphone. Allow it beside the address bar, then connect again.",
    ),
    "no device": (MEDIA % "NotFoundError", "No microphone was found. Plug one in, then connect again."),
    "insecure": (
        "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });",
        "Browsers give out a microphone only over https or on localhost. Open this page there.",
    ),
    "unreachable": (
        "window.fetch = async () => { throw new TypeError('network') };",
        "The server does not answer. Check that it runs and that you are online, then connect again.",
    ),
    "a proxy's page": (
        "window.fetch = async () => new Response('<h1>502</h1>', { status: 502 });",
        "The server does not answer. Check that it runs and that you are online, then connect again.",
    ),
}


@pytest.mark.parametrize(("script", "words"), PREVENTED.values(), ids=PREVENTED.keys())
def test_what_prevents_a_call_is_said_in_words(open_tab: Any, script: str, words: str) -> None:
    tab = open_tab("echo", script=script)
    tab.connect(state="failed")
    assert tab.notice() == words
    assert tab.page.get_by_role("button", name="Connect").is_visible()


def test_an_answer_that_leads_nowhere_is_helped_by_the_pages_own_candidates(open_tab: Any) -> None:
    hide = """
      const remote = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = function (answer) {
        return remote.call(this, { ...answer, sdp: answer.sdp.replace(/a=candidate.*\\r\\n/g, "") });
      };"""
    tab = open_tab("echo", script=hide)
    tab.connect()
    until(lambda: tab.level()["out"] > LOUD, 10, "the echo is heard")
    assert sum(url.endswith("webrtc/offer") for url in tab.requests) > 1


def test_a_call_survives_the_death_and_return_of_its_server(open_tab: Any) -> None:
    server = Server(free_port())
    try:
        tab = open_tab("echo", at=server)
        tab.connect()
        until(lambda: tab.level()["out"] > LOUD, 10, "the echo is heard")
        tab.ask("(window.mark = 'the same page')")
        server.stop(signal.SIGKILL)
        tab.wait_for_state("reconnecting", seconds=10)
        assert tab.page.get_by_role("status").inner_text() == "Connection lost, trying again…"
        server.start()
        tab.wait_for_state("live", seconds=20)
        until(lambda: tab.level()["out"] > LOUD, 10, "the echo is heard again")
        assert tab.ask("window.mark") == "the same page"
        assert len(server.frames("echo")) == 1
    finally:
        server.stop()


def test_a_camera_that_goes_away_is_said_in_words(open_tab: Any) -> None:
    tab = open_tab("watch")
    tab.connect()
    track = "call.shadowRoot.getElementById('self').srcObject.getVideoTracks()[0]"
    tab.ask(f"{track}.dispatchEvent(new Event('ended'))")
    assert tab.notice() == "Your camera is gone. Plug it in again, or choose another one."


def test_where_a_browser_wants_a_click_before_it_plays_there_is_a_button(open_tab: Any) -> None:
    refuse_once = """
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = async function () {
        HTMLMediaElement.prototype.play = play;
        throw new DOMException("", "NotAllowedError");
      };"""
    tab = open_tab("tone", script=refuse_once)
    tab.connect()
    tab.page.get_by_role("button", name="Play").click()
    until(lambda: not tab.ask("call.shadowRoot.getElementById('remote').paused"), 10, "it plays")
    until(lambda: tab.page.get_by_role("button", name="Play").count() == 0, 10, "the button goes")


def test_a_call_can_be_made_and_ended_from_the_keyboard(open_tab: Any) -> None:
    tab = open_tab("echo")
    focus = "getComputedStyle(call.shadowRoot.activeElement).outlineStyle"
    tab.page.keyboard.press("Tab")
    assert tab.ask("call.shadowRoot.activeElement.textContent") == "Connect"
    assert tab.ask(focus) == "solid"
    tab.page.keyboard.press("Enter")
    tab.wait_for_state("live")
    tab.page.keyboard.press("Enter")
    tab.wait_for_state("ended")


def test_the_log_tells_what_was_said_and_what_came_back(open_tab: Any) -> None:
    tab = open_tab("echo")
    tab.connect()
    tab.page.get_by_text("Events").click()
    until(
        lambda: tab.ask("call.send({ type: 'hello' }) ?? true") and "hello" in log(tab),
        5,
        "the server answers",
    )
    assert "Connected" in log(tab)
    assert "ping" not in log(tab)


def log(tab: Tab) -> str:
    return tab.page.get_by_role("log").inner_text()
