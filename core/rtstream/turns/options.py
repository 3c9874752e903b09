"""What can be tuned about turn-taking, each with its unit and default."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import OptionError

FASTRTC_CHUNK = 0.6  # seconds: FastRTC's default chunk; who made it longer wanted longer pauses
END_SILENCE = 0.4  # seconds: 0.3 cuts a third of short phrases in two (measured)
# Seconds more on a telephone: an s or f lies above what it carries, so that the pause before it seems longer.
# One window: at 0.4 s 10 of 80 short phrases in mu-law are cut, at 0.43 s 1 of 80 (docs/turns.md).
PHONE_PATIENCE = 0.032


@dataclass
class AlgoOptions:
    """How turns are told apart. All in seconds.

    Args:
        audio_chunk_duration: FastRTC's measure of patience (default 0.6). A longer one lengthens
            `end_silence` in proportion, unless that is given.
        started_talking_threshold: speech that FastRTC needs to see a start (default 0.2); half of it
            is `min_speech`, unless that is given.
        speech_threshold: speech in a pause that does not end it: a click, a breath (default 0.1).
        max_continuous_speech_s: the longest turn; then it is answered (default: no limit).
        end_silence: silence that ends a turn; default 0.4.
        phone_silence: the same on a telephone, where a soft consonant is hardly heard and pauses seem
            longer; default: `end_silence` if that is given, and 0.03 more than its default otherwise.
        min_speech: speech within a third of a second that begins a turn; default 0.1.
        pre_roll: what is kept from before the first speech, so that no onset is lost (default 0.3).
        speculative_after: silence after which the reply is prepared, to be heard at once when the turn
            ends, or dropped unheard if the speaker goes on. None (default) for no such start. The
            reply's code then runs for turns that are never answered, so it must bear that.
        interrupt_after: speech over a reply that interrupts it; default: `min_speech`. Less than that is
            answered after the reply.
        incomplete_silence: silence that ends a turn which the turn model, if there is one, holds to be
            incomplete (default 1.2).
        judged_within: for how long after `end_silence` the turn model's verdict is waited for (default 0.1).
        deaf_after_reply: for a loudspeaker that the microphone hears, where nothing cancels the echo (a
            robot, a kiosk): nothing is listened to while a reply is heard, nor for so long after it, so that
            the handler does not answer itself. 0.3 suits a room. None (default): all is listened to.
    """

    audio_chunk_duration: float = FASTRTC_CHUNK
    started_talking_threshold: float = 0.2
    speech_threshold: float = 0.1
    max_continuous_speech_s: float = math.inf
    end_silence: float | None = None
    phone_silence: float | None = None
    min_speech: float | None = None
    pre_roll: float = 0.3
    speculative_after: float | None = None
    interrupt_after: float | None = None
    incomplete_silence: float = 1.2
    judged_within: float = 0.1
    deaf_after_reply: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not _is_time(value, endless=name == "max_continuous_speech_s"):
                raise OptionError(
                    f"AlgoOptions.{name} is {value!r}", fix="Pass a number of seconds from 0 up"
                )
        patience = 0.0
        if self.end_silence is None:
            self.end_silence = END_SILENCE * self.audio_chunk_duration / FASTRTC_CHUNK
            patience = PHONE_PATIENCE
        if self.phone_silence is None:
            self.phone_silence = self.end_silence + patience
        if self.min_speech is None:
            self.min_speech = self.started_talking_threshold / 2
        if self.interrupt_after is None:
            self.interrupt_after = self.min_speech
        if self.speculative_after is not None and self.speculative_after >= self.end_silence:
            raise OptionError(
                f"AlgoOptions.speculative_after is {self.speculative_after}, not below end_silence",
                why=f"the turn has ended by then: end_silence is {self.end_silence:g}",
                fix="Pass speculative_after=0.2",
            )


def as_algo_options(given: AlgoOptions | None) -> AlgoOptions:
    """What `ReplyOnPause` was given, or the defaults. Raises OptionError if it is something else."""
    if given is None or isinstance(given, AlgoOptions):
        return given or AlgoOptions()
    raise OptionError(
        f"`algo_options` is {given!r:.60}", fix="Pass AlgoOptions(end_silence=0.6), or others of its times"
    )


def _is_time(value: Any, *, endless: bool) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value >= 0 and (endless or math.isfinite(value))


@dataclass
class SileroVadOptions:
    """How the voice detector is asked. FastRTC's names; `threshold` is what matters here.

    Args:
        threshold: probability from which a window of 32 ms counts as speech (default 0.5); speech that
            has begun goes on down to two fifths of that.
        min_speech_duration_ms, max_speech_duration_s, min_silence_duration_ms, window_size_samples,
        speech_pad_ms: for models of FastRTC's protocol, which are handed these options.
    """

    threshold: float = 0.5
    min_speech_duration_ms: int = 250
    max_speech_duration_s: float = math.inf
    min_silence_duration_ms: int = 2000
    window_size_samples: int = 1024
    speech_pad_ms: int = 400


ModelOptions = Any
