"""The arguments of `Stream`, checked with words that say what to do."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from rtstream import Stream
from rtstream.errors import OptionError
from rtstream.media.opus import OpusOptions
from rtstream.media.video import VideoOptions


def stream(**options: Any) -> Stream:
    return Stream(lambda frame: frame, **{"modality": "audio", **options})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "both"}, "`mode` is 'both'"),
        ({"mode": None}, "`mode` is None"),
        ({"modality": "smell"}, "`modality` is 'smell'"),
        ({"concurrency_limit": 0}, "`concurrency_limit` is 0"),
        ({"concurrency_limit": -1}, "`concurrency_limit` is -1"),
        ({"concurrency_limit": 1.5}, "`concurrency_limit` is 1.5"),
        ({"concurrency_limit": True}, "`concurrency_limit` is True"),
        ({"concurrency_limit": "many"}, "`concurrency_limit` is 'many'"),
        ({"time_limit": 0}, "`time_limit` is 0"),
        ({"time_limit": -1}, "`time_limit` is -1"),
        ({"time_limit": float("nan")}, "`time_limit` is nan"),
        ({"time_limit": "long"}, "`time_limit` is 'long'"),
        ({"time_limit": True}, "`time_limit` is True"),
        ({"rtp_params": "x"}, "`rtp_params` is 'x'"),
        ({"rtp_params": {"opus": "loud"}}, "`rtp_params[\"opus\"]` is 'loud'"),
        ({"rtp_params": {"opus": {"bit_rate": 1}}}, "`rtp_params['opus']` has an unknown key 'bit_rate'"),
        ({"rtp_params": {"opus": {"bitrate": 5000}}}, "`rtp_params['opus']['bitrate']` is 5000"),
        ({"rtp_params": {"opus": {"complexity": True}}}, "`rtp_params['opus']['complexity']` is True"),
        ({"rtp_params": {"opus": {"expected_loss": 10.5}}}, "`rtp_params['opus']['expected_loss']` is 10.5"),
        ({"rtp_params": {"opus": {"dtx": 1}}}, "`rtp_params['opus']['dtx']` is 1"),
        ({"rtp_params": {"opus": {"fec": "auto"}}}, "`rtp_params['opus']['fec']` is 'auto'"),
        ({"rtp_params": {"video": []}}, '`rtp_params["video"]` is []'),
        ({"rtp_params": {"video": {"framerate": 5}}}, "`rtp_params['video']` has an unknown key 'framerate'"),
        ({"rtp_params": {"video": {"fps": 0}}}, "`rtp_params['video']['fps']` is 0"),
        ({"rtp_params": {"video": {"bitrate": "2M"}}}, "`rtp_params['video']['bitrate']` is '2M'"),
        (
            {"rtp_params": {"video": {"degradation_preference": "fps"}}},
            "`rtp_params['video']['degradation_preference']` is 'fps'",
        ),
        ({"track_constraints": []}, "`track_constraints` is []"),
        ({"rtc_configuration": "stun:x"}, "`rtc_configuration` is 'stun:x'"),
        ({"server_rtc_configuration": 7}, "`server_rtc_configuration` is 7"),
        (
            {"server_rtc_configuration": {"iceServers": [{"urls": "turn::3478"}]}},
            "an ICE server at 'turn::3478'",
        ),
        ({"server_rtc_configuration": {"iceServers": [{"username": "u"}]}}, "an ICE server at None"),
        ({"server_rtc_configuration": {"iceServers": ["secret"]}}, "an ICE server at 'str'"),
        ({"additional_inputs": "slider"}, "`additional_inputs` is 'slider'"),
        ({"additional_outputs": 7, "additional_outputs_handler": print}, "`additional_outputs` is 7"),
        ({"additional_outputs": [object()]}, "without `additional_outputs_handler`"),
        ({"additional_outputs_handler": 7}, "`additional_outputs_handler` is 7"),
    ],
)
def test_what_cannot_be_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError) as caught:
        stream(**options)
    assert words in caught.value.what
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("given", "limit"), [("default", 1), (None, None), (1, 1), (50, 50)], ids=["default", "None", "1", "50"]
)
def test_the_limit_is_one_by_default_and_none_for_none(given: Any, limit: int | None) -> None:
    made = stream(concurrency_limit=given)
    assert made.concurrency_limit == made.sessions.limit == limit


def test_a_time_limit_without_end_is_none() -> None:
    assert stream(time_limit=float("inf")).time_limit is None


@pytest.mark.parametrize("given", [1, 0.5, 3600, np.float64(2.5)])
def test_a_time_limit_is_any_number_above_nought(given: Any) -> None:
    assert stream(time_limit=given).time_limit == float(given)


def test_the_attributes_are_those_of_the_reference() -> None:
    def outputs(*args: Any) -> Any:
        return args[-1]

    slider, box = object(), object()
    given: dict[str, Any] = {
        "mode": "send",
        "modality": "audio",
        "concurrency_limit": 3,
        "time_limit": 5.0,
        "allow_extra_tracks": True,
        "rtp_params": {"degradationPreference": "maintain-framerate"},
        "rtc_configuration": {"iceServers": []},
        "server_rtc_configuration": {"iceServers": []},
        "track_constraints": {"audio": True},
    }

    def handler(frame: Any) -> Any:
        return frame

    made = Stream(
        handler,
        additional_outputs_handler=outputs,
        additional_inputs=[slider],
        additional_outputs=[box],
        ui_args={"title": "x"},
        **given,
    )
    for name, value in given.items():
        assert getattr(made, name) == value
    assert made.event_handler is handler
    assert made.additional_input_components == [slider]
    assert made.additional_output_components == [box]
    assert made.additional_outputs_handler is outputs
    assert made.connections == {}
    assert made.handlers == {}


def test_by_default_it_is_video_both_ways_for_one() -> None:
    made = Stream(lambda frame: frame)
    assert (made.mode, made.modality, made.concurrency_limit) == ("send-receive", "video", 1)
    assert made.time_limit is None
    assert made.rtc_configuration is None
    assert made.additional_input_components is None
    assert not made.allow_extra_tracks


@pytest.mark.parametrize(
    ("mode", "hears", "speaks"),
    [("send-receive", True, True), ("receive", False, True), ("send", True, False)],
)
def test_the_mode_says_who_speaks(mode: Any, hears: bool, speaks: bool) -> None:
    def source() -> Any:
        yield None

    made = Stream(source if mode == "receive" else (lambda frame: frame), mode=mode)
    assert (made.options.hears, made.options.speaks) == (hears, speaks)


async def _resolved() -> dict[str, Any]:
    return {"iceServers": ["resolved"]}


class Credentials:
    def method(self) -> dict[str, Any]:
        return {"iceServers": ["method"]}

    async def async_method(self) -> dict[str, Any]:
        return {"iceServers": ["async method"]}


@pytest.mark.parametrize(
    ("given", "servers"),
    [
        ({"iceServers": ["plain"]}, ["plain"]),
        (lambda: {"iceServers": ["function"]}, ["function"]),
        (_resolved, ["resolved"]),
        (Credentials().method, ["method"]),
        (Credentials().async_method, ["async method"]),
    ],
    ids=["dict", "function", "coroutine", "method", "async method"],
)
def test_the_browsers_configuration_is_resolved_however_it_is_given(given: Any, servers: list[str]) -> None:
    assert asyncio.run(stream(rtc_configuration=given).get_rtc_configuration()) == {"iceServers": servers}


def test_no_configuration_is_none() -> None:
    assert asyncio.run(stream().get_rtc_configuration()) is None


def test_opus_is_set_by_its_key_and_the_other_keys_are_the_browsers() -> None:
    assert stream().options.opus == OpusOptions()
    given = {
        "degradationPreference": "maintain-framerate",
        "opus": {"bitrate": 64_000, "fec": None, "dtx": True},
    }
    assert stream(rtp_params=given).options.opus == OpusOptions(bitrate=64_000, dtx=True)
    assert stream(rtp_params={"opus": None}).options.opus == OpusOptions()


def test_how_the_server_encodes_pictures_is_said_for_it_alone_or_for_the_browser_too() -> None:
    said = {"video": {"bitrate": 900_000, "fps": 15, "degradation_preference": "maintain-resolution"}}
    assert stream(rtp_params=said).options.video == VideoOptions(900_000, 15, "maintain-resolution")
    both = {"degradationPreference": "maintain-framerate", "maxBitrate": 9}
    assert stream(rtp_params=both).options.video.degradation_preference == "maintain-framerate"
    assert stream(rtp_params={"degradationPreference": "?"}).options.video == VideoOptions()
    assert stream().options.video == VideoOptions()
