"""What the filter promises, proved with a recorded picture and without a network."""

from functools import partial
from pathlib import Path

import numpy as np
from handler import edges
from rtstream.testing import call

SAMPLE = Path(__file__).parent.parent / "sample.mp4"


def test_every_second_of_the_video_comes_back():
    result = call(edges, SAMPLE, modality="video")
    assert not result.errors
    assert len(result.video) > 10
    assert abs(result.seconds_out - result.seconds_in) < 0.2


def test_strength_is_how_much_of_the_picture_gives_way_to_its_edges():
    plain = call(partial(edges, strength=0.0), SAMPLE, modality="video")
    drawn = call(partial(edges, strength=1.0), SAMPLE, modality="video")
    assert brightness(drawn) < 0.5 * brightness(plain)


def brightness(result):
    return np.mean([frame.pixels.mean() for _, frame in result.video])
