"""Pictures to the far end: the newest one, encoded in a thread of its own, no more than can be carried."""

from __future__ import annotations

import os
import re
import sys
import threading
from fractions import Fraction
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCRtpSender

from ..clock import Clock
from ..media.frames import Frame, VideoFrame
from ..media.picture_encoder import CLOCK, PictureEncoder
from ..media.video import VideoOptions
from ..video import feedback
from ..video.governor import Governor, Plan
from ..worker import Worker
from .aiortc_inside import Line
from .aiortc_sender import Reports
from .newest import Newest

KEY_SECONDS = 0.3  # between two key frames that were asked for: one answers all who ask meanwhile
EARLY = 0.25  # of a picture's time, by which a source that keeps step may be early
NICENESS = 5  # sound is encoded in the loop's thread, which on Linux goes before this one


_CODEC = re.compile(r"^m=video \d+ \S+ (\d+).*?^a=rtpmap:\1 (\w+)/", re.M | re.S)


def agreed_codec(answer: str) -> str:
    """The codec of an answer's pictures that is sent, which is its first (RFC 3264 §6.1)."""
    found = _CODEC.search(answer)
    return found[2] if found is not None else "VP8"


class PictureTrack(MediaStreamTrack):
    """The track that aiortc's sender pulls encoded pictures from, each when it can send one.

    Args:
        options: how pictures are encoded.
        sender: aiortc's.

    Let it `begin` when it is known what was agreed on.
    """

    kind = "video"

    def __init__(self, options: VideoOptions, sender: RTCRtpSender) -> None:
        super().__init__()
        self.governor = Governor(options)
        self._ssrc = sender._ssrc
        self._clock = Clock()
        self._reports = Reports(sender, self._clock.now)
        self._encoder: PictureEncoder | None = None
        self._worker = Worker("rtstream-encoder")
        self._newest = Newest()
        self._begun: float | None = None
        self._ticks = 0
        self._due = float("-inf")
        self._key, self._key_given = True, float("-inf")

    def begin(self, codec: str, lines: list[Line]) -> None:
        """Take the codec that was agreed on, and listen to what the far end says of its pictures."""
        self._encoder = PictureEncoder(codec)
        for line in lines:
            line.tell(self.told)

    def say(self, frame: Frame) -> None:
        """Take a picture for the far end."""
        if isinstance(frame, VideoFrame):
            self.governor.came(self._clock.now())
            self._newest.put(frame)

    def clear(self) -> None:
        """Forget what is not yet encoded."""
        self._newest.clear()

    def told(self, data: bytes) -> None:
        """The far end has sent RTCP."""
        said, now, bandwidth = feedback.read(data, self._ssrc), self._clock.now(), self.governor.bandwidth
        self._key |= said.key
        if said.answered is not None:
            last, held = said.answered
            if (left := self._reports.left(last)) is not None:
                bandwidth.answered(left, held, now)
        if said.lost is not None:
            bandwidth.lost(said.lost, now)
        if said.limit is not None:
            bandwidth.estimated(said.limit, now)

    async def recv(self) -> av.Packet[Any]:
        """The next picture, encoded; the one before has left."""
        await self._reports.send()
        while True:
            frame = await self._newest.take()
            now = self._clock.now()
            plan = self.governor.plan(frame.pixels.shape[1], frame.pixels.shape[0], now)
            if (wait := max(self._due - EARLY / plan.fps - now, self.governor.bandwidth.wait(now))) <= 0:
                break
            # A newer one may come meanwhile, and is sent in its place.
            await self._clock.sleep(wait)
            self._newest.offer(frame)
        self._due = max(self._due + 1 / plan.fps, now + (1 - 2 * EARLY) / plan.fps)
        return await self._encoded(frame, plan, now)

    async def _encoded(self, frame: VideoFrame, plan: Plan, now: float) -> av.Packet[Any]:
        assert self._encoder is not None
        if self._begun is None:
            self._begun = now
            await self._worker.run(_give_way)
        self._ticks = max(self._ticks + 1, round((now - self._begun) * CLOCK))
        asked = self._key and now - self._key_given >= KEY_SECONDS
        began = self._clock.now()
        data, key = await self._worker.run(self._encode, frame, plan, self._ticks, asked)
        if key:
            self._key, self._key_given = False, now
        done = self._clock.now()
        self.governor.encoded(done - began, len(data), done, key=key)
        packet = av.Packet(data)
        packet.pts, packet.time_base = self._ticks, Fraction(1, CLOCK)
        return packet

    def _encode(self, frame: VideoFrame, plan: Plan, ticks: int, key: bool) -> tuple[bytes, bool]:
        assert self._encoder is not None
        size = plan.width, plan.height
        return self._encoder.encode(frame.pixels, size, plan.bitrate, ticks, key=key)

    def stop(self) -> None:
        super().stop()
        self._worker.close()


def _give_way() -> None:
    """Let all other threads go before this one, where the system can."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
