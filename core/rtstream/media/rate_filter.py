"""A streaming change of rate by FFmpeg's libswresample: loaded when a rate first has to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from av.filter import Graph

from rtstream.media.frames import AudioFrame, joined
from rtstream.media.pyav import LAYOUTS, audio_to_av, packed_from_av

if TYPE_CHECKING:
    import av


class RateFilter:
    """A filter graph between two rates. FFmpeg gives a graph a thread a core unless told otherwise."""

    def __init__(self, rate_in: int, rate_out: int, channels: int) -> None:
        self.takes = (rate_in, channels)
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
        self._source.push(audio_to_av(frame))
        return self._next()  # one comes for each that goes in: to ask for more would cost an exception

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
