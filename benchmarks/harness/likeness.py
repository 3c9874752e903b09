"""A recorded sentence, its packets, and how far what is heard of it lies from what was said."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtstream.media.files import Clip
from rtstream.media.frames import FRAME_SECONDS, AudioFrame
from rtstream.media.opus import OpusOptions
from rtstream.rtp.codecs import Codec
from rtstream.rtp.sender import AudioSender

RECORDING = Path(__file__).parents[2] / "templates/rtstream_templates/voice-agent/question.wav"
RATE, FRAME = 48_000, 960
OPUS = Codec("opus", 96, RATE)
MOST_LATE = 1000  # samples; of Opus's encoder it is 120 or 312, as it is made (RFC 6716 §2.1.2)
FLOOR = 1e6


def speech(path: Path, repeats: int) -> np.ndarray:
    pieces = [frame.samples[0] for frame in Clip.open(path).audio_frames(RATE, FRAME_SECONDS, 1)]
    sound = np.tile(np.concatenate(pieces), repeats)
    return sound[: sound.size // FRAME * FRAME]


def packets(sound: np.ndarray, options: OpusOptions) -> list[bytes]:
    sender = AudioSender(OPUS, 7, "bench", options)
    pieces = [AudioFrame(sound[None, at : at + FRAME], RATE) for at in range(0, sound.size, FRAME)]
    made = [sender.packet(piece, number * FRAME_SECONDS) for number, piece in enumerate(pieces)]
    return [packet for packet in made if packet is not None]


def unlike(heard: np.ndarray, said: np.ndarray) -> float:
    one, other = levels(heard[late(heard, said) :]), levels(said)
    size = min(len(one), len(other))
    loud = other[:size].mean(axis=1) > 10 * np.log10(FLOOR) + 3  # pauses sound alike whatever happens
    return float(np.abs(one[:size] - other[:size])[loud].mean())


def late(heard: np.ndarray, said: np.ndarray) -> int:
    """By how many samples the one is later than the other."""
    size = 1 << (2 * max(heard.size, said.size)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    return int(np.argmax(np.fft.irfft(product, size)[:MOST_LATE]))


def levels(sound: np.ndarray) -> np.ndarray:
    pieces = sound[: sound.size // FRAME * FRAME].reshape(-1, FRAME).astype(float) * np.hanning(FRAME)
    power = np.abs(np.fft.rfft(pieces))[:, 1:161] ** 2
    return np.asarray(10 * np.log10(power.reshape(len(pieces), 20, 8).sum(axis=2) + FLOOR))
