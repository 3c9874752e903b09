"""A streaming change of rate by FFmpeg's libswresample: loaded when a rate first has to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from av.filter import Graph

from rtstream.media.frames import AudioFrame, joined
from rtstream.media.pyav import LAYOUTS, audio_to_av, packed_from_av

if TYPE_CHECKING:
    import av


HELD = 32  # samples at the slower of the two rates: twice what the filter of libswresample holds back


class RateFilter:
    """A filter graph between two rates. FFmpeg gives a graph a thread a core unless told otherwise."""

    def __init__(self, rate_in: int, rate_out: int, channels: int) -> None:
        self.takes = (rate_in, channels)
        self._rate_out = rate_out
        self._owed = 0.0  # samples that have not yet come out of what was pushed
        self._silent = 0  # samples of silence that are to come out before that
        layout = LAYOUTS[channels - 1]
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

    def push(self, frame: AudioFrame) -> AudioFrame | None:
        self._owed += frame.samples.shape[1] * self._rate_out / frame.rate
        self._source.push(audio_to_av(frame))
        out = self._next()  # one comes for each that goes in: to ask for more would cost an exception
        if out is not None and self._silent:
            out = self._without_silence(out)
        if out is not None:
            self._owed -= out.samples.shape[1]
        return out

    def drain(self) -> AudioFrame | None:
        """Push out what is held by silence, which is left out of what comes later."""
        if (owed := round(self._owed)) < 1:
            return None
        rate_in, channels = self.takes
        count = -(-HELD * rate_in // min(rate_in, self._rate_out))
        self._source.push(audio_to_av(AudioFrame(np.zeros((channels, count), np.int16), rate_in)))
        out = self._next()
        came = 0 if out is None else out.samples.shape[1]
        self._silent = round(self._owed + count * self._rate_out / rate_in) - came
        self._owed = 0.0
        return None if out is None else AudioFrame(out.samples[:, :owed], out.rate)

    def _without_silence(self, out: AudioFrame) -> AudioFrame | None:
        left = out.samples[:, self._silent :]
        self._silent = max(0, self._silent - out.samples.shape[1])
        return AudioFrame(left, out.rate) if left.size else None

    def end(self) -> AudioFrame | None:
        self._source.push(None)
        parts: list[AudioFrame] = []
        while (part := self._next()) is not None:
            parts.append(part)
        return joined(parts)

    def _next(self) -> AudioFrame | None:
        try:
            return packed_from_av(cast("av.AudioFrame", self._sink.pull()))
        except (BlockingIOError, EOFError):  # FFmpeg's EAGAIN and end of stream
            return None
