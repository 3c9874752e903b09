"""All nine cells of modality and mode carry their media, and no other, both ways as they should."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.driving import LOUD, Server, Tab, until

PIXEL = """(() => {
  const video = part("remote"), canvas = document.createElement("canvas");
  if (!video.videoWidth) return null;
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0);
  const at = (height) => [...pen.getImageData(canvas.width / 2, canvas.height * height, 1, 1).data];
  return [at(0.1).slice(0, 3), at(0.6).slice(0, 3)];
})()"""

MODALITIES = ["audio", "video", "audio-video"]


def is_red(pixel: list[int]) -> bool:
    return pixel[0] > 200 and pixel[1] < 60 and pixel[2] < 60


def is_blue(pixel: list[int]) -> bool:
    return pixel[2] > 200 and pixel[0] < 60 and pixel[1] < 60


@pytest.mark.parametrize("modality", MODALITIES)
def test_send_receive_brings_back_what_the_handler_made_of_it(open_tab: Any, modality: str) -> None:
    tab: Tab = open_tab(f"{modality}-send-receive")
    tab.connect()
    if "audio" in modality:
        tab.until_heard("in")
        tab.until_heard("out")
        until(lambda: tab.ask("part('remote').currentTime") > 0, 10, "it is played aloud")
    if "video" in modality:
        until(lambda: (seen := tab.ask(PIXEL)) and is_red(seen[0]), 10, "the sky is red")
        assert not is_red(tab.ask(PIXEL)[1]), "below it is the camera's picture"
        assert tab.ask("part('self').videoWidth") > 0


@pytest.mark.parametrize("modality", MODALITIES)
def test_send_reaches_the_handler_and_shows_the_sender_himself(
    open_tab: Any, server: Server, modality: str
) -> None:
    name = f"{modality}-send"
    tab: Tab = open_tab(name)
    tab.connect()
    until(lambda: server.seen(name)[0]["frames"] > 5, 10, "the handler hears or sees")
    if "audio" in modality:
        until(lambda: server.seen(name)[0]["loudest"] > 300, 10, "the handler hears sound, not silence")
    if "video" in modality:
        until(lambda: server.seen(name)[0]["brightest"] > 20, 10, "the handler sees pictures, not black")
        assert tab.ask("part('self').videoWidth") > 0
    assert not tab.ask("part('remote').checkVisibility()")
    assert tab.level()["out"] == 0


@pytest.mark.parametrize("modality", MODALITIES)
def test_receive_plays_without_asking_for_a_device(open_tab: Any, modality: str) -> None:
    never = "navigator.mediaDevices.getUserMedia = () => { throw Error('asked') };"
    tab: Tab = open_tab(f"{modality}-receive", script=never)
    tab.connect()
    if "audio" in modality:
        tab.until_heard()
    if "video" in modality:
        until(lambda: (seen := tab.ask(PIXEL)) and is_blue(seen[0]), 10, "the picture is blue")
    until(lambda: tab.ask("part('remote').currentTime") > 0, 10, "it is played aloud")
    assert tab.level()["in"] < LOUD
    assert not tab.shows("Mute") and not tab.shows("Hide camera")
