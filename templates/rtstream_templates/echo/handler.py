"""Echo: the caller's voice comes back, louder or softer."""

import numpy as np


def fn(audio: tuple[int, np.ndarray], gain: float = 1.0) -> tuple[int, np.ndarray]:
    """Answer 20 ms of sound with 20 ms of sound.

    `audio` is the rate in samples a second, and int16 samples of shape (1, n). `gain` is an additional
    input: a client may change it during the call, and `rtstream serve -- --gain 0.5` sets its default.
    """
    rate, samples = audio
    scaled = np.clip(samples * gain, -32768, 32767)
    return rate, scaled.astype(np.int16)
