"""What the transcriber promises, proved with a recorded sentence and without a network."""

from pathlib import Path

from handler import transcriber
from rtstream.testing import call

SAMPLE = Path(__file__).parent.parent / "sample.wav"


def transcripts():
    result = call(transcriber, SAMPLE, modality="audio", mode="send")
    assert not result.errors
    return [output.args[0] for output in result.outputs]


def test_at_the_pause_the_whole_sentence_is_there():
    assert transcripts()[-1] == {"final": "go forward ten meters"}


def test_its_words_come_while_they_are_said():
    partials = [one["partial"] for one in transcripts() if "partial" in one]
    assert "go forward" in partials
    assert len(partials) > 3
