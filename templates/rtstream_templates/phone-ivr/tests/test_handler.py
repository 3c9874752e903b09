"""What the menu promises, proved with a recorded order and pressed keys, without a network or a telephone."""

from pathlib import Path

import pytest
from handler import WORDS, chosen, stream
from rtstream import CloseStream
from rtstream.testing import call

SAMPLE = Path(__file__).parent.parent / "sample.wav"


def choices(result):
    """What the caller has chosen, one after another."""
    assert not result.errors
    return [output.args[0] for output in result.outputs]


def test_a_caller_interrupts_the_greeting_and_is_understood():
    result = call(stream, SAMPLE)
    assert choices(result) == ["forward"]
    assert result.level > 0.01


@pytest.mark.parametrize("key", WORDS)
def test_keys_choose_as_words_do(key):
    assert choices(call(stream, SAMPLE, dtmf=key))[0] == WORDS[key]


def test_a_key_that_means_nothing_brings_the_menu():
    assert choices(call(stream, SAMPLE, dtmf="7"))[0] == ""


def test_it_hangs_up_when_it_is_told_to():
    assert isinstance(list(chosen("bye"))[-1], CloseStream)
    result = call(stream, SAMPLE, "phone:telnyx", dtmf="9")
    assert choices(result) == ["bye"]
    assert not result.breaches
    assert result.seconds_in < 10
