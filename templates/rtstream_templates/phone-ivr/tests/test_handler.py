"""What the menu promises, proved with a recorded order and pressed keys, without a network or a telephone."""

from pathlib import Path

from handler import WORDS, chosen, pressed, stream
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


def test_keys_choose_as_words_do_and_any_other_brings_the_menu():
    for key, word in {**WORDS, "7": ""}.items():
        assert next(pressed(key)).args == (word,)


def test_a_key_is_heard_over_the_greeting_and_it_hangs_up_when_it_is_told_to():
    assert isinstance(list(chosen("bye"))[-1], CloseStream)
    assert choices(call(stream, SAMPLE, dtmf="9")) == ["bye"]
