"""The codecs of a call: Opus, G.722 and G.711, each with its way over a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from rtstream.media import g711, libopus
from rtstream.media.frames import AudioFrame
from rtstream.media.opus import OpusOptions
from rtstream.media.resample import with_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

EVENTS = "telephone-event"  # RFC 4733: the keys of a telephone, as packets among those of the sound
FADE = 0.06  # seconds in which a sound that is repeated over a gap falls silent (G.711 appendix I)


class Decoder(Protocol):
    """Packets to sound: int16 `(channels, n)` at `rate`."""

    rate: int
    channels: int

    def decode(self, packet: bytes) -> Samples:
        """The sound of a packet. Raises ValueError when it is none."""
        ...

    def conceal(self, samples: int, following: bytes | None = None) -> Samples:
        """What was probably said in a gap of so many samples, the packet behind it given or not."""
        ...


class Encoder(Protocol):
    """Sound to packets."""

    rate: int
    channels: int

    def encode(self, samples: Samples) -> bytes: ...

    def protect(self, fec: bool, loss: int) -> None:
        """Prepare for so many percent of packets lost."""
        ...


@dataclass(frozen=True)
class Codec:
    """A codec as it was agreed on: `clock_rate` is that of its RTP timestamps."""

    name: str
    payload_type: int
    clock_rate: int

    @property
    def known(self) -> bool:
        return self.name in _RATES

    def rate(self, wanted: int) -> int:
        """The samples a second at which it is decoded and encoded for one who wants so many."""
        rates = libopus.RATES if self.name == "opus" and libopus.library() else (_RATES[self.name],)
        return wanted if wanted in rates else rates[-1]

    def decoder(self, rate: int, channels: int) -> Decoder:
        """A decoder; sound comes at `self.rate(rate)`."""
        if self.name != "opus":
            return _Repeating(_G722Decoder() if self.name == "G722" else _G711Decoder(self.name), channels)
        if libopus.library() is None:
            return _Repeating(_PyAVDecoder("libopus", 48_000, channels), channels)
        return libopus.Decoder(self.rate(rate), channels)

    def encoder(self, channels: int, options: OpusOptions) -> Encoder:
        """An encoder at its highest rate."""
        if self.name == "PCMU" or self.name == "PCMA":
            return _G711Encoder(self.name)
        if self.name == "G722":
            return _PyAVEncoder("g722", 16_000, 1)
        if libopus.library() is None:
            return _PyAVEncoder(
                "libopus",
                48_000,
                channels,
                options.bitrate,
                application="audio",
                compression_level=options.complexity,
            )
        return libopus.Encoder(
            48_000, channels, bit_rate=options.bitrate, complexity=options.complexity, dtx=options.dtx
        )


_RATES = {"opus": 48_000, "G722": 16_000, "PCMU": 8000, "PCMA": 8000}


class _Plain(Protocol):
    rate: int

    def decode(self, packet: bytes) -> Samples: ...


class _Repeating:
    """A decoder without an own way over gaps: the last sound is repeated and fades."""

    def __init__(self, plain: _Plain, channels: int) -> None:
        self.rate, self.channels = plain.rate, channels
        self._plain = plain
        self._last = np.zeros((channels, 1), np.int16)
        self._concealed = 0

    def decode(self, packet: bytes) -> Samples:
        sound = with_channels(AudioFrame(self._plain.decode(packet), self.rate), self.channels).samples
        if sound.shape[1]:
            self._last, self._concealed = sound, 0
        return sound

    def conceal(self, samples: int, following: bytes | None = None) -> Samples:
        moments = self._concealed + np.arange(samples)
        self._concealed += samples
        repeated = self._last[:, moments % self._last.shape[1]]
        faded = repeated * np.clip(1.0 - moments / (FADE * self.rate), 0.0, 1.0)
        return faded.astype(np.int16)


class _G711Decoder:
    rate = 8000

    def __init__(self, name: str) -> None:
        self._decode = g711.ulaw_decode if name == "PCMU" else g711.alaw_decode

    def decode(self, packet: bytes) -> Samples:
        return self._decode(packet).reshape(1, -1)


class _G711Encoder:
    rate, channels = 8000, 1

    def __init__(self, name: str) -> None:
        self._encode = g711.ulaw_encode if name == "PCMU" else g711.alaw_encode

    def encode(self, samples: Samples) -> bytes:
        return self._encode(samples[0])

    def protect(self, fec: bool, loss: int) -> None:
        """G.711 has no protection."""


def _context(name: str, way: Literal["r", "w"], rate: int, channels: int) -> Any:
    import av

    codec: Any = av.CodecContext.create(name, way)
    codec.format, codec.sample_rate = "s16", rate
    codec.layout = "mono" if channels == 1 else "stereo"
    return codec


class _PyAVDecoder:
    """A decoder of FFmpeg's: what there is for G.722, and for Opus where libopus cannot be reached."""

    def __init__(self, name: str, rate: int, channels: int) -> None:
        from av.error import FFmpegError
        from av.packet import Packet

        self.rate = rate
        self._codec = _context(name, "r", rate, channels)
        self._packet, self._failure = Packet, FFmpegError

    def decode(self, packet: bytes) -> Samples:
        from rtstream.media.pyav import audio_from_av

        try:
            frames = self._codec.decode(self._packet(packet)) if packet else []
        except self._failure as error:
            raise ValueError(str(error)) from error
        sounds = [audio_from_av(frame).samples for frame in frames]
        return np.concatenate(sounds, axis=1) if sounds else np.zeros((1, 0), np.int16)


def _G722Decoder() -> _PyAVDecoder:
    return _PyAVDecoder("g722", 16_000, 1)


class _PyAVEncoder:
    """An encoder of FFmpeg's, as above."""

    def __init__(
        self, name: str, rate: int, channels: int, bit_rate: int | None = None, **options: Any
    ) -> None:
        self.rate, self.channels = rate, channels
        self._codec = _context(name, "w", rate, channels)
        self._codec.options = {key: str(value) for key, value in options.items()}
        if bit_rate is not None:
            self._codec.bit_rate = bit_rate

    def encode(self, samples: Samples) -> bytes:
        from rtstream.media.pyav import audio_to_av

        return b"".join(map(bytes, self._codec.encode(audio_to_av(AudioFrame(samples, self.rate)))))

    def protect(self, fec: bool, loss: int) -> None:
        """FFmpeg's settings are fixed once it has begun."""
