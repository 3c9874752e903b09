"""The sound of one call as packets, both ways: its two halves, and what they do in time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ..clock import TICK, Clock, shared_moment
from ..media.frames import AudioFrame
from ..rtp import rtcp
from ..rtp.codecs import Codec
from ..rtp.receiver import AudioReceiver
from ..rtp.sender import AudioSender
from .shared_reader import Then, at_once

RATE = 48_000  # samples a second wanted by whoever sends
KEPT = 50  # packets that a line keeps for it before anybody listens: one second of sound


class RtpSession:
    """An RTP session with one far end (RFC 3550 §3), on whatever line carries it.

    The line hands it the packets of that far end, decrypted, and carries what it gives. Use: `begin` when it
    is known what is spoken, `take` as a step (`then`) once there is somebody to `hear`, `close`.

    Args:
        codecs: by payload type, those that were agreed on; the line may fill them in later.
        send: carries a packet of sound.
        report: called when it is time to carry the `reports`.
        pressed: called with each key; without it a key is heard as its tones.

    `then` does a step of it, at once unless the line has another way. `speaks` is whether sound is sent.
    There is no `sender` before `begin`. `drift` is by how much the far end's clock is faster than this one,
    as a share, as it was known at the last report.
    """

    def __init__(
        self,
        codecs: Mapping[int, Codec],
        send: Callable[[bytes], None],
        report: Callable[[], None],
        pressed: Callable[[str], None] | None = None,
    ) -> None:
        self.receiver = AudioReceiver(codecs, pressed=pressed)
        self.sender: AudioSender | None = None
        self.hear: Callable[[AudioFrame], None] | None = None
        self.then: Then = at_once
        self.speaks = False
        self.drift = 0.0
        self._send, self._report = send, report
        self._clock = Clock()
        self._seconds = 0.0
        self._closed = False
        self._due: asyncio.TimerHandle | None = None
        self._reporting: asyncio.TimerHandle | None = None

    def begin(self, sender: AudioSender, seconds: float, first: float = 1.0) -> None:
        """Speak by this sender, which may take the place of another one.

        Args:
            seconds: between reports, on average; each is up to half of it sooner or later (RFC 3550 §6.2).
            first: the share of that after which the first ones are due.
        """
        self.sender, self._seconds = sender, seconds
        if self._reporting is None:
            self._report_soon(first)

    def hear_at(self, rate: int, channels: int) -> None:
        """Say in which form sound is wanted."""
        self.receiver.rate, self.receiver.channels = rate, channels

    def take(self, packet: bytes, now: float) -> None:
        """Take a packet; what can be heard by now is handed on."""
        assert self.hear is not None
        for frame in self.receiver.take(packet, now):
            self.then(self.hear, frame)
        if self._due is None and self.receiver.deadline is not None:
            self._watch()

    def told(self, data: bytes, now: float) -> None:
        """Take reports: what the far end has heard, and what it has sent."""
        for report in rtcp.parse(data):
            self.receiver.told(report, now)
            if self.sender is not None:
                self.sender.told(report, now)

    def send(self, frame: AudioFrame) -> None:
        """Say a frame now, if sound is sent; else it is as good as said."""
        self.then(self._say, frame)

    def _say(self, frame: AudioFrame) -> None:
        if self.speaks and self.sender is not None:
            if (packet := self.sender.packet(frame, self._clock.now())) is not None:
                self._send(packet)

    def reports(self, *, last: bool = False) -> bytes:
        """What was sent and what was heard, as the far end is told of it; the last ones say goodbye."""
        assert self.sender is not None
        now = self._clock.now()
        write = self.sender.goodbye if last else self.sender.reports
        return write(self.receiver.blocks(now), now, self._clock.wall())

    def close(self) -> None:
        """Stop all timers, and say nothing more. It can still give the last `reports`. Safe to call twice."""
        self._closed, self.speaks = True, False
        for timer in (self._due, self._reporting):
            if timer is not None:
                timer.cancel()

    @property
    def counted(self) -> dict[str, Any]:
        """What was counted: `heard` and `said`."""
        said = asdict(self.sender.said) if self.sender is not None else {}
        return {"heard": asdict(self.receiver.counted), "said": said}

    # Timers.

    def _watch(self) -> None:
        """Look again when a missing packet has been waited for."""
        if (due := self.receiver.deadline) is not None and not self._closed:
            self._due = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        assert self.hear is not None
        self._due = None
        for frame in self.receiver.poll(self._clock.now()):
            self.hear(frame)
        self._watch()

    def _report_soon(self, share: float = 1.0) -> None:
        loop, seconds = asyncio.get_running_loop(), self._seconds * share
        soonest = loop.time() + seconds / 2
        due = shared_moment(soonest + random.random() * (seconds - TICK))  # which may be `TICK` later
        self._reporting = loop.call_at(due, self._report_now)

    def _report_now(self) -> None:
        self.drift = self.receiver.drift
        self.receiver.look(self._clock.now())
        if self._due is None:
            self._watch()
        self._report()
        self._report_soon()
