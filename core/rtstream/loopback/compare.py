"""How alike two recordings are, once they are laid over each other, and how loud one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rtstream.media.frames import AudioFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rtstream.media.frames import VideoFrame

    Floats = NDArray[np.float64]
    Timed = Sequence[tuple[float, VideoFrame]]

SILENCE = 10 ** (-60 / 20)  # RMS of -60 dBFS: over the noise of 16 bits and of mu-law's zero, under any voice
HOP = 0.01  # seconds between two spectra
WINDOW = 0.032  # seconds that a spectrum looks at: resolves the harmonics of most voices
BANDS = 24
LOWEST, HIGHEST = 100.0, 7000.0  # Hz: below is hum, above is little that a voice needs
DEPTH = 40.0  # dB below the loud parts at which listening stops: mu-law's own noise is about there
BLOCK = 100  # spectra (one second) that are laid over the other recording on their own
PLAY = 15  # spectra (0.15 s) that a block may sit before or after where the whole sits best
PICTURES = 25.0  # pictures a second at which two videos are compared
STUMBLE = 5  # pictures (0.2 s) that a moment may sit before or after where the whole sits best
GRID = (12, 16)  # rows and columns of the mosaic that a picture is reduced to


def level(sound: AudioFrame) -> float:
    """The RMS of a piece of sound over all its channels, 0 to 1 (full scale)."""
    if not sound.samples.size:
        return 0.0
    flat = sound.samples.astype(np.float32).ravel()
    return float(np.sqrt(np.dot(flat, flat) / flat.size)) / 32768


def is_silent(sound: AudioFrame) -> bool:
    """Whether sound is quieter than -60 dBFS in each of its 20 ms."""
    step = max(round(0.02 * sound.rate), 1)
    whole = sound.samples.shape[1] // step * step
    parts = sound.samples[:, :whole].reshape(sound.channels, -1, step).astype(np.float32)
    loudest = (parts * parts).mean(axis=(0, 2)).max(initial=0.0)
    rest = AudioFrame(sound.samples[:, whole:], sound.rate)
    return bool(loudest < (SILENCE * 32768) ** 2) and level(rest) < SILENCE


def audio_likeness(one: AudioFrame, other: AudioFrame) -> float:
    """How alike two recordings sound: about 1 for the same speech through a codec, below 0.5 for other.

    Both may have any rate, number of channels and loudness, and one may start later than the other; what
    is there in only one of them counts against the likeness. A recording without sound is like none.
    The value is the correlation of the two log-band spectra (24 bands of equal width in mel, 10 ms apart,
    40 dB deep), after each second was laid over the other recording where it fits best.

    Returns:
        0.0 to 1.0. It is 1.0 exactly when both hold the same samples at the same rate.
    """
    if one.rate == other.rate and np.array_equal(one.samples, other.samples):
        return 1.0
    if is_silent(one) or is_silent(other):
        return 0.0
    top = min(HIGHEST, 0.425 * min(one.rate, other.rate))  # 3400 Hz on the telephone's 8000
    first, second = _lay_over(_spectra(one, top), _spectra(other, top))
    heard = np.maximum(first, second).max(axis=1) > -DEPTH
    first, second = first[heard], second[heard]
    # What speech shares with all speech is its mean spectrum, so only what moves counts, and of that as
    # much the shape of the spectrum as its strength; but a steady tone has nothing else than its mean.
    # Each counts for its share of what can be seen in the two spectra.
    motions = [each - each.mean(axis=0) for each in (first, second)]
    shapes = [each - each.mean(axis=1, keepdims=True) for each in motions]
    moving = min(1.0, *(m.var() / (s.var() + 1e-9) for m, s in zip(motions, (first, second), strict=True)))
    alike = moving * (_correlation(*motions) + _correlation(*shapes)) / 2
    alike += (1 - moving) * _correlation(first, second)
    return float(min(max(alike, 0.0), 0.999))


def video_likeness(one: Timed, other: Timed) -> float:
    """How alike two videos look: about 1 for the same pictures through any codec, near 0 for others.

    Each is a list of `(seconds, picture)`; sizes and rates of pictures may differ, and one may start up
    to 2 s later than the other. Pictures are compared as mosaics of 12 × 16 mean colours: 32 dB of PSNR
    between them counts as 1, 12 dB as 0.

    Returns:
        0.0 to 1.0, and 0.0 when one of them holds no picture. It is 1.0 exactly when both hold the
        same pictures.
    """
    if not one or not other:
        return 0.0
    if len(one) == len(other) and all(
        np.array_equal(a.pixels, b.pixels) for (_, a), (_, b) in zip(one, other, strict=True)
    ):
        return 1.0
    first, second = _mosaics(one), _mosaics(other)
    reach = int(2 * PICTURES) + STUMBLE
    differences = np.stack([_differences(first, second, shift) for shift in range(-reach, reach + 1)])
    stumbling = np.lib.stride_tricks.sliding_window_view(differences, 2 * STUMBLE + 1, axis=0).min(axis=-1)
    best = float(stumbling.mean(axis=1).min())
    psnr = 10 * np.log10(255.0**2 / max(best, 1e-6))
    return float(np.clip((psnr - 12) / 20, 0, 0.999))


def _spectra(sound: AudioFrame, top: float) -> Floats:
    """The recording as `(time, band)` in dB under its loud parts, from `-DEPTH` upwards."""
    mono = sound.samples.astype(np.float32).mean(axis=0)
    size = int(WINDOW * sound.rate)
    mono = np.pad(mono, (0, max(size - len(mono), 0)))
    starts = (np.arange(int((len(mono) - size) / sound.rate / HOP) + 1) * HOP * sound.rate).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(mono, size)
    mel = np.linspace(np.log1p(LOWEST / 700), np.log1p(top / 700), BANDS + 1)
    edges = np.round(700 * np.expm1(mel) * size / sound.rate).astype(int)
    bands = [slice(low, max(high, low + 1)) for low, high in zip(edges, edges[1:], strict=False)]
    power = np.empty((len(starts), BANDS))
    for block in range(0, len(starts), 1000):  # in blocks, so that an hour needs no gigabytes
        tapered = windows[starts[block : block + 1000]] * np.hanning(size)
        energy = np.abs(np.fft.rfft(tapered, axis=1)) ** 2
        for index, band in enumerate(bands):
            power[block : block + 1000, index] = energy[:, band].mean(axis=1)
    loud = np.quantile(power.mean(axis=1), 0.95) + 1e-12
    heard: Floats = 10 * np.log10(np.maximum(power / loud, 10 ** (-DEPTH / 10)))
    return heard


def _lay_over(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Both spectra on one time line, and as long as both together need."""
    lag = _best_lag(one, other)
    start, end = min(0, -lag), max(len(one), len(other) - lag)
    size = -((start - end) // BLOCK) * BLOCK
    first, second = _placed(one, -start, size), _placed(other, -lag - start, size + PLAY)
    second = np.pad(second, ((PLAY, 0), (0, 0)), constant_values=-DEPTH)
    moved = np.empty_like(first)
    for block in range(0, size, BLOCK):
        wanted = first[block : block + BLOCK]
        around = second[block : block + BLOCK + 2 * PLAY]
        shift = _best_shift(wanted, around)
        moved[block : block + BLOCK] = around[shift : shift + BLOCK]
    return first, moved


def _placed(spectra: Floats, at: int, size: int) -> Floats:
    line = np.full((size, BANDS), -DEPTH)
    line[at : at + len(spectra)] = spectra[: max(size - at, 0)]
    return line


def _best_lag(one: Floats, other: Floats) -> int:
    """By how many steps `other` must be moved back to lie over `one`."""
    size = len(one) + len(other)
    raised = [np.fft.rfft(each + DEPTH, size, axis=0) for each in (one, other)]
    likeness = np.fft.irfft((raised[1] * np.conj(raised[0])).sum(axis=1), size)
    lag = int(np.argmax(likeness))
    return lag if lag < len(other) else lag - size


def _best_shift(wanted: Floats, around: Floats) -> int:
    """Where in `around` the block `wanted` fits best; in the middle when it fits nowhere in particular."""
    fits = [_correlation(wanted, around[shift : shift + len(wanted)]) for shift in range(2 * PLAY + 1)]
    best = int(np.argmax(fits))
    return best if fits[best] > fits[PLAY] + 0.01 else PLAY


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale > 1e-9 else 0.0


def _mosaics(video: Timed) -> Floats:
    """What is on the screen at each 25th of a second from the first picture on, as mean colours."""
    times = np.array([at for at, _ in video])
    ticks = np.arange(times[0], times[-1] + 1e-6, 1 / PICTURES)
    shown = np.searchsorted(times, ticks + 1e-6, side="right") - 1
    reduced = [_mosaic(picture.pixels) for _, picture in video]
    return np.stack([reduced[index] for index in shown])


def _mosaic(pixels: NDArray[np.uint8]) -> Floats:
    rows, columns = GRID
    height, width = max(pixels.shape[0] // rows, 1), max(pixels.shape[1] // columns, 1)
    whole = pixels[: height * rows, : width * columns].astype(np.float64)
    whole = np.pad(
        whole, ((0, height * rows - len(whole)), (0, width * columns - whole.shape[1]), (0, 0)), "edge"
    )
    mosaic: Floats = whole.reshape(rows, height, columns, width, 3).mean(axis=(1, 3))
    return mosaic


def _differences(one: Floats, other: Floats, shift: int) -> Floats:
    """For each picture of `one` its mean squared difference to the one at its place, `shift`ed, in `other`.

    Where there is none, it is the difference to black.
    """
    places = np.arange(len(one)) + shift
    there = (places >= 0) & (places < len(other))
    beside = np.where(there[:, None, None, None], other[np.clip(places, 0, len(other) - 1)], 0.0)
    squared: Floats = ((one - beside) ** 2).mean(axis=(1, 2, 3))
    return squared
