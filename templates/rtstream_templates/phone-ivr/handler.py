"""A telephone menu: by keys and by words, interrupted by either, and it hangs up when it is told to."""

from collections.abc import Iterator
from datetime import datetime

from rtstream import AdditionalOutputs, CloseStream, ReplyOnPause, Stream, get_current_context
from rtstream import get_stt_model, get_tts_model

stt = get_stt_model("pocketsphinx")
tts = get_tts_model("espeak")
MENU = "Press 1 or say forward, to go forward. Press 2 or say time, for the time. Press 9 or say bye, to end."
WORDS = {"1": "forward", "2": "time", "9": "bye"}


def greet() -> Iterator:
    """The first that a caller hears."""
    call = get_current_context().call  # None where it is no telephone
    yield from tts.stream_tts_sync(f"Welcome{', ' + call.caller if call and call.caller else ''}. {MENU}")


def pressed(digit: str) -> Iterator:
    """A key takes effect at once, whatever is being said."""
    yield from chosen(WORDS.get(digit, ""))


def said(audio) -> Iterator:
    """So does a word, when the caller pauses."""
    words = stt.stt(audio)
    yield from chosen(next((word for word in WORDS.values() if word in words), ""))


def chosen(word: str) -> Iterator:
    answers = {"forward": "All right, forward.", "time": f"It is {datetime.now():%H:%M}.", "bye": "Goodbye."}
    yield AdditionalOutputs(word)
    yield from tts.stream_tts_sync(answers.get(word, MENU))
    if word == "bye":
        yield CloseStream()


stream = Stream(ReplyOnPause(said, startup_fn=greet), modality="audio", on_dtmf=pressed, concurrency_limit=10)
