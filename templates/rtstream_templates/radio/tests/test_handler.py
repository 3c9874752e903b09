"""What the radio promises, proved without a network."""

from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from handler import RECORDING, radio, read
from rtstream.testing import call

SAMPLE = Path(__file__).parent.parent / "sample.wav"


def test_who_tunes_in_hears_something():
    result = call(radio, SAMPLE, modality="audio", mode="receive")
    assert not result.errors
    assert result.seconds_out > 2
    assert result.level > 0.01


def test_the_volume_is_heard():
    full = call(radio, SAMPLE, modality="audio", mode="receive")
    soft = call(partial(radio, volume=0.25), SAMPLE, modality="audio", mode="receive")
    assert 0.2 < soft.level / full.level < 0.3


def test_after_its_end_the_recording_starts_again():
    rate, programme = read(RECORDING)
    pieces = islice(radio(), 3 * len(programme) * 5 // rate)
    heard = np.concatenate([samples[0] for _, samples in pieces])
    assert np.array_equal(heard[: 2 * len(programme)], np.tile(programme, 2))
