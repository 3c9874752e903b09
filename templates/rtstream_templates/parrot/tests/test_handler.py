"""What the parrot promises, proved with a recorded sentence and without a network."""

from pathlib import Path

import numpy as np
from handler import parrot, say_it_back
from rtstream.testing import Clip, audio_likeness, call

SAMPLE = Path(__file__).parent.parent / "sample.wav"


def test_a_turn_is_answered_soon_after_it_ended_and_once():
    result = call(parrot, SAMPLE, modality="audio")
    assert not result.errors
    (turn,) = result.turns
    assert turn.latency_ms < 500
    assert not turn.interrupted


def test_it_says_what_was_said():
    result = call(parrot, SAMPLE, modality="audio")
    assert audio_likeness(Clip.open(SAMPLE).audio(), result.unbroken) > 0.8
    assert result.outputs[0].args[0].startswith("a turn of 2.")


def test_it_speaks_in_pieces_so_that_it_can_be_interrupted_between_them():
    words = np.arange(48000 * 3, dtype=np.int16)[None]
    _, *pieces = say_it_back((48000, words))
    assert len(pieces) > 3
    assert np.array_equal(np.concatenate([piece for _, piece in pieces], axis=1), words)
