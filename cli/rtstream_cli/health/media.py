"""The codecs, the way of sound and the voice detector of this machine, each tried."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.error import FFmpegError

from rtstream.errors import RtstreamError
from rtstream.media import libopus
from rtstream.media.opus import OpusOptions
from rtstream.transports import contract, uvicorn_inside
from rtstream.transports.private_names import Feature, broken_names
from rtstream.turns.vad import get_silero_model
from rtstream.turns.windows import VAD_RATE, VAD_SAMPLES, Window

from .finding import Finding, failed

RATE, FRAME, TRIES, LOUD = 48_000, 960, 50, 8000
AGAIN = "pip install --force-reinstall av"
PICTURES = {"VP8": ("libvpx", "vp8"), "H.264": ("libx264", "h264")}


def look() -> Iterator[Finding]:
    """Try each of them."""
    yield _opus()
    yield from (_pictures(name, *coders) for name, coders in PICTURES.items())
    yield asyncio.run(_fast_paths())
    yield _detector()


def _opus() -> Finding:
    """A second of sound there and back, as a call codes it."""
    library = libopus.library()
    if library is None:
        said = "libopus cannot be called: FFmpeg's codec stands in, which costs more and conceals no loss"
        return Finding("Opus", "warn", said, f"{AGAIN}, or install your system's libopus")
    options = OpusOptions()
    encoder = libopus.Encoder(RATE, 1, bit_rate=options.bitrate, complexity=options.complexity)
    decoder = libopus.Decoder(RATE, 1)
    wave = (LOUD * np.sin(np.arange(TRIES * FRAME) * 0.05)).astype(np.int16)[None]
    pieces = np.split(wave, TRIES, axis=1)
    begun = time.process_time()
    back = [decoder.decode(encoder.encode(piece)) for piece in pieces]
    took = 1000 * (time.process_time() - begun) / TRIES
    if np.abs(back[-1]).max() < LOUD / 2:
        return Finding("Opus", "fail", "what was coded comes back silent", AGAIN)
    version = library.opus_get_version_string().decode()
    return Finding("Opus", "ok", f"{version}: 20 ms of sound take {took:.2f} ms there and back")


def _pictures(name: str, encoder: str, decoder: str) -> Finding:
    """One picture there and back."""
    try:
        coding: Any = av.CodecContext.create(encoder, "w")
        coding.width, coding.height, coding.pix_fmt = 320, 240, "yuv420p"
        coding.time_base, coding.framerate = Fraction(1, 30), Fraction(30)
        picture = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 90, np.uint8), format="bgr24")
        packets = [*coding.encode(picture.reformat(format="yuv420p")), *coding.encode(None)]
        decoding: Any = av.CodecContext.create(decoder, "r")
        shown = [frame for packet in (*packets, None) for frame in decoding.decode(packet)]
    except (UnknownCodecError, FFmpegError) as error:
        return Finding(name, "fail", f"pictures cannot be coded: {error}", AGAIN)
    if [(frame.width, frame.height) for frame in shown] != [(320, 240)]:
        return Finding(name, "fail", "a picture has another size when it comes back", AGAIN)
    return Finding(name, "ok", f"a picture goes there ({encoder}) and back ({decoder})")


async def _fast_paths() -> Finding:
    """Whether aiortc and uvicorn are as they are known: what is built on their inside is left out else.

    A connection that is looked at takes the loop that runs.
    """
    features = [feature for feature in vars(contract).values() if isinstance(feature, Feature)]
    if find_spec(uvicorn_inside.MODULE) is not None:
        import_module(uvicorn_inside.MODULE)  # which uvicorn loads when it serves
        features.append(uvicorn_inside.SOCKETS)
    missed = [feature for feature in features if broken_names(feature)]
    if not missed:
        return Finding("fast paths", "ok", "aiortc and uvicorn are as they are known: all are taken")
    said = "; ".join(f"{feature.otherwise} ({', '.join(broken_names(feature))})" for feature in missed)
    fix = "pip install --upgrade rtstream"
    return Finding("fast paths", "warn", f"a version is not as it is known, so {said}", fix)


def _detector() -> Finding:
    """A second of speechless sound before the voice detector."""
    try:
        stream = get_silero_model().stream()
    except RtstreamError as error:
        return failed("voice detector", error)
    noise = np.random.default_rng(1).normal(0, 0.05, VAD_SAMPLES).astype(np.float32)
    window = Window((noise * 32767).astype(np.int16), noise)
    count = VAD_RATE // VAD_SAMPLES
    begun = time.process_time()
    heard = max(stream(window) for _ in range(count))
    took = 1000 * (time.process_time() - begun) / count
    stream.close()
    if not 0 <= heard <= 1:
        return Finding("voice detector", "fail", f"it says {heard}, which is no probability")
    return Finding("voice detector", "ok", f"Silero: {1000 * VAD_SAMPLES // VAD_RATE} ms take {took:.2f} ms")
