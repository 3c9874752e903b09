"""Many callers at once, over each wire, at a real server on loopback."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np
import pytest

from rtstream import Stream
from rtstream.loopback.crowd import webrtc
from rtstream.loopback.crowd.crowd import Crowd, Effort
from rtstream.loopback.crowd.figures import Figures, Trial
from rtstream.loopback.crowd.voice import Voice
from rtstream.loopback.house import House
from rtstream.media.files import Clip
from rtstream.options import Mode
from rtstream_cli import builtins
from tests.conftest import SAMPLE, run
from tests.helpers.ports import port

pytestmark = [pytest.mark.network, pytest.mark.timeout(90)]

PERIOD = 3.0
AT_ONCE = Trial("at once", PERIOD, 0.1)


def voice(trial: Trial = AT_ONCE) -> Voice:
    return Voice(Clip.open(SAMPLE), trial.period)


def stream(handler: Any = builtins.echo, mode: Mode = "send-receive", **options: Any) -> Stream:
    return Stream(handler, modality="audio", mode=mode, **{"concurrency_limit": None, **options})


async def called(crowd: Crowd, calls: int, seconds: float) -> tuple[Effort, Figures]:
    await crowd.begin([0.1 * number for number in range(calls)])
    effort = await crowd.count(seconds)
    return effort, await crowd.end()


@pytest.mark.parametrize("way", ["webrtc", "websocket", "phone", "phone:vonage"])
def test_each_caller_says_it_and_finds_the_answers(way: str) -> None:
    with House(stream()) as house:
        crowd = Crowd(house.url, way, "send-receive", voice(), AT_ONCE)
        effort, figures = run(called(crowd, 2, 0.1), timeout=60)
    assert (figures.calls, figures.refused, figures.gone, figures.errors) == (2, 0, 0, [])
    assert figures.asked >= 2 and figures.delays and figures.sound > 2.0
    assert len(figures.delays) + figures.missed == figures.asked
    assert effort.cores > 0


def test_without_the_inside_of_aiortc_its_own_client_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "can_call", lambda: False)
    with House(stream()) as house:
        crowd = Crowd(house.url, "webrtc", "send-receive", voice(), AT_ONCE)
        _, figures = run(called(crowd, 1, 0.1), timeout=60)
    assert figures.calls == 1 and figures.asked and figures.sound > 1.0


def test_who_listens_to_a_source_hears_it() -> None:
    with House(stream(builtins.tone, "receive")) as house:
        crowd = Crowd(house.url, "webrtc", "receive", voice(), Trial("by itself", PERIOD))
        _, figures = run(called(crowd, 2, 0.1), timeout=60)
    assert figures.delays and figures.sound > 1.0 and figures.asked == 0


def test_what_is_sent_to_a_handler_that_gives_nothing_back_reaches_it() -> None:
    heard: list[int] = []

    def listens(audio: tuple[int, np.ndarray[Any, Any]]) -> None:
        heard.append(audio[1].shape[-1])

    with House(stream(listens, "send")) as house:
        crowd = Crowd(house.url, "webrtc", "send", voice(), Trial("nothing", PERIOD))
        _, figures = run(called(crowd, 1, 0.1), timeout=60)
    assert heard and (figures.calls, figures.gone, figures.sound) == (1, 0, 0)


@pytest.mark.parametrize("way", ["webrtc", "websocket", "phone"])
def test_calls_that_the_server_has_no_place_for_are_counted_as_refused(way: str) -> None:
    with House(stream(concurrency_limit=1)) as house:
        crowd = Crowd(house.url, way, "send-receive", voice(), AT_ONCE)
        _, figures = run(called(crowd, 2, 0.1), timeout=60)
    assert (figures.calls, figures.refused + figures.gone) == (2, 1)
    assert figures.errors


def test_calls_that_the_server_ends_are_counted_as_gone_with_its_reason() -> None:
    with House(stream(time_limit=2.0)) as house:
        crowd = Crowd(house.url, "webrtc", "send-receive", voice(), AT_ONCE)
        _, figures = run(called(crowd, 1, 0.1), timeout=60)
    assert (figures.refused, figures.gone, figures.reasons) == (0, 1, ["time_limit"])


def test_where_nobody_answers_all_calls_are_refused() -> None:
    crowd = Crowd(f"http://127.0.0.1:{port()}", "webrtc", "send-receive", voice(), AT_ONCE)
    _, figures = run(called(crowd, 2, 0.1), timeout=60)
    assert (figures.calls, figures.refused, figures.gone) == (2, 2, 0)
    assert {error["code"] for error in figures.errors} == {"RT5001"}


def test_callers_whose_own_loop_is_held_up_know_that_they_were_late() -> None:
    async def held_up() -> Effort:
        asyncio.get_running_loop().call_later(0.1, time.sleep, 0.2)
        quick = Trial("nothing", 0.1)
        return await Crowd("", "webrtc", "send-receive", voice(quick), quick).count(0.1)

    assert run(held_up()).late > 0.1
