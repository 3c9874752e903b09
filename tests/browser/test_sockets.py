"""A page that calls over a WebSocket, whose messages a browser compresses (RFC 7692)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rtstream.media.g711 import ulaw_decode, ulaw_encode
from tests.browser.driving import Tab
from tests.unit.signals import pitch, tone

RATE = 48_000  # of what is said, as a plain function hears it
CALL = """() => new Promise((ended) => {
  const sound = atob("%s");
  const line = new WebSocket(`ws://${location.host}/audio-send-receive/websocket/offer`);
  const heard = [], told = [];
  line.onopen = () => {
    const say = (message) => line.send(JSON.stringify(message));
    say({ event: "start", websocket_id: crypto.randomUUID() });
    for (let at = 0; at < sound.length; at += 960)
      say({ event: "media", media: { payload: btoa(sound.slice(at, at + 960)) } });
    say({ event: "ping" });
  };
  line.onmessage = ({ data }) => {
    const { event, media } = JSON.parse(data);
    if (event !== "media") told.push(event);
    else if (heard.push(media.payload) === 45) line.close(1000);
  };
  line.onclose = ({ code, wasClean }) => ended({ heard, told, code, wasClean, extensions: line.extensions });
})"""


def test_a_page_calls_over_a_socket_and_hears_its_echo(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-send-receive")
    said = base64.b64encode(ulaw_encode(tone(440, 1.0, RATE))).decode()
    ended = tab.page.run(CALL % said)
    heard = ulaw_decode(b"".join(base64.b64decode(piece) for piece in ended["heard"]))
    assert pitch(heard, RATE) == pytest.approx(440, abs=5)
    assert "permessage-deflate" in ended["extensions"]
    assert ended["told"] == ["pong"]
    assert ended["code"] == 1000 and ended["wasClean"]
