"""Real speech out of Debian's packages, where in it is spoken, and a speaker's side of a conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtstream.media.files import Clip
from rtstream.media.frames import AudioFrame
from rtstream.media.resample import Resampler

RATE = 16000
ALSA = Path("/usr/share/sounds/alsa")  # alsa-utils: eight short phrases, one speaker
SPHINX = Path("/usr/share/pocketsphinx/test/data")  # pocketsphinx-testdata: sentences, several speakers
ASTERISK = Path("/usr/share/asterisk/sounds/en_US_f_Allison")  # asterisk-core-sounds-en-wav: prompts
NO_SPEECH = {
    *("Noise", "beep", "beeperr", "ascending-2tone", "descending-2tone"),
    *("confbridge-join", "confbridge-leave", "tt-monkeys"),
}
ROOM = 20.0  # RMS of the noise under a conversation: a quiet room, 64 dB below full scale

Samples = NDArray[np.int16]
Span = tuple[int, int]  # samples, from and to


def recordings(folders: Iterable[Path]) -> list[Samples]:
    """All that is spoken in some folders, at 16 kHz, in the order of the files' names."""
    found = []
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.suffix == ".raw":
            found.append(np.fromfile(path, np.int16))
        elif path.suffix == ".wav" and path.stem not in NO_SPEECH and path.parent.name != "silence":
            found.append(Clip.open(path).audio(RATE).samples[0])
    return found


def speech_in(sound: Samples) -> list[Span]:
    """The stretches of speech in a recording; gaps of 50 ms are none."""
    hop = RATE // 100
    whole = sound[: len(sound) // hop * hop].reshape(-1, hop).astype(np.float64)
    level = 20 * np.log10(np.sqrt((whole**2).mean(axis=1)) / 32768 + 1e-7)
    noise, loud = np.percentile(level, [5, 95])
    line = max(level.max() - 40, min(noise + 8, loud - 15))
    spans: list[Span] = []
    for at in np.flatnonzero(level > line):
        if spans and at - spans[-1][1] <= 5:
            spans[-1] = (spans[-1][0], int(at) + 1)
        else:
            spans.append((int(at), int(at) + 1))
    return [(a * hop, b * hop) for a, b in spans if b - a >= 4 and level[a:b].max() >= line + 10]


def resampled(sound: Samples, rate_in: int, rate_out: int) -> Samples:
    """The same sound at another rate."""
    if rate_in == rate_out:
        return sound
    resampler = Resampler(rate_out)
    parts = [resampler.push(AudioFrame(sound[None, :], rate_in)), resampler.flush()]
    return np.concatenate([part.samples[0] for part in parts if part is not None])


@dataclass(frozen=True)
class Talk:
    """What one speaker says in a conversation, and when each phrase begins and ends, in seconds."""

    sound: Samples
    phrases: list[tuple[float, float]]

    @property
    def seconds(self) -> float:
        return len(self.sound) / RATE

    def at(self, rate: int) -> Samples:
        return resampled(self.sound, RATE, rate)


@lru_cache
def phrases() -> list[Samples]:
    """Short phrases, cut to the speech itself. Ends the program when they are not installed."""
    found = []
    for sound in recordings([ALSA]):
        spans = speech_in(sound)
        found.append(sound[spans[0][0] : spans[-1][1]])
    if not found:
        raise SystemExit(f"error: {ALSA} is not there: install alsa-utils")
    return found


def talk(silence: float, lead: float) -> Talk:
    """The phrases one after another.

    Args:
        silence: seconds after each.
        lead: seconds before the first.
    """
    gap = np.zeros(round(silence * RATE))
    parts, spans, at = [np.zeros(round(lead * RATE))], [], round(lead * RATE)
    for phrase in phrases():
        spans.append((at / RATE, (at + len(phrase)) / RATE))
        parts += [phrase.astype(np.float64), gap]
        at += len(phrase) + len(gap)
    sound = np.concatenate(parts)
    sound += ROOM * np.random.default_rng(1).standard_normal(sound.size)
    return Talk(np.clip(sound, -32768, 32767).astype(np.int16), spans)


def monologue() -> Samples:
    """Some twenty seconds of a novel, read without a pause. Ends the program when it is not installed."""
    found = [sound[: speech_in(sound)[-1][1]] for sound in recordings([SPHINX / "librivox"])]
    if not found:
        raise SystemExit(f"error: {SPHINX} is not there: install pocketsphinx-testdata")
    return np.concatenate(found)
