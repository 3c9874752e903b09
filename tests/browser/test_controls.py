"""What a person can do in a call: mute, switch, hold to talk, look at figures, set inputs, read outputs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.driving import LOUD, Server, Tab, until


@pytest.fixture
def call(open_tab: Any) -> Tab:
    """A live echo that is heard."""
    tab: Tab = open_tab("audio-send-receive")
    tab.connect()
    tab.until_heard()
    return tab


def until_silent(tab: Tab, way: str = "out") -> None:
    until(lambda: tab.level()[way] < LOUD / 10, 10, f"nothing is heard {way}")


def test_a_muted_microphone_sends_silence_and_goes_on_when_asked(call: Tab) -> None:
    call.click("Mute")
    until_silent(call)
    call.click("Unmute")
    call.until_heard()


def test_a_silenced_reply_is_not_played_and_goes_on_when_asked(call: Tab) -> None:
    call.click("Silence reply")
    assert call.ask("part('remote').muted")
    call.click("Hear reply")
    assert not call.ask("part('remote').muted")


def test_held_to_talk_the_microphone_is_heard_only_while_the_button_is_held(call: Tab) -> None:
    call.click("Push to talk")
    until_silent(call)
    assert not call.shows("Mute")
    at = call.place("Hold to talk")
    call.page.press(*at)
    call.until_heard()
    call.page.release(*at)
    until_silent(call)


def test_who_ticks_push_to_talk_by_keyboard_can_talk_by_the_space_bar_at_once(call: Tab) -> None:
    call.ask("part('push').focus()")
    call.key(" ")
    until_silent(call)
    call.page.key_down(" ")
    call.until_heard()
    call.page.key_up(" ")
    until_silent(call)
    assert call.ask("part('push').checked") and call.ask("call.state") == "live"


def test_held_to_talk_the_space_bar_is_the_button_too(call: Tab) -> None:
    call.ask("call.pushToTalk(true) ?? call.shadowRoot.activeElement.blur()")
    until_silent(call)
    call.page.key_down(" ")
    call.until_heard()
    call.page.key_up(" ")
    until_silent(call)


def test_a_hidden_camera_sends_black(open_tab: Any) -> None:
    tab: Tab = open_tab("video-send-receive")
    tab.connect()
    track = "part('self').srcObject.getVideoTracks()[0].enabled"
    tab.click("Hide camera")
    assert not tab.ask(track)
    tab.click("Show camera")
    assert tab.ask(track)


def test_a_camera_is_switched_while_the_call_goes_on(
    open_tab: Any, server: Server, in_chromium: bool
) -> None:
    tab: Tab = open_tab("video-send")
    tab.connect()
    cameras = "[...part('pick-video').options].map(({ value }) => value)"
    until(lambda: len(tab.ask(cameras)) == (3 if in_chromium else 1), 10, "all cameras are named")
    before = tab.ask("part('self').srcObject.getVideoTracks()[0].id")
    last = tab.ask(cameras)[-1]  # the second of chromium's is of a format that it does not encode
    tab.ask(f"call.switchDevice('video', {last!r})")
    assert tab.ask("part('self').srcObject.getVideoTracks()[0].id") != before
    assert tab.ask("part('pick-video').value") == last
    (seen,) = server.seen("video-send")
    until(lambda: server.seen("video-send")[0]["frames"] > seen["frames"] + 10, 10, "the server sees it")
    assert tab.ask("call.state") == "live"


def test_a_speaker_is_chosen_where_the_browser_can(call: Tab) -> None:
    speakers = "[...part('pick-speaker').options].map(({ value }) => value)"
    until(lambda: tab_has(call, speakers), 10, "the speakers are named")
    chosen = call.ask(speakers)[-1]
    call.ask(f"call.switchDevice('speaker', {chosen!r})")
    assert call.ask("part('remote').sinkId") == chosen
    call.ask("call.switchDevice('speaker', 'no such one')")
    assert call.notice() == "That speaker cannot be used. Choose another one."


def tab_has(tab: Tab, expression: str) -> bool:
    return len(tab.ask(expression)) > 0


def test_the_picture_can_fill_the_screen(open_tab: Any) -> None:
    tab: Tab = open_tab("video-receive")
    tab.connect()
    tab.click("Full screen")
    until(lambda: tab.ask("document.fullscreenElement === call"), 10, "it fills the screen")
    until(lambda: tab.shows("Leave full screen"), 10, "the button leads back")
    tab.click("Leave full screen")
    until(lambda: tab.ask("document.fullscreenElement === null"), 10, "it is as before")


def test_time_and_statistics_are_told(call: Tab) -> None:
    call.click("Statistics")
    until(lambda: "Round trip" in call.ask("part('stats').textContent"), 10, "the statistics are there")
    until(lambda: call.ask("part('time').textContent") != "0:00", 10, "time goes by")
    stats = call.ask("call.stats()")
    assert 0 < stats["roundTrip"] < 2 and 0 <= stats["loss"] <= 1 and stats["jitter"] >= 0
    assert stats["latency"] >= stats["roundTrip"] / 2
    assert stats["sent"] > 1000 and stats["received"] > 1000


def test_the_log_tells_what_was_said_and_what_came_back(call: Tab) -> None:
    until(lambda: call.ask("call.send({ type: 'hello' }) ?? true") and "hello" in call.log(), 5, "an answer")
    assert "Connected" in call.log()
    assert "ping" not in call.log()


def test_a_call_can_be_made_and_ended_from_the_keyboard(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-receive")
    tab.key("Tab")
    assert tab.ask("call.shadowRoot.activeElement.textContent") == "Connect"
    assert tab.ask("getComputedStyle(call.shadowRoot.activeElement).outlineStyle") == "solid"
    tab.key("Enter")
    tab.wait_for_state("live")
    tab.key("Enter")
    tab.wait_for_state("ended")


# Additional inputs and outputs.


SET = """(() => {
  const [gain, name, on, voice] = part("inputs").querySelectorAll("input, select");
  Object.assign(gain, { value: "0.5" }), Object.assign(name, { value: "Grace" });
  on.checked = true, voice.value = "1";
  voice.dispatchEvent(new Event("input", { bubbles: true }));
})()"""


def shown(tab: Tab) -> str:
    return str(tab.ask("part('shown').textContent"))


def test_controls_of_the_inputs_reach_the_handler_and_its_outputs_the_page(open_tab: Any) -> None:
    tab: Tab = open_tab("louder")
    tab.connect()
    until(lambda: "1Adatruelow" in shown(tab), 10, "the first values came there and back")
    tab.ask(SET)
    until(lambda: "0.5Gracetruehigh" in shown(tab), 10, "the new values came there and back")
    assert tab.ask("part('inputs').querySelector('output').value") == "0.5"
    tab.ask("call.setInputs([9, 'x', true, 'low'])")
    until(lambda: tab.notice() != "", 10, "what does not fit is told")
    assert tab.notice() == "The input `Gain` cannot be 9. Send a number from 0 up to 2."


def test_outputs_are_shown_as_they_come_and_chats_as_chats(open_tab: Any) -> None:
    tab: Tab = open_tab("clock")
    tab.connect()
    until(lambda: "Time to <b>talk</b>" in shown(tab), 10, "the chat is there, and no markup")
    until(lambda: "array of shape (480, 640)" in shown(tab), 10, "and what JSON has no word for")
    assert '"nothing": null' in shown(tab)
    assert tab.ask("part('chat').querySelector('.user').textContent") == "What time is it?"


def test_what_is_typed_is_given_to_the_embedder(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-receive")
    tab.ask("call.addEventListener('submit', ({ detail }) => { window.typed = detail.text; })")
    assert not tab.shows("Your message")
    tab.ask("(call.config = { variant: 'textbox' })")
    tab.click("Your message")
    for letter in "hi":
        tab.key(letter)
    tab.key("Enter")
    assert tab.ask("window.typed") == "hi"
    assert tab.ask("part('text').value") == ""
