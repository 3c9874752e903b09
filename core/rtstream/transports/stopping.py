"""A far end that stops sending sound is silent: turns end in silence, and not where nothing comes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..clock import Clock, shared_moment
from ..media.frames import FRAME_SECONDS, AudioFrame

LOOK = 1.0  # seconds between two looks at whether anything has come
STALLS = 2  # looks that find nothing new, before which a connection may only be held up
SILENT = 2.0  # seconds of silence that are heard then: more of it tells nothing new


async def heard_to_stop(last: Callable[[], AudioFrame | None], hear: Callable[[AudioFrame], None]) -> None:
    """Hear silence, as long as it takes a turn to end, of a far end that has sent sound and then none.

    Telephones may leave out what is not said, and so may whoever mutes a microphone.

    Args:
        last: the newest sound that has come.
        hear: called with the silence, in its time: all at once it would delay what is said next.
    """
    clock, same = Clock(), 0
    seen: AudioFrame | None = None
    while True:
        await clock.sleep_until(shared_moment(clock.now() + LOOK))
        before, seen = seen, last()
        same = same + 1 if seen is not None and seen is before else 0
        if seen is not None and same == STALLS:
            silence = AudioFrame(np.zeros((1, round(seen.rate * FRAME_SECONDS)), np.int16), seen.rate)
            began = clock.now()
            for number in range(round(SILENT / FRAME_SECONDS)):
                await clock.sleep_until(began + number * FRAME_SECONDS)
                if last() is not seen:
                    break
                hear(silence)
