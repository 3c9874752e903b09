"""FastRTC's names are all there."""

from __future__ import annotations

from typing import Any

import pytest

import rtstream
from rtstream import (
    pause_detection,
    reply_on_pause,
    reply_on_stopwords,
    speech_to_text,
    text_to_speech,
    tracks,
    utils,
)
from rtstream.pause_detection import protocol, silero
from rtstream.speech_to_text import stt_
from rtstream.text_to_speech import tts

# FastRTC 0.0.34, `fastrtc.__all__`.
FASTRTC = """
AdditionalOutputs AlgoOptions AsyncAudioVideoStreamHandler AsyncStreamHandler AudioEmitType
AudioVideoStreamHandler CartesiaTTSOptions CloseStream KokoroTTSOptions ModelOptions MoonshineSTT
PauseDetectionModel ReplyOnPause ReplyOnStopWords SileroVadOptions Stream StreamHandler UIArgs VideoEmitType
VideoStreamHandler Warning WebRTC WebRTCData WebRTCError aggregate_bytes_to_16bit
async_aggregate_bytes_to_16bit audio_to_bytes audio_to_file audio_to_float32 audio_to_int16
get_cloudflare_turn_credentials get_cloudflare_turn_credentials_async get_current_context
get_hf_turn_credentials get_hf_turn_credentials_async get_silero_model get_stt_model get_tts_model
get_turn_credentials get_turn_credentials_async get_twilio_turn_credentials wait_for_item
""".split()


@pytest.mark.parametrize("name", FASTRTC)
def test_each_of_fastrtcs_names_is_there(name: str) -> None:
    assert name in dir(rtstream)
    if name != "WebRTC":  # it loads Gradio: tests/network/test_gradio.py
        assert getattr(rtstream, name) is not None


def test_an_unknown_name_is_an_attribute_error_as_everywhere() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = rtstream.nonsense
    assert not hasattr(rtstream, "nonsense")


@pytest.mark.parametrize(
    "module",
    [
        utils,
        tracks,
        reply_on_pause,
        reply_on_stopwords,
        pause_detection,
        protocol,
        silero,
        speech_to_text,
        stt_,
        text_to_speech,
        tts,
    ],
)
def test_fastrtcs_modules_have_what_they_list(module: Any) -> None:
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (utils, "AdditionalOutputs AudioChunk Context WebRTCData create_message current_channel"),
        (tracks, "EmitType HandlerType StreamHandlerBase StreamHandlerImpl VideoStreamHandler WebRTCData"),
        (reply_on_pause, "AlgoOptions AppState ModelOptions ReplyFnGenerator create_message"),
    ],
)
def test_names_that_programs_import_from_fastrtcs_modules_are_there(module: Any, names: str) -> None:
    assert set(names.split()) <= set(module.__all__)


@pytest.mark.parametrize(
    "module", [utils, tracks, reply_on_pause, reply_on_stopwords, protocol, silero, stt_, tts]
)
def test_a_name_is_the_same_thing_wherever_it_is_imported_from(module: Any) -> None:
    shared = set(FASTRTC) & set(module.__all__)
    assert shared
    for name in shared:
        assert getattr(module, name) is getattr(rtstream, name)
