"""What an answer says of sound: which codecs were agreed on, and what browsers do only if it is said."""

from __future__ import annotations

import pytest

from rtstream.media.opus import OpusOptions
from rtstream.transports.audio_sdp import agreed_codecs, in_stereo, other_sources, with_copies, within

VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 96 0\r\na=mid:a\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n"


def test_codecs_are_those_of_the_section_of_sound_whatever_others_number_so_too() -> None:
    """Where sections are not bundled, GStreamer's examples number both from 96."""
    for sections in (VIDEO + AUDIO, AUDIO + VIDEO, (VIDEO + AUDIO).replace("\r\n", "\n")):
        agreed = agreed_codecs("v=0\r\n" + sections)
        assert [(type, codec.name) for type, codec in agreed.items()] == [(96, "opus"), (0, "PCMU")]
    assert agreed_codecs("v=0\r\n" + VIDEO) == {}


def test_an_answer_asks_for_copies_in_opus_and_for_both_channels_where_they_are_heard() -> None:
    answer = with_copies("v=0\r\n" + VIDEO + AUDIO)
    line = "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 minptime=10;useinbandfec=1\r\na=rtpmap:0"
    assert line in answer and answer.count("fmtp") == 1
    assert in_stereo(answer) == answer.replace("useinbandfec=1", "useinbandfec=1;stereo=1")
    assert with_copies("v=0\r\n" + VIDEO) == in_stereo("v=0\r\n" + VIDEO) == "v=0\r\n" + VIDEO


@pytest.mark.parametrize(
    ("said", "bits"), [("20000", 20_000), ("510000", 64_000), ("1", 6000), ("many", 64_000)]
)
def test_no_more_bits_are_sent_than_the_offer_takes(said: str, bits: int) -> None:
    offer = f"v=0\r\n{VIDEO}{AUDIO}a=fmtp:96 minptime=10;maxaveragebitrate={said};useinbandfec=1\r\n"
    assert within(offer, OpusOptions(complexity=3)) == OpusOptions(bitrate=bits, complexity=3)
    assert within("v=0\r\n" + VIDEO, OpusOptions()) == OpusOptions()


def test_the_sources_of_other_sounds_are_told_from_those_of_the_first() -> None:
    first, second = AUDIO + "a=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\n", AUDIO + "a=ssrc:2 cname:x\r\n"
    third = AUDIO + "a=ssrc:3 cname:x\r\na=ssrc:3 msid:a b\r\na=ssrc-group:FID 3 4\r\n"
    video = VIDEO + "a=ssrc:5 cname:x\r\n"
    assert other_sources("v=0\r\n" + first + video + second + third) == {3}
    assert other_sources("v=0\r\n" + first + AUDIO) == set()
    assert other_sources("v=0\r\n" + first + video) is other_sources("v=0\r\n" + video) is None
