"""What a second of one echo call must cost: Opus, SRTP and two system calls, with nothing around them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

import av
from pylibsrtp import Policy, Session

from rtstream.media import libopus
from rtstream.media.frames import AudioFrame
from rtstream.media.opus import OpusOptions
from rtstream.media.pyav import audio_to_av

from .voices import FRAMES, RATE, packets, wave

if TYPE_CHECKING:
    import numpy as np

ROUNDS = 3
TARGETS = OpusOptions(bitrate=48_000, complexity=5)  # what was rtstream's default when the target was set


def limit(options: OpusOptions = TARGETS, *, direct: bool) -> float:
    """CPU seconds a second of sound, with libopus itself or with FFmpeg's codec around it."""
    codec = (_decode_direct(), _encode_direct(options)) if direct else (_decode_av(), _encode_av(options))
    return sum(map(_cost, (*codec, _srtp(), _sockets())))


def _cost(run: Callable[[], None]) -> float:
    run()
    took = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        run()
        took.append((time.process_time() - begin) / (FRAMES / 50))
    return median(took)


def _pieces() -> list[np.ndarray]:
    return [wave()[None, at : at + 960] for at in range(0, FRAMES * 960, 960)]


def _decode_direct() -> Callable[[], None]:
    decoder = libopus.Decoder(RATE, 1)
    return lambda: _all(decoder.decode, packets())


def _encode_direct(options: OpusOptions) -> Callable[[], None]:
    encoder = libopus.Encoder(RATE, 1, bit_rate=options.bitrate, complexity=options.complexity)
    return lambda: _all(encoder.encode, _pieces())


def _decode_av() -> Callable[[], None]:
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout, decoder.format = RATE, "mono", "s16"
    return lambda: _all(decoder.decode, map(av.Packet, packets()))


def _encode_av(options: OpusOptions) -> Callable[[], None]:
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "s16"
    encoder.bit_rate = options.bitrate
    encoder.options = {"application": "audio", "compression_level": str(options.complexity)}
    frames = [audio_to_av(AudioFrame(piece, RATE)) for piece in _pieces()]
    return lambda: _all(encoder.encode, frames)


def _srtp() -> Callable[[], None]:
    key, profile = os.urandom(44), Policy.SRTP_PROFILE_AEAD_AES_256_GCM
    out = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
    back = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
    sequence = 0

    def run() -> None:
        nonlocal sequence
        for packet in packets():
            sequence += 1
            back.unprotect(out.protect(b"\x80\x60" + (sequence & 0xFFFF).to_bytes(2) + bytes(8) + packet))

    return run


def _sockets() -> Callable[[], None]:
    one, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for end in (one, other):
        end.bind(("127.0.0.1", 0))
    address = other.getsockname()

    def run() -> None:
        for packet in packets():
            one.sendto(packet, address)
            other.recvfrom(2048)

    return run


def _all(fn: Callable[[Any], Any], items: Any) -> None:
    for item in items:
        fn(item)
