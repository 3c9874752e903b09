"""A stream in a Gradio page: media, inputs, outputs, errors, text, and Blocks of the user's own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.driving import LOUD, UNCAUGHT, Browser, Server, Tab, finish, until
from tests.browser.test_cells import PIXEL, is_blue, is_red
from tests.conftest import REPOSITORY
from tests.helpers.ports import port

pytest.importorskip("gradio")
pytestmark = pytest.mark.timeout(180)  # the first test starts the server, which loads Gradio

MODALITIES = ["audio", "video", "audio-video"]

# What is in the page beside the element: found by its label, as people find it.
HELP = """
  const all = (selector) => [...document.querySelectorAll(selector)];
  const caption = "[data-testid=block-info], [data-testid=block-label], span";
  const labelled = (label) =>
    all("label, .block").find((one) => one.querySelector(caption)?.textContent.trim() === label);
  const value = (label) => labelled(label)?.querySelector("input, textarea")?.value ?? "";
  const set = (label, value) => {
    const field = labelled(label).querySelector("input[type=number], textarea, input");
    const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value");
    own.set.call(field, value);
    const names = ["input", "change", "pointerup", "blur"];
    names.forEach((name) => field.dispatchEvent(new Event(name, { bubbles: true })));
  };
  const press = (words) => all("button").find((one) => one.textContent.trim() === words).click();
  const said = (selector) => all(selector).map((one) => one.innerText.trim()).join(", ");
  const toasts = () => said("[data-testid=toast-body]");
  const chat = () => said("[data-testid=user], [data-testid=bot]");
"""


SIZE = "() => [document.body.scrollHeight, document.querySelectorAll('*').length]"
AT_REST = 6  # looks at a page, 50 ms apart, between which nothing has changed


class GradioServer(Server):
    """The program `gradio_pages` beside this module."""

    def __init__(self, port: int, *names: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "tests.browser.gradio_pages", str(port), *names]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers: to load Gradio takes its time."""
        self._process = subprocess.Popen(self._command, cwd=REPOSITORY)
        until(self._answers, 100, "the server answers")

    def gains(self) -> list[tuple[float, float]]:
        with urllib.request.urlopen(f"{self.url}/gains") as answer:
            return [(gain, at) for gain, at in json.load(answer)]


class GradioTab(Tab):
    """A Gradio page of one stream."""

    def __init__(self, page: Any, server: Server, stream: str) -> None:
        super().__init__(page, server, stream)
        self.until_there()

    def connect(self, state: str = "live") -> None:
        """Click on "Connect", and wait until the call is in a state.

        Gradio may still move the page when it seems at rest: who has clicked beside the button clicks again.
        """
        for _ in range(3):
            self.click("Connect")
            try:
                until(lambda: self.ask("call.state") != "idle", 3, "the button was hit")
                break
            except AssertionError:
                pass
        self.wait_for_state(state)

    def until_there(self) -> None:
        """Wait until the page is put together and at rest."""
        until(
            lambda: self.page.run("() => Boolean(document.querySelector('rt-stream')?.state)"),
            20,
            "it is there",
        )
        seen: list[Any] = [self.page.run(SIZE)]
        while len(seen) < AT_REST or any(size != seen[-1] for size in seen[-AT_REST:]):
            time.sleep(0.05)
            seen.append(self.page.run(SIZE))

    def ask(self, expression: str) -> Any:
        return self.page.run(
            f"async () => {{ {HELP} const call = document.querySelector('rt-stream');"
            " const part = (id) => call.shadowRoot.getElementById(id);"
            f" return {expression}; }}"
        )

    def until_says(self, expression: str, words: str, seconds: float = 10) -> str:
        """Wait until an expression of the page matches a pattern, and return what it is."""
        said: list[str] = [""]

        def matches() -> bool:
            said[0] = str(self.ask(expression))
            return re.search(words, said[0]) is not None

        until(matches, seconds, f"{expression} says {words!r}, not {said[0]!r}")
        return said[0]


@pytest.fixture(scope="module")
def gradio() -> Iterator[GradioServer]:
    server = GradioServer(port())
    yield server
    server.stop()


@pytest.fixture
def open_gradio(
    request: pytest.FixtureRequest, browser: Browser, gradio: GradioServer
) -> Iterator[Callable[..., GradioTab]]:
    """Opens a Gradio page; keeps a screenshot of it, and fails when it leaves a connection behind."""
    tabs: list[GradioTab] = []

    def open_(name: str, script: str = "", size: tuple[int, int] = (1100, 900)) -> GradioTab:
        tabs.append(GradioTab(browser.open(UNCAUGHT + script, size), gradio, name))
        return tabs[-1]

    yield open_
    finish(tabs, gradio, request.node.name, "gradio-")


@pytest.mark.parametrize("modality", MODALITIES)
def test_send_receive_brings_back_what_the_handler_made_of_it(open_gradio: Any, modality: str) -> None:
    tab: GradioTab = open_gradio(f"{modality}-send-receive")
    tab.connect()
    if "audio" in modality:
        tab.until_heard("in")
        tab.until_heard("out")
    if "video" in modality:
        until(lambda: (seen := tab.ask(PIXEL)) and is_red(seen[0]), 10, "the sky is red")
        assert tab.ask("part('self').videoWidth") > 0


@pytest.mark.parametrize("modality", MODALITIES)
def test_send_reaches_the_handler(open_gradio: Any, gradio: GradioServer, modality: str) -> None:
    name = f"{modality}-send"
    tab: GradioTab = open_gradio(name)
    tab.connect()
    if "audio" in modality:
        until(lambda: gradio.seen(name)[0]["loudest"] > 300, 10, "the handler hears sound, not silence")
    if "video" in modality:
        until(lambda: gradio.seen(name)[0]["brightest"] > 20, 10, "the handler sees pictures, not black")
    assert tab.level()["out"] == 0


@pytest.mark.parametrize("modality", MODALITIES)
def test_receive_plays_without_asking_for_a_device(open_gradio: Any, modality: str) -> None:
    never = "navigator.mediaDevices.getUserMedia = () => { throw Error('asked') };"
    tab: GradioTab = open_gradio(f"{modality}-receive", script=never)
    tab.connect()
    if "audio" in modality:
        tab.until_heard()
    if "video" in modality:
        until(lambda: (seen := tab.ask(PIXEL)) and is_blue(seen[0]), 10, "the picture is blue")


def test_a_slider_reaches_the_handler_while_it_runs(open_gradio: Any, gradio: GradioServer) -> None:
    tab: GradioTab = open_gradio("everything")
    tab.connect()
    tab.until_heard()
    until(lambda: gradio.gains()[-1][0] == 1, 5, "the slider's own value is there first")
    tab.ask("set('Gain', 0)")
    until(lambda: tab.level()["out"] < LOUD / 10, 5, "it is silent")
    tab.ask("set('Gain', 2)")
    tab.until_heard()
    assert [gain for gain, _ in gradio.gains()][-2:] == [0, 2]


def test_outputs_reach_number_textbox_and_chatbot_again_and_again(open_gradio: Any) -> None:
    tab: GradioTab = open_gradio("everything")
    tab.connect()
    tab.until_says("value('What')", "^at gain 1$")
    assert tab.until_says("chat()", "gain") == "gain 1"
    first = float(tab.ask("value('When')"))
    until(lambda: float(tab.ask("value('When')")) > first + 3000, 15, "they go on")


def test_a_handlers_error_is_shown_as_a_toast_and_the_call_goes_on(open_gradio: Any) -> None:
    tab: GradioTab = open_gradio("everything")
    tab.connect()
    tab.until_heard()
    tab.ask("set('Gain', 9.5)")
    tab.until_says("toasts()", "Gain 9.5 is too loud")
    tab.ask("set('Gain', 1)")
    tab.until_heard()
    assert tab.ask("call.state") == "live"
    assert tab.notice() == "", "and nowhere else"


def test_two_people_at_once_have_their_own_inputs_and_outputs(open_gradio: Any) -> None:
    one, two = open_gradio("everything"), open_gradio("everything")
    two.ask("set('Gain', 2)")
    one.connect()
    two.connect()
    one.until_says("value('What')", "^at gain 1$")
    two.until_says("value('What')", "^at gain 2$")
    one.ask("set('Gain', 3)")
    one.until_says("value('What')", "^at gain 3$")
    assert two.ask("value('What')") == "at gain 2"


def test_a_full_house_is_told_as_a_toast_with_its_reason(open_gradio: Any) -> None:
    first, second = open_gradio("one"), open_gradio("one")
    first.connect()
    second.connect(state="failed")
    second.until_says("toasts()", "All places are taken right now")


def test_routes_and_page_share_one_limit(open_gradio: Any, gradio: GradioServer) -> None:
    tab: GradioTab = open_gradio("one")
    tab.connect()
    offer = tab.page.run("""async () => {
      const peer = new RTCPeerConnection();
      peer.addTransceiver("audio");
      await peer.setLocalDescription();
      const body = { type: "offer", sdp: peer.localDescription.sdp, webrtc_id: "by route" };
      const answer = await fetch("/api/one/webrtc/offer",
        { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      return [answer.status, (await answer.json()).meta.error];
    }""")
    assert offer == [503, "concurrency_limit_reached"]


@pytest.mark.alone
def test_closing_the_tab_frees_the_session_within_a_second(open_gradio: Any, gradio: GradioServer) -> None:
    tab: GradioTab = open_gradio("everything")
    tab.connect()
    tab.until_says("value('What')", "^at gain 1$")
    assert gradio.live() == 1
    tab.close()
    until(lambda: gradio.live() == 0, 1.0, "the place is free")


@pytest.mark.alone
def test_a_page_that_reloads_leaves_no_session(open_gradio: Any, gradio: GradioServer) -> None:
    tab: GradioTab = open_gradio("everything")
    for _ in range(3):
        tab.connect()
        tab.page.reload()
        tab.until_there()
    until(lambda: gradio.live() == 0, 2.0, "the places are free")


@pytest.mark.timeout(300)
def test_a_call_survives_the_death_and_return_of_its_server_on_the_same_page(browser: Browser) -> None:
    """Gradio loads a page anew that sends an event to a dead server; the component sends none meanwhile."""
    server = GradioServer(port(), "audio-send-receive")
    tab = GradioTab(browser.open(UNCAUGHT, (1100, 900)), server, "audio-send-receive")
    try:
        tab.connect()
        tab.until_heard()
        tab.ask("(window.mark = 'the same page')")
        server.stop(signal.SIGKILL)
        tab.wait_for_state("reconnecting", seconds=15)
        server.start()
        tab.wait_for_state("live", seconds=30)
        tab.until_heard()
        assert tab.ask("window.mark") == "the same page"
    finally:
        tab.close()
        server.stop()


def test_text_is_answered_without_a_microphone_and_speech_goes_on_from_there(
    open_gradio: Any, gradio: GradioServer
) -> None:
    ask = """
      const ask = navigator.mediaDevices.getUserMedia;
      navigator.mediaDevices.getUserMedia = (...given) => {
        window.asked = true;
        return ask.call(navigator.mediaDevices, ...given);
      };"""
    tab: GradioTab = open_gradio("texting", script=ask)
    write(tab, "hello")
    tab.until_says("chat()", "hello, HELLO")
    write(tab, "and again")
    tab.until_says("chat()", "hello, HELLO, and again, AND AGAIN")
    assert not tab.page.run("() => window.asked ?? false")
    tab.click("Speak")
    tab.wait_for_state("live")
    tab.until_heard("in")
    assert tab.page.run("() => window.asked")
    write(tab, "in the midst")
    tab.until_says("chat()", "AND AGAIN, in the midst, IN THE MIDST")
    assert gradio.live() == 1


def write(tab: GradioTab, text: str) -> None:
    tab.ask(f"part('text').value = {json.dumps(text)}")
    tab.click("Send")


def test_inputs_may_wait_for_a_button(open_gradio: Any, gradio: GradioServer) -> None:
    tab: GradioTab = open_gradio("button")
    tab.connect()
    tab.until_heard()
    tab.ask("set('Gain', 0)")
    time.sleep(0.5)  # nothing is to happen
    assert gradio.gains()[-1][0] == 1
    tab.ask("press('Send')")
    until(lambda: gradio.gains()[-1][0] == 0, 5, "it is sent")


@pytest.mark.alone
def test_a_button_of_ones_own_starts_a_call_again_and_again(open_gradio: Any, gradio: GradioServer) -> None:
    tab: GradioTab = open_gradio("own")
    for _ in range(2):
        tab.ask("press('Play')")
        tab.wait_for_state("live")
        tab.until_heard()
        tab.until_says("value('Log')", "started")
        tab.click("Disconnect")
        tab.until_says("value('Log')", "stopped")
        until(lambda: gradio.live() == 0, 2, "the place is free")


def test_an_event_of_ones_own_is_given_the_connections_id(open_gradio: Any) -> None:
    tab: GradioTab = open_gradio("own")
    tab.connect()
    assert tab.until_says("value('Id')", "^[0-9a-f]{32}$") == tab.ask("call.webrtcId")


def test_a_component_that_was_changed_goes_on_and_can_be_called_again(open_gradio: Any) -> None:
    """Each `gr.update` has Gradio make a copy of the component for its page, which then answers it."""
    tab: GradioTab = open_gradio("own")
    tab.connect()
    tab.until_heard()
    tab.ask("press('Change')")
    until(lambda: tab.ask("call.config.time_limit") == 77, 10, "it is changed")
    assert tab.ask("call.state") == "live"
    tab.click("Disconnect")
    tab.connect()
    tab.until_heard()


def test_a_component_that_is_hidden_hangs_up(open_gradio: Any, gradio: GradioServer) -> None:
    tab: GradioTab = open_gradio("own")
    tab.connect()
    tab.ask("press('Hide')")
    until(lambda: gradio.live() == 0, 3, "the place is free")


def test_the_looks_of_ui_args_reach_the_page(open_gradio: Any) -> None:
    tab: GradioTab = open_gradio("everything")
    assert tab.ask("document.title") == "A title"
    assert tab.ask("document.querySelector('h1').textContent") == "A title"
    assert "and what is below it" in tab.ask("document.body.innerText")
    assert tab.ask("part('call').querySelector('img').src").startswith("data:image/svg+xml")
    assert tab.ask("getComputedStyle(part('call')).backgroundColor") == "rgb(0, 80, 0)"
    plain: GradioTab = open_gradio("texting")
    assert plain.ask("document.querySelector('h1')") is None


def test_nothing_is_asked_of_anybody_else(open_gradio: Any, gradio: GradioServer) -> None:
    tab: GradioTab = open_gradio("everything")
    tab.connect()
    tab.until_heard()
    names = tab.ask("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert [name for name in names if not name.startswith((gradio.url, "data:", "blob:"))] == []
