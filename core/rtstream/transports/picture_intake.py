"""Pictures from the far end: what stands in aiortc's receiver between its packets and its decoder."""

from __future__ import annotations

import asyncio
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError

from ..clock import Clock
from ..media.frames import Heard
from ..media.pyav import video_from_av
from ..rtp.numbers import TIMESTAMP_BITS, distance
from ..tasks import ended
from ..video.assembly import Assembly, Part, Picture
from ..worker import Worker
from .aiortc_receiver import take_pictures
from .newest import Newest

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiortc import MediaStreamTrack, RTCRtpReceiver

MOST_WAITING = 10  # pictures that may wait for the decoder: a third of a second


class Whole(JitterFrame):
    """The pictures that became whole with one packet, in the place where aiortc has one."""

    def __init__(self, pictures: list[Picture]) -> None:
        super().__init__(pictures[0].data, pictures[0].timestamp)
        self.pictures = pictures


class Buffer:
    """What aiortc's jitter buffer is to it: packets go in, pictures come out, and a wish for a key frame."""

    def __init__(self, assembly: Assembly, clock: Clock) -> None:
        self._assembly, self._clock = assembly, clock

    def add(self, packet: Any) -> tuple[bool, Whole | None]:
        """Take a packet; whether to ask for a key frame, and what is to be decoded."""
        now = self._clock.now()
        self._assembly.follow(packet.ssrc)
        part = Part(packet.sequence_number, packet.timestamp, bool(packet.marker), packet._data)
        pictures = self._assembly.take(part, now)
        return self._assembly.wants_key(now), Whole(pictures) if pictures else None


class Missing:
    """What aiortc's generator of negative acknowledgements is to it."""

    def __init__(self, assembly: Assembly, clock: Clock) -> None:
        self._assembly, self._clock = assembly, clock
        self.missing: list[int] = []

    def add(self, packet: Any) -> bool:
        """Note a packet; whether `missing` is to be asked for."""
        self._assembly.follow(packet.ssrc)
        self.missing = self._assembly.missing(packet.sequence_number, self._clock.now())
        return bool(self.missing)


class ToDecoder:
    """What aiortc's queue to its decoder's thread is to it, but bounded.

    A decoder that cannot keep up would be later and later; and when the call ends, aiortc waits in the
    loop until it has decoded all that lies there.
    """

    def __init__(self, assembly: Assembly, clock: Clock) -> None:
        self._assembly, self._clock = assembly, clock
        self._waiting: SimpleQueue[tuple[Any, JitterFrame] | None] = SimpleQueue()

    def put(self, task: tuple[Any, Whole] | None) -> None:
        """Queue what became whole; None ends the decoder."""
        if task is None or self._waiting.qsize() > MOST_WAITING:
            self._forget()
        if task is None:
            return self._waiting.put(None)
        codec, whole = task
        first = whole.pictures[0].timestamp
        for picture in whole.pictures:
            later = distance(picture.timestamp, first, TIMESTAMP_BITS)
            self._waiting.put((codec, JitterFrame(picture.data, whole.timestamp + later)))

    def get(self) -> tuple[Any, JitterFrame] | None:
        """Wait for what is to be decoded."""
        return self._waiting.get()

    def _forget(self) -> None:
        self._assembly.wait_for_key(self._clock.now())
        try:
            while True:
                self._waiting.get_nowait()
        except Empty:
            pass


def take_in(receiver: RTCRtpReceiver) -> Assembly | None:
    """Let a receiver that has not begun work so; None where aiortc is not known."""
    assembly, clock = Assembly(), Clock()
    stand_ins = (kind(assembly, clock) for kind in (Buffer, Missing, ToDecoder))
    return assembly if take_pictures(receiver, *stand_ins) else None


async def see(track: MediaStreamTrack, hear: Callable[[Heard], None]) -> None:
    """Hand on the pictures of a track, the newest where some came meanwhile, until the far end stops it."""
    newest = Newest()
    worker, pump = Worker("rtstream-pictures"), asyncio.ensure_future(_pump(track, newest))
    try:
        while (frame := await newest.take()) is not None:
            hear(await worker.run(video_from_av, frame))
    finally:
        worker.close()
        await ended(pump)


async def _pump(track: MediaStreamTrack, newest: Newest) -> None:
    try:
        while True:
            newest.put(await track.recv())
    except MediaStreamError:
        newest.end()
