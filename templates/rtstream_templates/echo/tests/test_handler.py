"""What the echo promises, proved with a recorded sentence and without a network."""

from functools import partial
from pathlib import Path

from handler import fn
from rtstream.testing import call

SAMPLE = Path(__file__).parent.parent / "sample.wav"


def test_the_whole_sentence_comes_back():
    result = call(fn, SAMPLE, modality="audio")
    assert not result.errors
    assert abs(result.seconds_out - result.seconds_in) < 0.1
    assert result.level > 0.01


def test_a_gain_of_a_quarter_makes_it_softer():
    full = call(fn, SAMPLE, modality="audio")
    soft = call(partial(fn, gain=0.25), SAMPLE, modality="audio")
    assert 0.2 < soft.level / full.level < 0.3
