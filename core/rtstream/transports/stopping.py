"""A far end that stops sending sound is silent: turns end in silence, and not where nothing comes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..clock import Clock, shared_moment
from ..media.frames import FRAME_SECONDS, AudioFrame

LOOK = 1.0  # seconds between two looks at whether anything has come
STALLS = 1  # looks at which a connection may only be held up: what it carries then comes all the same
SILENT = 2  # looks after that at which silence is heard: more of it tells nothing new


async def heard_to_stop(last: Callable[[], AudioFrame | None], hear: Callable[[AudioFrame], None]) -> None:
    """Hear silence, as long as it takes a turn to end, of a far end that has sent sound and then none.

    Telephones may leave out what is not said, and so may whoever mutes a microphone.

    Args:
        last: the newest sound that has come.
        hear: called with the silence.
    """
    clock, seen, same = Clock(), None, 0
    while True:
        await clock.sleep_until(shared_moment(clock.now() + LOOK))
        before, seen = seen, last()
        if seen is None or seen is not before:
            same = 0
            continue
        same += 1
        if STALLS < same <= STALLS + SILENT:
            silence = np.zeros((1, round(seen.rate * FRAME_SECONDS)), np.int16)
            for _ in range(round(LOOK / FRAME_SECONDS)):
                hear(AudioFrame(silence, seen.rate))
