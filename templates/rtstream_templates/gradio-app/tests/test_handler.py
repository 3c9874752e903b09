"""What the app promises, proved with a recorded sentence and without a network."""

from pathlib import Path

from handler import robot, stream
from rtstream.testing import call

SAMPLE = Path(__file__).parent.parent / "sample.wav"


def test_the_whole_sentence_comes_back_changed():
    result = call(stream, SAMPLE)
    assert not result.errors
    assert abs(result.seconds_out - result.seconds_in) < 0.1
    assert result.level > 0.01


def test_the_loudness_is_told_beside_it():
    import numpy as np

    loud = np.full((1, 960), 16384, np.int16)
    _, beside = robot((48000, loud), 200.0)
    assert beside.args == (50,)


def test_the_page_has_the_slider_and_the_number():
    kinds = [type(block).__name__ for block in stream.ui.blocks.values()]
    assert {"WebRTC", "Slider", "Number"} <= set(kinds)
