"""What the handler gave, on its way to the far end in its time, one kind of media at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator

from ..clock import Clock
from ..media.frames import AudioFrame, Kind, VideoFrame
from ..media.resample import Chunker, Resampler
from ..transports.base import Transport
from .outcome import Stats
from .pacer import Pacer
from .queue import FrameQueue

TAIL_HELD = 0.06  # seconds that the last sound waits for more, before it goes out padded to a frame


class Mouth:
    """What the handler gave, in the form that the far end takes, on its way out in its time.

    What may go at once goes straight from `put`; what must wait lies in a queue that `speak` empties.
    """

    def __init__(
        self,
        kind: Kind,
        transport: Transport,
        clock: Clock,
        rate: int,
        counted: Stats,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._counted = counted
        self._rate = transport.rate or rate
        self._queue: FrameQueue[AudioFrame | VideoFrame] = FrameQueue(most=None if kind == "audio" else 0)
        self._pacer = Pacer(clock, transport.lead)
        self._resampler: Resampler | None = None
        self._chunker: Chunker | None = None
        self._filtered = False
        self._straight: tuple[int, ...] | None = None  # the shape of what the far end takes as it is
        self._putting = self._speaking = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._tail_due = 0.0
        self._tail: asyncio.TimerHandle | None = None
        self._era = self._spoken_era = 0
        self._sent = 0.0
        self._pieces_sent = 0

    def put(self, frame: AudioFrame | VideoFrame, ahead: float) -> Awaitable[None] | None:
        """Send a frame if its time has come; else queue it, and wait while more than `ahead` seconds are.

        Returns:
            what to wait for; None if all is done, as for most frames of a live source.
        """
        # Most of the time.
        if (
            isinstance(frame, AudioFrame)
            and frame.samples.shape == self._straight
            and frame.rate == self._rate
        ):
            return self._give(frame, ahead)
        self._straight = None
        pieces = self._pieces(frame)
        for piece in pieces:
            if (rest := self._give(piece, ahead)) is not None:
                return self._put_rest(rest, pieces, ahead)
        if self._held():
            self._idle.clear()
            self._watch_tail()
        return None

    async def _put_rest(
        self, giving: Awaitable[None], pieces: Iterator[AudioFrame | VideoFrame], ahead: float
    ) -> None:
        era, self._putting = self._era, True
        try:
            await giving
            for piece in pieces if era == self._era else ():
                if (giving_next := self._give(piece, ahead)) is not None:
                    await giving_next
                if era != self._era:
                    return
        finally:
            self._putting = False
        if era == self._era and self._held():
            self._idle.clear()
            self._watch_tail()

    def _give(self, piece: AudioFrame | VideoFrame, ahead: float) -> Awaitable[None] | None:
        """Send a piece or queue it; what to wait for."""
        lasts = self._lasts(piece)
        queue = self._queue
        # After `clear` the far end is told of that first.
        first = not (self._speaking or queue) and self._era == self._spoken_era
        if self._pacer.given(lasts, first=first, held_up=queue.seconds + piece.duration > ahead):
            return self._out(piece)
        self._idle.clear()
        return queue.put(piece, ahead)

    async def speak(self) -> None:
        """Send what is queued, each frame in its time, for as long as the session lasts."""
        try:
            while True:
                await self._queue.wait()
                self._speaking = True
                while self._queue:
                    await self._speak_next()
                self._speaking = False
                self._rest()
        finally:
            if self._tail is not None:
                self._tail.cancel()

    async def drained(self) -> None:
        """Wait until all that was put has been sent."""
        await self._idle.wait()

    async def heard(self) -> None:
        """Wait until the far end has played all that was put so far, or has been made to forget it.

        What is put later need not be waited for, so that a source which never pauses cannot hold it up.
        """
        era, held = self._era, 2 if self._held() else 0  # pieces, at most
        last = self._pieces_sent + len(self._queue) + self._speaking + held
        await self._clock.sleep(self.to_be_heard)
        # The line or the loop may have been held up meanwhile.
        while era == self._era and self._pieces_sent < last and not self._idle.is_set():
            await self._clock.sleep(self.to_be_heard or self._transport.piece)
        await self._clock.sleep(self.backlog)

    @property
    def backlog(self) -> float:
        """Seconds that were sent and that the far end has not yet played."""
        return min(self._sent, self._pacer.unplayed(self._transport.behind))

    @property
    def to_be_heard(self) -> float:
        """Seconds until the far end has played all that was put so far."""
        piece = self._transport.piece
        waiting = piece if self._speaking else 0.0  # the one whose turn it is
        held = TAIL_HELD + piece if self._held() else 0.0
        return waiting + held + self._queue.seconds + self.backlog

    @property
    def played(self) -> float:
        """Seconds that the far end has played since the session began."""
        return self._sent - self.backlog

    def clear(self) -> None:
        """Forget what has not been sent, the frame that waits for its time included."""
        self._era += 1
        self._sent -= self.backlog
        self._queue.clear()
        if self._resampler is not None and self._chunker is not None:
            self._resampler.reset()
            self._chunker.reset()
            self._filtered = False
            self._look_for_straight_way()
        self._pacer.reset()
        if not self._speaking:
            self._idle.set()

    async def _speak_next(self) -> None:
        frame = await self._queue.pop()
        era = self._era
        await self._pacer.turn(self._lasts(frame))
        if era == self._era:
            self._spoken_era = era
            if (sending := self._out(frame)) is not None:
                await sending

    def _lasts(self, frame: AudioFrame | VideoFrame) -> float:
        """How long a frame lasts by this clock, when the far end plays it by its own."""
        return frame.duration / (1 + self._transport.drift)

    def _out(self, frame: AudioFrame | VideoFrame) -> Awaitable[None] | None:
        self._sent += frame.duration
        self._pieces_sent += 1
        self._counted.frames_out += 1
        if isinstance(frame, AudioFrame):
            self._counted.seconds_out += frame.duration
        return self._transport.send(frame)

    def _rest(self) -> None:
        """Nothing is queued any more."""
        if self._held():
            self._watch_tail()
        else:
            self._idle.set()

    def _watch_tail(self) -> None:
        """Let go what is held if nothing comes for a while; one timer serves many frames."""
        self._tail_due = self._clock.now() + TAIL_HELD
        if self._tail is None:
            self._tail = asyncio.get_running_loop().call_later(TAIL_HELD, self._look_at_tail)

    def _look_at_tail(self) -> None:
        self._tail = None
        if self._putting or self._speaking or self._queue:
            return  # `put` and `_rest` look again when they are done
        left = self._tail_due - self._clock.now()
        if not self._held():
            self._idle.set()
        elif left > 0:
            self._tail = asyncio.get_running_loop().call_later(left, self._look_at_tail)
        else:
            self._let_go()
            if not self._queue:
                self._idle.set()

    def _pieces(self, frame: AudioFrame | VideoFrame) -> Iterator[AudioFrame | VideoFrame]:
        """The frame as the far end takes it; a long sound a second at a time, so that others get theirs."""
        if isinstance(frame, VideoFrame):
            yield frame
            return
        if self._resampler is None or self._chunker is None:
            channels = min(frame.channels, self._transport.channels)
            self._resampler = Resampler(self._rate, channels)
            self._chunker = Chunker(self._rate, channels, self._transport.piece)
        self._filtered = frame.rate != self._rate
        for start in range(0, frame.samples.shape[1], frame.rate):
            part = AudioFrame(frame.samples[:, start : start + frame.rate], frame.rate)
            if (sound := self._resampler.push(part)) is not None:
                yield from self._chunker.push(sound)
        self._look_for_straight_way()

    def _held(self) -> bool:
        """Whether the resampler's filter or less than a whole frame may hold some sound back."""
        return self._filtered or (self._chunker is not None and self._chunker.held > 0)

    def _let_go(self) -> None:
        assert self._resampler is not None and self._chunker is not None
        self._filtered = False
        rest = self._resampler.drain()
        pieces = self._chunker.push(rest) if rest is not None else []
        for piece in (*pieces, self._chunker.flush()):
            if piece is not None:
                self._queue.push(piece)
        self._look_for_straight_way()

    def _look_for_straight_way(self) -> None:
        """What has the form that the far end takes goes out as it is, while nothing is held before it."""
        resampler, chunker = self._resampler, self._chunker
        assert resampler is not None and chunker is not None
        held = resampler.filters or chunker.held
        self._straight = None if held else (resampler.channels, chunker.size)
