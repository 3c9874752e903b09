"""How true a resampler is that works on 20 ms at a time, measured against an ideal one.

Run as a program in a peer's interpreter, it reads int16 samples on stdin, resamples them piece by piece
as that peer does on the telephone, and writes how many samples had come out before the end (8 bytes),
and then all of them, to stdout.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

SECONDS = 4
PEAK = 24000  # loud: at low levels the rounding to 16 bits would be measured, not the filter
BAND = 0.4  # of the lower rate: 80 % of what both can carry, so that the slope of a filter is no error

Samples = NDArray[np.int16]
Pieces = list[Samples]


def snr(engine: str, python: str | None, source: int, target: int) -> tuple[float, float]:
    """Signal to noise in dB once delay and gain are taken out; and the delay in seconds."""
    shared = min(source, target)
    given = material(source, shared)
    command = [python or sys.executable, __file__, engine, str(source), str(target)]
    done = subprocess.run(
        command, input=given.tobytes(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    out = int.from_bytes(done.stdout[:8], "little")
    got = np.frombuffer(done.stdout[8:], np.int16).astype(np.float64)
    behind, decibels = compared(material(target, shared).astype(np.float64), got)
    held = given.size * target / source - out
    return decibels, (behind + held) / target


def material(rate: int, shared: int) -> Samples:
    """The same four seconds at any rate: noise that falls off as speech does, in the lower one's band."""
    loudest = float(np.abs(noise(shared, shared)).max())
    sound: Samples = np.round(noise(rate, shared) * PEAK / loudest).astype(np.int16)
    return sound


@lru_cache
def noise(rate: int, shared: int) -> NDArray[np.float64]:
    frequency = np.arange(1, int(SECONDS * BAND * shared))  # in steps of 1 / SECONDS
    phase = np.random.default_rng(11).uniform(0, 2 * np.pi, frequency.size)
    spectrum = np.zeros(SECONDS * rate // 2 + 1, complex)
    spectrum[frequency] = np.exp(1j * phase) / np.maximum(frequency / SECONDS, 300)
    return np.fft.irfft(spectrum, SECONDS * rate) * rate


def compared(ideal: NDArray[np.float64], got: NDArray[np.float64]) -> tuple[float, float]:
    """By how many samples `got` is late, and its signal to noise once it is not."""
    size = 1 << (ideal.size + got.size).bit_length()
    product = np.fft.rfft(got, size) * np.conj(np.fft.rfft(ideal, size))
    lag = int(np.argmax(np.fft.irfft(product, size)[: ideal.size // 2]))
    length = min(ideal.size, got.size - lag)
    heard, spectrum, steps = got[lag : lag + length], np.fft.rfft(ideal[:length]), np.fft.rfftfreq(length)
    # The rest of the delay is a fraction of a sample: the slope of the phase between the two.
    cross = np.fft.rfft(heard) * np.conj(spectrum)
    weight = np.abs(cross)
    slope = (weight * np.angle(cross) * steps).sum() / (weight * steps**2).sum()
    moved = np.fft.irfft(spectrum * np.exp(1j * slope * steps), length)
    inner = slice(length // 20, -length // 20)
    gain = (moved[inner] @ heard[inner]) / (moved[inner] @ moved[inner])
    noise = heard[inner] - gain * moved[inner]
    decibels = 10 * np.log10(((gain * moved[inner]) ** 2).sum() / (noise**2).sum())
    return lag - slope / (2 * np.pi), float(decibels)


def by_rtstream(pieces: Pieces, source: int, target: int) -> tuple[Pieces, Pieces]:
    from rtstream.media.frames import AudioFrame
    from rtstream.media.resample import Resampler

    resampler = Resampler(target)
    out = [resampler.push(AudioFrame(piece[None], source)) for piece in pieces]
    rest = resampler.flush()
    return [frame.samples[0] for frame in out if frame], [rest.samples[0]] if rest else []


def by_fastrtc(pieces: Pieces, source: int, target: int) -> tuple[Pieces, Pieces]:
    """As in its `websocket.py`: librosa on each piece alone."""
    resample, utils = import_module("librosa").resample, import_module("fastrtc.utils")
    out: Pieces = []
    for piece in pieces:
        resampled = resample(utils.audio_to_float32(piece), orig_sr=source, target_sr=target)
        out.append(utils.audio_to_int16(resampled))
    return out, []


ENGINES: dict[str, Callable[[Pieces, int, int], tuple[Pieces, Pieces]]] = {
    "rtstream": by_rtstream,
    "fastrtc": by_fastrtc,
}


def main() -> None:
    engine, source, target = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    given = np.frombuffer(sys.stdin.buffer.read(), np.int16)
    size = source // 50
    pieces = [given[at : at + size] for at in range(0, given.size - size + 1, size)]
    out, rest = ENGINES[engine](pieces, source, target)
    sys.stdout.buffer.write(sum(piece.size for piece in out).to_bytes(8, "little"))
    sys.stdout.buffer.write(np.concatenate(out + rest).astype(np.int16).tobytes())


if __name__ == "__main__":
    main()
