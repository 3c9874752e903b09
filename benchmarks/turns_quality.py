"""How well turns are found in real speech: ours, and FastRTC's way with the same voice detector.

    python benchmarks/turns_quality.py [--files 150] [--end-silence 0.3 0.4 0.5]

Recordings from Debian's `pocketsphinx-testdata`, `alsa-utils` and `asterisk-core-sounds-en-wav` (telephone
prompts, many of one short word) are brought to one level, joined by silences of 1.5 to 2.5 s, and heard
clean, with seeded noise, and through 8 kHz mu-law. Where speech begins and ends is measured as energy on the
clean sound: what rises 10 dB above a line that lies 40 dB under the loudest 10 ms of its recording, or 8 dB
above its noise.

A recording may hold a pause that ends a turn. So its speech is cut at pauses longer than the silence that
ends a turn, and each piece is one turn to be found. Where a pause is as long as that silence, give or take
100 ms, a turn may end or go on.

- found: some turn overlaps it
- split: a turn ended in the midst of it
- merged: a turn did not end where it should
- false: a turn in which nobody speaks
- onset: turns whose first sound is not in what the handler is given, and how much is missing at most
- delay: from the end of speech to the end of the turn
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import numpy as np
from harness import report
from harness.speech import ALSA, ASTERISK, RATE, SPHINX, Samples, Span, recordings, resampled, speech_in

from rtstream.media.g711 import ulaw_decode, ulaw_encode
from rtstream.turns.events import Paused
from rtstream.turns.machine import Turns
from rtstream.turns.options import AlgoOptions
from rtstream.turns.vad import VadStream, get_silero_model
from rtstream.turns.windows import VAD_SAMPLES, WINDOW_SECONDS, Window

FOLDERS = {"sentences": (SPHINX, ALSA), "prompts": (ASTERISK,)}
CONDITIONS = ("clean", "white 10 dB", "pink 10 dB", "white 5 dB", "pink 5 dB", "mu-law")
TARGETS = {"clean": 0.99, "white 10 dB": 0.97, "pink 10 dB": 0.97, "mu-law": 0.97}  # row P14: turns found
MOST_BAD = 0.02  # split or merged
LEVEL = 2300  # root mean square of the speech in each recording: 23 dB below full scale
TOLERANCE = 0.1  # seconds by which a pause may miss the silence that ends a turn, and be either


@dataclass
class Scene:
    """Recordings with silence between them, and the stretches of speech in each of them."""

    sound: Samples
    speech: list[list[Span]]


@dataclass
class Score:
    """What was found of the turns that there are."""

    turns: int = 0
    missed: int = 0
    split: int = 0
    merged: int = 0
    false: int = 0
    delays: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    def row(self, *names: str) -> list[str]:
        def share(count: int) -> str:
            return f"{100 * count / self.turns:.1f} %"

        median, tenth = np.percentile(self.delays, [50, 90]) * 1000
        onset = f"{sum(lost > 0 for lost in self.lost)} ({1000 * max(self.lost):.0f} ms)"
        shares = [share(self.turns - self.missed), share(self.split), share(self.merged)]
        return [*names, str(self.turns), *shares, str(self.false), onset, f"{median:.0f} / {tenth:.0f} ms"]


# The material.


def scene(sounds: list[Samples], seed: int = 1) -> Scene:
    rng = np.random.default_rng(seed)
    parts, speech, at = [np.zeros(RATE, np.int16)], [], RATE
    for number in rng.permutation(len(sounds)):
        sound, spans = sounds[number].astype(np.float64), speech_in(sounds[number])
        if spans:
            speech.append([(at + a, at + b) for a, b in spans])
            level = np.sqrt(np.mean(np.concatenate([sound[a:b] for a, b in spans]) ** 2))
            pause = np.zeros(int(rng.uniform(1.5, 2.5) * RATE), np.int16)
            parts += [np.clip(sound * LEVEL / level, -32768, 32767).astype(np.int16), pause]
            at += len(sound) + len(pause)
    return Scene(np.concatenate([*parts, np.zeros(RATE, np.int16)]), speech)


def heard_as(scene: Scene, condition: str, seed: int = 7) -> Samples:
    """The scene as it is heard under a condition."""
    if condition == "clean":
        return scene.sound
    if condition == "mu-law":
        narrow = resampled(scene.sound, RATE, 8000)
        return resampled(ulaw_decode(ulaw_encode(narrow)), 8000, RATE)[: len(scene.sound)]
    colour, decibels, _ = condition.split()
    noise = np.random.default_rng(seed).standard_normal(len(scene.sound))
    if colour == "pink":
        spectrum = np.fft.rfft(noise) / np.sqrt(np.maximum(np.arange(len(noise) // 2 + 1), 1))
        noise = np.fft.irfft(spectrum, len(noise))
    loudness = LEVEL / 10 ** (float(decibels) / 20)
    mixed: Samples = np.clip(scene.sound + noise / noise.std() * loudness, -32768, 32767).astype(np.int16)
    return mixed


# Two ways to find turns: from the sound to the samples that a handler is given.


def probabilities(sound: Samples, stream: VadStream) -> Iterator[float]:
    heard = sound.astype(np.float32) / np.float32(32768)
    for at in range(0, len(sound) - VAD_SAMPLES + 1, VAD_SAMPLES):
        yield stream(Window(sound[at : at + VAD_SAMPLES], heard[at : at + VAD_SAMPLES]))


def ours(likely: list[float], options: AlgoOptions) -> list[Span]:
    turns, found, nothing = Turns(options), [], np.zeros(0, np.float32)
    for number, probability in enumerate(likely, 1):
        window = Window(np.zeros(1, np.int16), nothing)
        for event in turns.heard(window, probability):
            if isinstance(event, Paused):
                found.append(((number - len(event.audio)) * VAD_SAMPLES, number * VAD_SAMPLES))
                turns.replied()
    return found


def fastrtcs(sound: Samples) -> list[Span]:
    """FastRTC 0.0.34: chunks of 0.6 s, judged alone; 0.2 s of speech begins a turn, under 0.1 s ends it."""
    size, begun = int(0.6 * RATE), None
    found: list[Span] = []
    for at in range(0, len(sound) - size + 1, size):
        seconds = fastrtcs_seconds(sound[at : at + size])
        if seconds > 0.2 and begun is None:
            begun = at
        if seconds < 0.1 and begun is not None:
            found.append((begun, at + size))
            begun = None
    return found


def fastrtcs_seconds(chunk: Samples) -> float:
    """Its `vad`: from the first speech on (0.4 s before it) to the end, if that is more than 0.25 s."""
    stream = get_silero_model().stream()
    likely = np.array(list(probabilities(chunk, stream)))
    stream.close()
    speech = np.flatnonzero(likely >= 0.5)
    if not speech.size or len(chunk) / RATE - speech[0] * WINDOW_SECONDS <= 0.25:
        return 0.0
    return float(len(chunk) / RATE - max(0.0, speech[0] * WINDOW_SECONDS - 0.4))


# The score.


def score(found: list[Span], scene: Scene, end: float, tolerance: float = TOLERANCE) -> Score:
    """Compare what was found with what there is, for turns that end after `end` seconds of silence."""
    result, met = Score(), set()
    everything = [turn for spans in scene.speech for turn in turns_of(spans, end + tolerance)]
    for number, turn in enumerate(everything):
        begun, ended = turn[0][0], turn[-1][1]
        here = [span for span in found if span[0] < ended and span[1] - end / 2 * RATE > begun]
        result.turns += 1
        if not here:
            result.missed += 1
            continue
        met.update(here)
        result.split += sum(splits(span, turn, here, end - tolerance) for span in here)
        result.lost.append(max(0, min(a for a, _ in here) - begun) / RATE)
        after = [b for _, b in here if b >= ended]
        if after:
            result.delays.append((min(after) - ended) / RATE)
        following = everything[number + 1][0][0] if number + 1 < len(everything) else len(scene.sound)
        result.merged += any(a < ended and b > following + 0.1 * RATE for a, b in here)
    result.false = len([span for span in found if span not in met])
    return result


def turns_of(spans: list[Span], pause: float) -> Iterator[list[Span]]:
    """Speech cut at pauses longer than that."""
    turn = [spans[0]]
    for span in spans[1:]:
        if span[0] - turn[-1][1] > pause * RATE:
            yield turn
            turn = []
        turn.append(span)
    yield turn


def splits(found: Span, turn: list[Span], all_found: list[Span], pause: float) -> bool:
    """Whether it ends in the midst of the turn, in no pause that long, and speech is left."""
    end, last = found[1], turn[-1][1]
    if end >= last:
        return False
    in_pause = any(
        a <= end <= b and b - a >= pause * RATE for (_, a), (b, _) in zip(turn, turn[1:], strict=False)
    )
    left = last - end > 0.15 * RATE or any(a < last and b > end for a, b in all_found if (a, b) != found)
    return left and not in_pause


def verdict(scores: dict[str, Score]) -> None:
    """Row P14, at the default silence; not judged when that was not measured."""
    shares = {
        name: (1 - score.missed / score.turns, (score.split + score.merged) / score.turns)
        for name, score in scores.items()
        if score.turns
    }
    met = [found >= TARGETS[name] and bad <= MOST_BAD for name, (found, bad) in shares.items()]
    figures = "; ".join(f"{name}: {found:.1%}, {bad:.1%}" for name, (found, bad) in shares.items())
    target = "99, 97, 97, 97 % found, at most 2 % split or merged"
    report.verdict("P14", target, figures, all(met) if met else None)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=150, help="how many of the prompts (all: 547)")
    parser.add_argument("--end-silence", type=float, nargs="+", default=[0.3, 0.4, 0.5])
    args = parser.parse_args()
    report.title("Turns in real speech")
    report.machine()
    scores: dict[tuple[str, str], Score] = defaultdict(Score)
    for name, folders in FOLDERS.items():
        sounds = recordings(folders)
        if not sounds:
            report.note(f"{name}: skipped ({', '.join(map(str, folders))} is not there)")
            continue
        picked = np.random.default_rng(3).permutation(len(sounds))[: args.files]
        made = scene([sounds[number] for number in picked])
        report.note(f"{name}: {len(made.speech)} recordings, {len(made.sound) / RATE:.0f} s")
        for condition in CONDITIONS:
            report.progress(f"{name}, {condition}")
            heard = heard_as(made, condition)
            stream = get_silero_model().stream()
            likely = list(probabilities(heard, stream))
            stream.close()
            for end in args.end_silence:
                found = ours(likely, AlgoOptions(end_silence=end))
                scores[condition, f"rtstream {end:g} s"] += score(found, made, end)
            # FastRTC ends a turn after 0.6 to 1.2 s of silence, by the phase of its chunks.
            scores[condition, "FastRTC's way"] += score(fastrtcs(heard), made, 0.9, 0.3)
    head = ["heard", "way", "turns", "found", "split", "merged", "false", "onset lost", "delay 50 / 90 %"]
    report.table(head, (value.row(*names) for names, value in scores.items()))
    verdict({condition: scores[condition, "rtstream 0.4 s"] for condition in TARGETS})


if __name__ == "__main__":
    main()
