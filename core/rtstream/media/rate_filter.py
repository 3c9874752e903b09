"""A streaming change of rate by FFmpeg's libswresample: loaded when a rate first has to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from av.filter import Graph

from rtstream.media import libswresample
from rtstream.media.frames import AudioFrame, joined
from rtstream.media.pyav import LAYOUTS, audio_to_av, packed_from_av

if TYPE_CHECKING:
    import av
    from numpy.typing import NDArray

HELD = 32  # samples at the slower of the two rates: twice what the filter of libswresample holds back


class Converter(Protocol):
    """One filter of libswresample. Sound is int16 of shape `(channels, n)`."""

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16] | None:
        """What comes out for what goes in; None if all of it is held back."""

    def end(self) -> NDArray[np.int16] | None:
        """What is held back; nothing can be pushed any more."""


class RateFilter:
    """A filter between two rates."""

    def __init__(self, rate_in: int, rate_out: int, channels: int) -> None:
        self.takes = (rate_in, channels)
        self._rate_out = rate_out
        self._owed = 0.0  # samples that have not yet come out of what was pushed
        self._silent = 0  # samples of silence that are to come out before that
        made = libswresample.Converter if libswresample.library() is not None else GraphConverter
        self._converter: Converter = made(rate_in, rate_out, LAYOUTS[channels - 1], channels)

    def push(self, frame: AudioFrame) -> AudioFrame | None:
        self._owed += frame.samples.shape[1] * self._rate_out / frame.rate
        out = self._converter.push(frame.samples)
        if out is not None and self._silent:
            out = self._without_silence(out)
        if out is None:
            return None
        self._owed -= out.shape[1]
        return AudioFrame(out, self._rate_out)

    def drain(self) -> AudioFrame | None:
        """Push out what is held by silence, which is left out of what comes later."""
        if (owed := round(self._owed)) < 1:
            return None
        rate_in, channels = self.takes
        count = -(-HELD * rate_in // min(rate_in, self._rate_out))
        out = self._converter.push(np.zeros((channels, count), np.int16))
        came = 0 if out is None else out.shape[1]
        self._silent = round(self._owed + count * self._rate_out / rate_in) - came
        self._owed = 0.0
        return None if out is None else AudioFrame(out[:, :owed], self._rate_out)

    def end(self) -> AudioFrame | None:
        out = self._converter.end()
        return None if out is None else AudioFrame(out, self._rate_out)

    def _without_silence(self, out: NDArray[np.int16]) -> NDArray[np.int16] | None:
        left = out[:, self._silent :]
        self._silent = max(0, self._silent - out.shape[1])
        return left if left.size else None


class GraphConverter:
    """PyAV's way to the same filter. FFmpeg gives a graph a thread a core unless told otherwise."""

    def __init__(self, rate_in: int, rate_out: int, layout: str, channels: int) -> None:
        self._rate_in = rate_in
        self._graph = Graph()
        self._graph.threads = 1
        self._source = self._graph.add(
            "abuffer",
            sample_rate=str(rate_in),
            sample_fmt="s16",
            channel_layout=layout,
            time_base=f"1/{rate_in}",
        )
        self._sink = self._graph.add("abuffersink")
        resample = self._graph.add("aresample", sample_rate=str(rate_out))
        shape = self._graph.add(
            "aformat", sample_rates=str(rate_out), sample_fmts="s16", channel_layouts=layout
        )
        self._graph.link_nodes(self._source, resample, shape, self._sink).configure()

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16] | None:
        self._source.push(audio_to_av(AudioFrame(samples, self._rate_in)))
        out = self._next()  # one comes for each that goes in: to ask for more would cost an exception
        return None if out is None else out.samples

    def end(self) -> NDArray[np.int16] | None:
        self._source.push(None)
        parts: list[AudioFrame] = []
        while (part := self._next()) is not None:
            parts.append(part)
        whole = joined(parts)
        return None if whole is None else whole.samples

    def _next(self) -> AudioFrame | None:
        try:
            return packed_from_av(cast("av.AudioFrame", self._sink.pull()))
        except (BlockingIOError, EOFError):  # FFmpeg's EAGAIN and end of stream
            return None
