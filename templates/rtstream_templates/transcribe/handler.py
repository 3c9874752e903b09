"""Live transcripts: what you say is written down while you say it, and once more when you pause."""

import numpy as np

from rtstream import ReplyOnPause


def keep(audio: tuple[int, np.ndarray]) -> None:
    """Called with all that was said, each time the speaker pauses: a place to store it.

    `audio` is the rate, and int16 samples of shape (1, n). Nothing goes back: the mode is "send".
    """


# Each new word gives `{"partial": text}`, each pause `{"final": text}`, as `AdditionalOutputs`.
transcriber = ReplyOnPause(keep, partials="pocketsphinx")
