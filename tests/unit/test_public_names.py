"""FastRTC's names: those that are there, and those that say that they come later."""

from __future__ import annotations

from typing import Any

import pytest

import rtstream
from rtstream import Stream, tracks, utils
from rtstream.errors import FeatureMissing

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
def test_each_of_fastrtcs_names_is_there_or_says_that_it_comes_later(name: str) -> None:
    try:
        assert getattr(rtstream, name) is not None
        assert name in dir(rtstream)
    except FeatureMissing as error:
        assert f"rtstream.{name}" in error.what and error.why and error.fix


def test_an_unknown_name_is_an_attribute_error_as_everywhere() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = rtstream.nonsense
    assert not hasattr(rtstream, "nonsense")


@pytest.mark.parametrize("module", [utils, tracks])
def test_fastrtcs_modules_have_what_they_list(module: Any) -> None:
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_the_star_import_is_whole() -> None:
    names: dict[str, Any] = {}
    exec("from rtstream import *", names)
    assert set(rtstream.__all__) <= set(names)


@pytest.mark.parametrize("attribute", ["ui", "_ui", "webrtc_component"])
def test_parts_of_the_stream_that_come_later_say_so(attribute: str) -> None:
    stream = Stream(lambda frame: frame, modality="audio")
    with pytest.raises(FeatureMissing) as caught:
        getattr(stream, attribute)
    assert "not part of this version" in caught.value.what and caught.value.fix


def test_fastphone_says_what_to_do_instead() -> None:
    with pytest.raises(FeatureMissing, match="fastphone") as caught:
        Stream(lambda frame: frame, modality="audio").fastphone()
    assert "/telephone/incoming" in caught.value.fix
    assert isinstance(caught.value, NotImplementedError)


def test_a_ui_of_ones_own_can_be_set_and_read() -> None:
    stream, blocks = Stream(lambda frame: frame, modality="audio"), object()
    stream.ui = blocks
    assert stream.ui is blocks
    assert stream._ui is blocks
