"""Both halves of a call's sound without a line, on stepped time: what comes, what goes, when reports do."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from rtstream.clock import Clock, run_stepped
from rtstream.media import libopus
from rtstream.media.frames import AudioFrame
from rtstream.media.opus import OpusOptions
from rtstream.rtp import keys, rtcp
from rtstream.rtp.codecs import EVENTS, Codec
from rtstream.rtp.packet import build
from rtstream.rtp.sender import AudioSender
from rtstream.rtp.unsent import STOPPED_SILENCE
from rtstream.transports.rtp_session import RtpSession
from tests.unit.voice import frames, voice

PCMU = Codec("PCMU", 0, 8000)
CODECS = {0: PCMU, 101: Codec(EVENTS, 101, 8000)}
PIECE = 0.02


class End:
    """One end: what its session sent, what it heard and when."""

    def __init__(self, ssrc: int = 1) -> None:
        self.sent: list[bytes] = []
        self.due: list[float] = []
        self.heard: list[tuple[float, AudioFrame]] = []
        self.pressed: list[str] = []
        self.ssrc = ssrc
        self.rtp = RtpSession(CODECS, self.sent.append, self._report, self.pressed.append)
        self.rtp.hear = lambda frame: self.heard.append((Clock().now(), frame))

    def begin(self, seconds: float = 1.0, first: float = 1.0) -> None:
        self.rtp.begin(AudioSender(PCMU, self.ssrc, "us"), seconds, first)
        self.rtp.speaks = True

    def _report(self) -> None:
        self.due.append(Clock().now())

    @property
    def sound(self) -> NDArray[np.int16]:
        return np.concatenate([frame.samples[0] for _, frame in self.heard])


def said(seconds: float) -> list[AudioFrame]:
    return frames(voice(seconds, 8000), 8000)


def test_what_one_end_says_is_heard_by_the_other_at_once() -> None:
    async def main() -> None:
        here, there = End(), End()
        here.begin()
        for frame in said(1):
            here.rtp.send(frame)
            there.rtp.take(here.sent[-1], Clock().now())
            await Clock().sleep(PIECE)
        here.rtp.close()
        assert len(here.sent) == 50
        assert [at for at, _ in there.heard] == pytest.approx([PIECE * n for n in range(50)])
        assert np.abs(there.sound - voice(1, 8000)).max() < 500
        assert here.rtp.counted["said"]["packets"] == there.rtp.counted["heard"]["received"] == 50
        assert there.rtp.counted["said"] == {} and there.rtp.drift == 0

    run_stepped(main())


def test_behind_a_gap_sound_comes_though_no_further_packet_does() -> None:
    async def main() -> None:
        here, there = End(), End()
        here.begin()
        for frame in said(0.2):
            here.rtp.send(frame)
        for n, packet in enumerate(here.sent):
            if n != 8:
                there.rtp.take(packet, Clock().now())
        assert len(there.heard) == 8, "the last one is held"
        await Clock().sleep(1)
        assert there.sound.size == 10 * 160
        assert 0 < there.heard[-1][0] <= 0.1
        assert there.rtp.counted["heard"]["lost"] == 1
        here.rtp.close()

    run_stepped(main())


def test_once_it_is_closed_it_hears_says_and_reports_nothing() -> None:
    async def main() -> None:
        here, there = End(1), End(2)
        here.begin()
        there.begin()
        for frame in said(0.1):
            here.rtp.send(frame)
        for packet in (here.sent[0], *here.sent[2:]):
            there.rtp.take(packet, Clock().now())
        assert len(there.heard) == 1, "the others are held"
        for end in (here, there, there):
            end.rtp.close()
        there.rtp.send(said(0.02)[0])
        await Clock().sleep(10)
        assert len(there.heard) == 1 and not there.sent and not there.due and not here.due
        report, goodbye = rtcp.parse(there.rtp.reports(last=True))
        assert [block.ssrc for block in report.blocks] == [1] and goodbye.goodbye

    run_stepped(main())


def test_who_closes_while_it_hears_does_not_look_again() -> None:
    async def main() -> None:
        here, there = End(1), End(2)
        here.begin()
        for frame in said(0.1):
            here.rtp.send(frame)
        heard: list[AudioFrame] = []

        def hear(frame: AudioFrame) -> None:
            heard.append(frame)
            there.rtp.close()

        there.rtp.take(here.sent[0], Clock().now())
        there.rtp.take(here.sent[2], Clock().now())
        await Clock().sleep(0.005)
        there.rtp.take(here.sent[4], Clock().now())
        there.rtp.hear = hear
        await Clock().sleep(1)
        assert len(heard) == 2, "the first gap and what was held behind it, and not the second one"
        here.rtp.close()

    run_stepped(main())


def test_nothing_is_said_before_it_begins_nor_while_sound_is_not_sent() -> None:
    async def main() -> None:
        here = End()
        here.rtp.speaks = True
        here.rtp.send(said(0.02)[0])
        here.begin()
        here.rtp.speaks = False
        here.rtp.send(said(0.02)[0])
        assert here.sent == []
        here.rtp.close()

    run_stepped(main())


def test_a_silence_that_need_not_be_sent_is_not() -> None:
    async def main() -> None:
        here = End()
        here.rtp.begin(AudioSender(Codec("opus", 111, 48_000), 1, "us", OpusOptions(dtx=True)), 1.0)
        here.rtp.speaks = True
        for _ in range(100):
            here.rtp.send(AudioFrame(np.zeros((1, 960), np.int16), 48_000))
        assert 0 < len(here.sent) < 50
        here.rtp.close()

    if libopus.library() is None:
        pytest.skip("no libopus can be reached here")
    run_stepped(main())


@pytest.mark.parametrize(("seconds", "first"), [(1.0, 1.0), (5.0, 0.5)])
def test_reports_are_due_at_their_time_give_or_take_a_half_and_the_first_sooner(
    seconds: float, first: float
) -> None:
    async def main() -> None:
        here = End()
        here.begin(seconds, first)
        await Clock().sleep(100 * seconds)
        here.rtp.close()
        gaps = np.diff([0.0, *here.due])
        assert 0.5 * seconds * first <= gaps[0] <= 1.5 * seconds * first
        assert 0.5 * seconds <= gaps[1:].min() < 0.7 * seconds
        assert 1.3 * seconds < gaps[1:].max() <= 1.5 * seconds
        assert 85 < len(here.due) < 115

    run_stepped(main())


def test_a_far_end_that_stops_sending_is_silent_for_a_while_and_heard_again_when_it_goes_on() -> None:
    """A file that was played to its end: whoever waits for a pause would wait for ever."""

    async def main() -> None:
        here, there = End(1), End(2)
        there.begin()
        here.begin()
        for _ in range(2):
            before = len(there.heard)
            for frame in said(1):
                here.rtp.send(frame)
                there.rtp.take(here.sent[-1], Clock().now())
                await Clock().sleep(PIECE)
            assert len(there.heard) == before + 50
            await Clock().sleep(0.9)
            assert len(there.heard) == before + 50, "a network may hold it up for so long"
            await Clock().sleep(10)
            silence = [frame for _, frame in there.heard[before + 50 :]]
            assert sum(frame.duration for frame in silence) == pytest.approx(STOPPED_SILENCE, abs=0.05)
            assert not any(frame.samples.any() for frame in silence)
        assert there.rtp.counted["heard"]["concealed"] == 0
        here.rtp.close()
        there.rtp.close()

    run_stepped(main())


def test_another_sender_takes_the_place_of_the_first_and_reports_are_no_more_often() -> None:
    async def main() -> None:
        here = End(1)
        here.begin()
        here.ssrc = 2
        here.begin()
        await Clock().sleep(100)
        assert 85 < len(here.due) < 115
        (report,) = rtcp.parse(here.rtp.reports())
        assert report.ssrc == 2
        here.rtp.close()

    run_stepped(main())


def test_each_end_learns_from_the_reports_of_the_other() -> None:
    async def main() -> None:
        here, there = End(1), End(2)
        there.rtp.told(rtcp.goodbye(9), 0.0)  # before it can say anything itself
        here.begin()
        there.begin()
        for n, frame in enumerate(said(2)):
            here.rtp.send(frame)
            if n % 5:
                there.rtp.take(here.sent[-1], Clock().now())
            await Clock().sleep(PIECE)
        there.rtp.told(here.rtp.reports(), Clock().now())
        await Clock().sleep(0.03)
        here.rtp.told(there.rtp.reports(), Clock().now())
        said_by_here = here.rtp.counted["said"]
        assert said_by_here["round_trip"] == pytest.approx(0, abs=0.001), "the time between does not count"
        assert said_by_here["loss"] > 4
        here.rtp.close()
        there.rtp.close()

    run_stepped(main())


def test_sound_comes_in_the_form_that_is_wanted_and_keys_by_their_names() -> None:
    async def main() -> None:
        there = End()
        there.rtp.hear_at(24_000, 2)
        there.rtp.take(build(0, 0, 0, 1, b"\xff" * 160), 0.0)
        there.rtp.take(build(101, 1, 160, 1, keys.payload("7", 160, end=True)), 0.02)
        ((_, frame),) = there.heard
        assert frame.samples.shape == (2, 160), "G.711 knows no other rate"
        assert there.pressed == ["7"]
        there.rtp.close()

    run_stepped(main())


def test_who_waits_for_nothing_leaves_no_timer() -> None:
    async def main() -> None:
        there = End()
        there.rtp.take(build(0, 0, 0, 1, b"\xff" * 160), 0.0)
        loop: object = asyncio.get_running_loop()
        assert not loop._scheduled  # type: ignore[attr-defined]
        there.rtp.close()

    run_stepped(main())
