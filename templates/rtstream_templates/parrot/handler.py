"""A parrot: it waits until you pause, and says what you said."""

from collections.abc import Iterator

import numpy as np

from rtstream import AdditionalOutputs, AlgoOptions, ReplyOnPause


def say_it_back(audio: tuple[int, np.ndarray]) -> Iterator[tuple[int, np.ndarray] | AdditionalOutputs]:
    """Answer one turn: `audio` is the rate, and all that was said as int16 of shape (1, n).

    Speak while the parrot speaks, and it falls silent: nothing behind the `yield` at which it stands is
    run, and what you say is the next turn.
    """
    rate, samples = audio
    yield AdditionalOutputs(f"a turn of {samples.size / rate:.1f} s")
    for piece in np.array_split(samples, max(1, samples.size // rate * 2), axis=1):
        yield rate, piece


# A turn has ended when nobody has spoken for 0.4 s. A longer wait suits those who think while they speak.
parrot = ReplyOnPause(say_it_back, algo_options=AlgoOptions(end_silence=0.4))
