"""What goes wrong is said in the page, in words for a person: what happened and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.driving import Server, Tab, until
from tests.browser.pages import TIME_LIMIT

MEDIA = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '%s') };"
INSECURE = (
    "Browsers give out a microphone only over https or on localhost. "
    "Open this page there: rtstream serve --https."
)
UNREACHABLE = "The server does not answer. Check that it runs and that you are online, then connect again."
PREVENTED = {
    "denied": (
        MEDIA % "NotAllowedError",
        "This page may not use your microphone. Allow it beside the address bar, then connect again.",
    ),
    "no device": (MEDIA % "NotFoundError", "No microphone was found. Plug one in, then connect again."),
    "a busy device": (
        MEDIA % "NotReadableError",
        "Another program holds your microphone. Close that program, then connect again.",
    ),
    "something new": (MEDIA % "NewError", "Your microphone cannot be opened: NewError."),
    "insecure": ("Object.defineProperty(navigator, 'mediaDevices', { value: undefined });", INSECURE),
    "unreachable": ("window.fetch = async () => { throw new TypeError('network') };", UNREACHABLE),
    "a proxy's page": (
        "window.fetch = async () => new Response('<h1>502</h1>', { status: 502 });",
        UNREACHABLE,
    ),
}


@pytest.mark.parametrize(("script", "words"), PREVENTED.values(), ids=PREVENTED.keys())
def test_what_prevents_a_call_is_said_in_words(open_tab: Any, script: str, words: str) -> None:
    tab: Tab = open_tab("audio-send-receive", script=script)
    tab.connect(state="failed")
    assert tab.notice() == words
    assert tab.shows("Connect")


def test_no_camera_is_said_in_words(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-video-send", script=MEDIA % "NotFoundError")
    tab.connect(state="failed")
    assert tab.notice() == "No microphone or camera was found. Plug one in, then connect again."


def test_a_relay_that_does_not_answer_is_named(open_tab: Any) -> None:
    tab: Tab = open_tab("relay")
    tab.connect(state="failed")
    assert tab.notice() == (
        "The relay 127.0.0.1:4789 does not answer, and there is no other way to the server. "
        "Try another network, or tell whoever runs this page."
    )


def test_a_full_house_is_said_in_words_and_takes_the_next_who_comes(open_tab: Any, server: Server) -> None:
    first: Tab = open_tab("one")
    second: Tab = open_tab("one")
    first.connect()
    second.connect(state="failed")
    assert second.notice() == "All places are taken right now. Try again in a little while."
    first.click("Disconnect")
    until(lambda: server.live() == 0, 5, "the place is free")
    second.connect()
    assert second.notice() == ""


def test_a_handlers_words_are_shown_and_the_call_goes_on(open_tab: Any) -> None:
    tab: Tab = open_tab("loud")
    tab.connect()
    until(lambda: tab.notice() == "Gain 9.5 is too loud.", 10, "the error is shown")
    tab.until_heard()
    tab.click("Dismiss")
    assert tab.notice() == ""
    assert tab.ask("call.state") == "live"


def test_a_handlers_fault_is_shown_with_what_to_do(open_tab: Any) -> None:
    tab: Tab = open_tab("broken")
    tab.connect()
    until(lambda: tab.notice() != "", 10, "the error is shown")
    assert tab.notice() == (
        "The model file is not there. Mend the handler; the connection goes on with the next frame."
    )
    until(lambda: "FileNotFoundError at" in tab.log(), 10, "the log has the place")
    assert tab.ask("call.state") == "live"


def test_a_warning_and_an_end_by_the_handler_are_told(open_tab: Any) -> None:
    tab: Tab = open_tab("warned")
    tab.ask("(window.told = []) && ['warning', 'info'].forEach((tone) =>"
            " call.addEventListener(tone, ({ detail }) => told.push([tone, detail.words])))")  # fmt: skip
    tab.connect(state="ended")
    assert tab.notice() == "The other side ended the call."
    assert tab.ask("told") == [["warning", "The line is thin."], ["info", "The other side ended the call."]]


def test_an_embedder_may_tell_it_its_own_way(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-send", script=MEDIA % "NotFoundError")
    tab.ask("call.addEventListener('error', (event) => event.preventDefault())")
    tab.connect(state="failed")
    assert tab.notice() == ""


@pytest.mark.alone
def test_the_end_of_ones_time_is_said_in_words(open_tab: Any, server: Server) -> None:
    tab: Tab = open_tab("timed")
    tab.connect()
    tab.wait_for_state("ended", seconds=TIME_LIMIT + 5)
    assert tab.notice() == "Your time is up. Connect again to go on."
    assert "of 0:01" in tab.ask("part('time').textContent")
    until(lambda: server.seen("timed") == [], 1, "the place is free")


def test_a_camera_that_goes_away_is_said_in_words(open_tab: Any) -> None:
    tab: Tab = open_tab("video-send")
    tab.connect()
    tab.ask("part('self').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    assert tab.notice() == "Your camera is gone. Plug it in again, or choose another one."


def test_where_a_browser_wants_a_click_before_it_plays_there_is_a_button(open_tab: Any) -> None:
    refuse_once = """
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = async function () {
        HTMLMediaElement.prototype.play = play;
        throw new DOMException("", "NotAllowedError");
      };"""
    tab: Tab = open_tab("audio-receive", script=refuse_once)
    tab.connect()
    tab.click("Play")
    until(lambda: not tab.ask("part('remote').paused"), 10, "it plays")
    until(lambda: not tab.shows("Play"), 10, "the button goes")
