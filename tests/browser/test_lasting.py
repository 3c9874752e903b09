"""How calls last and end: reconnections, reloads, goodbyes, and what is left behind: nothing."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.browser.driving import Server, Tab, until
from tests.helpers.ports import port


def test_a_call_survives_the_death_and_return_of_its_server(open_tab: Any) -> None:
    server = Server(port())
    try:
        tab: Tab = open_tab("audio-send-receive", at=server)
        tab.ask("(window.ids = []) && call.addEventListener('id', ({ detail }) => ids.push(detail.id))")
        tab.connect()
        tab.until_heard()
        tab.ask("(window.mark = 'the same page')")
        server.stop(signal.SIGKILL)
        tab.wait_for_state("reconnecting", seconds=10)
        assert tab.ask("part('state').textContent") == "Connection lost, trying again…"
        server.start()
        tab.wait_for_state("live", seconds=20)
        tab.until_heard()
        assert tab.ask("window.mark") == "the same page"
        assert len(set(tab.ask("ids.slice(-1).concat(ids[0])"))) == 2, "a new connection has a new id"
        assert tab.ask("call.webrtcId === ids.at(-1)")
        assert server.live() == 1
    finally:
        server.stop()


def test_a_page_that_is_loaded_again_while_its_server_is_gone_goes_on_by_itself(open_tab: Any) -> None:
    server = Server(port())
    try:
        tab: Tab = open_tab("audio-receive", at=server)
        tab.connect()
        server.stop(signal.SIGTERM)
        tab.wait_for_state("reconnecting", seconds=10)
        server.start()
        tab.page.reload()
        tab.wait_for_state("live", seconds=20)
        tab.click("Disconnect")
        tab.page.reload()
        assert tab.ask("call.state") == "idle", "a call that was ended stays so"
    finally:
        server.stop()


@pytest.mark.alone
def test_closing_the_tab_frees_its_place_within_a_second(open_tab: Any, server: Server) -> None:
    tab: Tab = open_tab("one")
    tab.connect()
    assert server.live() == 1
    tab.close()
    until(lambda: server.live() == 0, 1.0, "the place is free")


@pytest.mark.alone
@pytest.mark.parametrize("by", ["call.remove()", "location.assign('/bare')"])
def test_leaving_frees_the_place_within_a_second(open_tab: Any, server: Server, by: str) -> None:
    tab: Tab = open_tab("one")
    tab.connect()
    tab.ask(by)
    until(lambda: server.live() == 0, 1.0, "the place is free")
    until(lambda: tab.ask("document.readyState") == "complete", 10, "the page is another, or the same")


def test_an_element_that_is_moved_within_the_page_goes_on(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-receive")
    tab.connect()
    tab.ask("document.body.append(call)")
    tab.until_heard()
    assert tab.ask("call.state") == "live"


@pytest.mark.alone
@pytest.mark.timeout(150)
def test_fifty_reloads_leave_no_session_behind(open_tab: Any, server: Server) -> None:
    """On a stream for one: each call can only be made because the one before it has gone."""
    tab: Tab = open_tab("radio")
    for _ in range(50):
        tab.ask("call.start() && null")
        tab.wait_for_state("live")
        tab.page.reload()
        until(lambda: server.live() == 0, 2.0, "the place is free")


def test_an_answer_that_leads_nowhere_is_helped_by_the_pages_own_candidates(open_tab: Any) -> None:
    hide = """
      const remote = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = function (answer) {
        return remote.call(this, { type: answer.type, sdp: answer.sdp.replace(/a=candidate.*\\r\\n/g, "") });
      };"""
    tab: Tab = open_tab("audio-send-receive", script=hide)
    tab.connect()
    tab.until_heard()
    posts = [path for path in tab.paths() if path.endswith("webrtc/offer")]
    assert 2 <= len(posts) <= 4, "all candidates that there are go in one request"


def test_a_page_asks_for_nothing_but_itself_and_an_answer(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-send-receive")
    tab.connect()
    tab.until_heard()
    root = "/audio-send-receive"
    assert tab.paths()[:3] == [f"{root}/", f"{root}/rt-stream.js", f"{root}/webrtc/offer"]
    assert set(tab.paths()[3:]) <= {f"{root}/webrtc/offer"}, "candidates, where it is slow to connect"


def test_a_function_for_the_ice_servers_is_asked_at_each_connection(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-receive")
    tab.connect()
    assert "/audio-receive/webrtc/config" in tab.paths()


EMBEDDED = """(async () => {
  const text = await (await fetch("/audio-receive/rt-stream.js")).text();
  call.remove();
  new Function("element", text)(); // as a Gradio page does, and a second time at that
  const other = document.body.appendChild(document.createElement("rt-stream"));
  window.bodies = [];
  other.signal = async (body) => {
    bodies.push(body.type);
    const about = { method: "POST", headers: { "content-type": "application/json" } };
    return (await fetch("/audio-receive/webrtc/offer", { ...about, body: JSON.stringify(body) })).json();
  };
  other.config = { modality: "audio", mode: "receive", rtc_configuration: async () => ({ iceServers: [] }) };
  other.start();
})()"""


def test_the_element_can_be_inlined_and_signal_its_own_way(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-receive")
    tab.page.goto(f"{tab.server.url}/bare")
    tab.ask(EMBEDDED)
    tab.wait_for_state("live")
    tab.until_heard()
    assert tab.ask("bodies[0]") == "offer"
    tab.ask("(call.signal = async () => undefined) && call.stop() || call.start() && null")
    tab.wait_for_state("failed")
    assert tab.notice().startswith("The server does not answer.")
