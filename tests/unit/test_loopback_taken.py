"""What a caller brings home: the time line of what was played, waits, silence at the end, told errors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rtstream.errors import ConnectionRefused, HandlerRaised, RemoteError, TooManyConnections
from rtstream.loopback.taken import Piece, Taken, as_error, play, trimmed, waits
from rtstream.media.frames import AudioFrame, VideoFrame

RATE = 8000
STEP = 0.02


def piece(value: int = 1000, seconds: float = STEP, rate: int = RATE) -> AudioFrame:
    return AudioFrame(np.full((1, round(seconds * rate)), value, np.int16), rate)


def stream(*times: float) -> list[Piece[AudioFrame]]:
    return [Piece(at, piece(number + 1)) for number, at in enumerate(times)]


def runs(sound: AudioFrame | None) -> list[tuple[int, float]]:
    """The values of a sound and for how long each stands, in seconds."""
    assert sound is not None
    row = sound.samples[0]
    ends = [*(np.flatnonzero(np.diff(row)) + 1), len(row)]
    starts = [0, *ends[:-1]]
    return [(int(row[a]), round((b - a) / sound.rate, 4)) for a, b in zip(starts, ends, strict=True)]


def test_pieces_that_come_in_time_are_one_sound_from_the_beginning_on() -> None:
    played = play(stream(5.0, 5.02, 5.04), started=5.0)
    assert runs(played.sound) == [(1, STEP), (2, STEP), (3, STEP)]
    assert played.late == 0
    assert played.gaps == pytest.approx([0, 0], abs=1e-9)


def test_the_delay_before_the_first_piece_is_silence_and_not_lateness() -> None:
    played = play(stream(0.3, 0.32), started=0.0)
    assert runs(played.sound) == [(0, 0.3), (1, STEP), (2, STEP)]
    assert played.late == 0


def test_a_piece_within_the_allowance_joins_without_a_seam() -> None:
    played = play(stream(0.0, 0.07, 0.09), started=0.0)
    assert runs(played.sound) == [(1, STEP), (2, STEP), (3, STEP)]
    assert played.late == 0
    assert played.gaps == pytest.approx([0.05, 0.0])


def test_a_late_piece_leaves_a_hole_that_the_unbroken_sound_has_not() -> None:
    played = play(stream(0.0, 0.2, 0.22), started=0.0)
    assert runs(played.sound) == [(1, STEP), (0, 0.18), (2, STEP), (3, STEP)]
    assert runs(played.unbroken) == [(1, STEP), (2, STEP), (3, STEP)]
    assert played.late == 1
    assert played.gaps == pytest.approx([0.18, 0.0])


def test_after_a_pause_a_new_turn_begins_and_nothing_is_late() -> None:
    played = play(stream(0.0, 2.0), started=0.0)
    assert runs(played.sound) == runs(played.unbroken) == [(1, STEP), (0, 1.98), (2, STEP)]
    assert (played.late, played.gaps) == (0, [])


def test_what_was_sent_ahead_is_played_meanwhile() -> None:
    played = play(stream(0.0, 0.0, 0.0, 0.0, 0.08), started=0.0)
    assert runs(played.sound) == [(number, STEP) for number in (1, 2, 3, 4, 5)]
    assert played.gaps == pytest.approx([0, 0, 0, 0], abs=1e-9)


def test_nothing_is_nothing() -> None:
    played = play([], started=0.0)
    assert (played.sound, played.unbroken, played.late, played.gaps) == (None, None, 0, [])


def test_pictures_wait_as_long_as_the_rate_does_not_explain() -> None:
    pictures = [Piece(at, VideoFrame(np.zeros((2, 2, 3), np.uint8))) for at in (0.0, 0.04, 0.18, 2.0)]
    assert waits(pictures, 0.04) == pytest.approx([0.0, 0.10])


def test_silence_at_the_end_fills_up_the_length_of_what_was_sent_and_no_more() -> None:
    sound = AudioFrame(np.concatenate([piece(900, 1.0).samples, piece(0, 3.0).samples], axis=1), RATE)
    assert trimmed(sound, 2.0).duration == 2.0
    assert trimmed(sound, 0.5).duration == pytest.approx(1.0, abs=0.2)
    assert trimmed(sound, 9.0).duration == 4.0


def test_sound_after_the_end_of_what_was_sent_is_kept() -> None:
    sound = AudioFrame(np.concatenate([piece(0, 3.0).samples, piece(900, 1.0).samples], axis=1), RATE)
    assert trimmed(sound, 1.0).duration == 4.0
    assert trimmed(AudioFrame(sound.samples * 0, RATE), 1.0).duration == 1.0


def test_the_first_sound_is_the_first_loud_one_not_the_room() -> None:
    taken = Taken("direct")
    for at, value in ((1.0, 40), (1.02, 40), (1.04, 5000), (1.06, 9000)):
        taken.say(piece(value), at)
        taken.hear(piece(value), at + 0.1)
    assert taken.spoke == 1.04
    assert taken.first_sound == pytest.approx(1.14)


def test_silence_has_no_first_sound() -> None:
    taken = Taken("direct")
    taken.say(piece(0), 1.0)
    taken.hear(piece(0), 1.0)
    assert (taken.spoke, taken.first_sound, taken.last_sound, taken.last) == (None, None, None, 0.0)


def test_the_last_sound_ends_when_it_has_been_played_not_when_it_came() -> None:
    taken = Taken("phone")
    for _ in range(50):
        taken.hear(piece(), 10.0)
    assert taken.last_sound == taken.played_until == taken.last == pytest.approx(11.0)


def test_clearing_forgets_what_was_not_yet_played() -> None:
    taken = Taken("phone")
    for _ in range(50):
        taken.hear(piece(), 10.0)
    taken.clear(10.11)
    assert sum(frame.duration for _, frame in taken.audio) == pytest.approx(0.11)
    assert taken.last_sound == taken.played_until == pytest.approx(10.11)
    taken.hear(piece(), 10.2)
    assert taken.played_until == pytest.approx(10.22)


def test_clearing_what_has_been_played_changes_nothing() -> None:
    taken = Taken("phone")
    taken.hear(piece(), 10.0)
    taken.clear(11.0)
    assert len(taken.audio) == 1
    assert taken.last_sound == pytest.approx(10.02)


def test_an_error_is_understood_by_its_code_then_by_its_slug() -> None:
    by_code = as_error({"code": "RT3005", "what": "nope", "why": "because", "fix": "mend"}, RemoteError)
    assert (type(by_code), by_code.what, by_code.why, by_code.fix) == (
        HandlerRaised,
        "nope",
        "because",
        "mend",
    )
    fastrtc = as_error({"error": "concurrency_limit_reached", "limit": 1}, ConnectionRefused)
    assert (type(fastrtc), fastrtc.what) == (TooManyConnections, "concurrency_limit_reached")
    assert type(as_error({"message": "so so"}, RemoteError)) is RemoteError


def test_messages_are_kept_and_errors_among_them_understood() -> None:
    taken = Taken("websocket")
    texts = [
        json.dumps({"type": "log", "data": "started_talking"}),
        "no JSON",
        "[1, 2]",
        json.dumps({"type": "error", "message": "it broke"}),
        json.dumps({"status": "failed", "meta": {"error": "invalid_offer"}}),
    ]
    for text in texts:
        taken.read(text, 1.0)
    assert taken.texts == texts
    assert [(type(error).__name__, error.what) for error in taken.errors] == [
        ("RemoteError", "it broke"),
        ("BadOffer", "invalid_offer"),
    ]
