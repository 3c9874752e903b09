"""The verdicts of a report and the exit code that follows from them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rtstream.errors import HandlerRaised, RtstreamError, ServerUnreachable
from rtstream.loopback.report import Report, Row, judged
from rtstream.loopback.result import Result
from rtstream.loopback.turns import Turn
from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.options import Mode
from tests.unit.signals import speechlike

VOICE = AudioFrame(speechlike(2.0, 16000)[None], 16000)
SILENCE = AudioFrame(np.zeros((1, 32000), np.int16), 16000)
OTHER = AudioFrame(np.random.default_rng(2).normal(0, 4000, (1, 32000)).astype(np.int16), 16000)


def result(via: str = "direct", sound: AudioFrame | None = VOICE, **more: object) -> Result:
    made = Result(via, 2.0, sound, sound, frames=100, gaps=[0.0] * 99, first_audio_ms=20.0)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def row(*results: Result, mode: Mode = "send-receive") -> Row:
    """The row of the last one."""
    return judged(list(results), mode)[-1]


def code(*results: Result, mode: Mode = "send-receive") -> int:
    return Report("a.wav", "@echo", mode, list(results), judged(list(results), mode)).exit_code


def failed(error: RtstreamError, via: str = "direct") -> Result:
    return result(via, None, errors=[error], failures=1)


def test_sound_back_passes() -> None:
    assert (row(result()).verdict, code(result())) == ("pass", 0)


def test_the_same_samples_are_exact_and_a_codecs_are_not() -> None:
    coded = AudioFrame((VOICE.samples // 64 * 64).astype(np.int16), 16000)
    assert (row(result(), result("webrtc")).likeness, row(result(), result("webrtc")).exact) == (1.0, True)
    heard = row(result(), result("webrtc", coded))
    assert heard.likeness is not None and 0.9 < heard.likeness < 1
    assert (heard.exact, heard.verdict) == (False, "pass")


def test_something_else_than_directly_is_refused() -> None:
    unlike = row(result(), result("phone", OTHER))
    assert unlike.verdict == "fail"
    assert "unlike" in unlike.why
    assert code(result(), result("phone", OTHER)) == 1


def test_without_a_direct_row_nothing_is_compared() -> None:
    assert row(result("phone", OTHER)).likeness is None
    assert row(result("phone", OTHER)).verdict == "pass"


@pytest.mark.parametrize("sound", [None, SILENCE])
def test_silence_is_never_a_pass_and_has_no_first_audio(sound: AudioFrame | None) -> None:
    silent = row(result(sound=sound, first_audio_ms=None))
    assert (silent.verdict, silent.first_audio_ms) == ("silent", None)
    assert code(result(sound=sound)) == 6


def test_silence_that_was_sent_is_named_as_the_cause() -> None:
    assert "as was what was sent" in row(result(sound=SILENCE, said_nothing=True)).why


def test_where_nothing_came_back_it_is_told_what_that_may_come_from() -> None:
    assert "heard no speech" in row(result(sound=None)).why
    turn = Turn(0.0, 1.0)
    assert row(result(sound=None, turns=[turn])).why == "nothing came back"


def test_a_way_that_loses_all_sound_is_silent_and_unlike() -> None:
    lost = row(result(), result("webrtc", SILENCE))
    assert (lost.verdict, lost.likeness) == ("silent", 0.0)


def test_a_stream_that_only_listens_passes_when_it_has_heard_something() -> None:
    listening = result(sound=None, heard=100)
    assert (row(listening, mode="send").verdict, code(listening, mode="send")) == ("pass", 0)
    assert row(result(sound=None, heard=0), mode="send").verdict == "fail"


def test_pictures_are_media_out() -> None:
    picture = VideoFrame(np.full((24, 32, 3), 90, np.uint8))
    seen = result(sound=None, video=[(0.0, picture), (0.04, picture)], fps=25.0)
    assert row(seen).verdict == "pass"
    assert row(seen).seconds_out == pytest.approx(0.08)


def test_a_breach_of_the_protocol_is_refused() -> None:
    breach = row(result("phone", breaches=["sent the event 'log'"]))
    assert (breach.verdict, breach.why) == ("fail", "the server sent the event 'log'")


def test_many_lost_frames_are_refused_and_a_few_are_not() -> None:
    assert row(result(dropped=5)).verdict == "pass"
    assert row(result(dropped=50)).verdict == "fail"


def test_an_error_is_told_with_the_number_of_all() -> None:
    told = row(result(errors=[HandlerRaised("nope")], failures=7))
    assert (told.verdict, told.why) == ("fail", "nope (and 6 more)")
    assert told.errors == [HandlerRaised("nope").as_dict()]


def test_the_handlers_fault_counts_before_the_networks_and_that_before_a_refusal() -> None:
    unreachable, raised = failed(ServerUnreachable("x"), "phone"), failed(HandlerRaised("y"), "webrtc")
    assert code(unreachable, raised) == 3
    assert code(result("websocket", breaches=["did"]), unreachable) == 5
    assert code(result("websocket", breaches=["did"]), result("phone", None)) == 1


def test_gaps_of_a_handful_of_frames_are_withheld() -> None:
    assert row(result(gaps=[0.5] * 5)).gap_p95_ms is None
    many = row(result(gaps=[0.0] * 90 + [0.03] * 10))
    assert (many.gap_p95_ms, many.gap_max_ms) == (30.0, 30.0)


def test_the_document_is_json_with_a_schema_version() -> None:
    results = [result()]
    document = Report("a.wav", "@echo", "send-receive", results, judged(results, "send-receive")).as_dict()
    assert json.loads(json.dumps(document)) == document
    assert (document["schema_version"], document["exit_code"]) == (1, 0)
    assert document["rows"][0]["via"] == "direct"
