"""When work is spared: the shares of a core that decide it, and the encoders of a loop that are told."""

import asyncio
from typing import Any

import pytest

from rtstream.clock import Clock, run_stepped
from rtstream.media.opus import OpusOptions
from rtstream.rtp.codecs import Codec
from rtstream.rtp.effort import CHEAPEST, Effort
from rtstream.rtp.sender import AudioSender
from rtstream.transports import sparing
from rtstream.transports.sparing import LOOK_SECONDS, Sparing
from tests.unit.voice import frames, voice


def test_work_is_spared_once_the_thread_has_been_busy_for_a_second() -> None:
    effort = Effort(worked=5.0, now=100.0)
    assert effort.look(worked=5.9, now=101.0)


def test_it_is_spared_until_the_thread_is_calm_again() -> None:
    effort = Effort(worked=0.0, now=0.0)
    assert effort.look(worked=0.9, now=1.0)
    assert effort.look(worked=1.5, now=2.0), "0.6 of a core is what sparing has made of more"
    assert not effort.look(worked=2.0, now=3.0)


def test_a_thread_at_three_quarters_of_its_core_takes_all_the_care() -> None:
    effort = Effort(worked=0.0, now=0.0)
    assert not any(effort.look(0.75 * now, now) for now in range(1, 60))


class Told:
    """A sender that notes what it is told."""

    def __init__(self) -> None:
        self.spares: list[bool] = []

    def spare(self, spares: bool) -> None:
        self.spares.append(spares)


class Thread:
    """The thread of a stepped loop: the share of its core that it uses from one look to the next."""

    share = 1.0

    def __init__(self) -> None:
        self._worked = self._since = 0.0

    def worked(self, now: float) -> float:
        self._worked, self._since = self._worked + self.share * (now - self._since), now
        return self._worked


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> Thread:
    found = Thread()
    monkeypatch.setattr(Clock, "worked", lambda clock: found.worked(clock.now()))
    return found


def test_all_senders_of_a_loop_are_told_together_whether_to_spare_work(thread: Thread) -> None:
    async def main() -> None:
        one, other = Told(), Told()
        senders: list[Any] = [one, other]
        for sender in senders:
            sparing.sparing().add(sender)
        await Clock().sleep(1.5 * LOOK_SECONDS)
        assert one.spares == other.spares == [True]
        sparing.sparing().remove(senders[1])
        thread.share = 0.2
        await Clock().sleep(LOOK_SECONDS)
        assert one.spares == [True, False] and other.spares == [True]
        sparing.sparing().remove(senders[0])

    run_stepped(main())


def test_without_senders_nobody_looks_and_the_next_one_begins_anew(thread: Thread) -> None:
    async def main() -> None:
        sender: Any = Told()
        first = sparing.sparing()
        first.add(sender)
        first.remove(sender)
        await Clock().sleep(10 * LOOK_SECONDS)
        assert sender.spares == []
        second = sparing.sparing()
        assert second is not first
        thread.share = 0.1
        second.add(sender)
        await Clock().sleep(1.5 * LOOK_SECONDS)
        assert sender.spares == [False], "what was before it does not count"
        second.remove(sender)
        assert asyncio.get_running_loop() not in sparing._of_loops

    run_stepped(main())


@pytest.mark.parametrize("may", [True, False])
@pytest.mark.usefixtures("thread")
def test_an_encoder_takes_less_care_while_its_loop_is_busy_if_it_may(may: bool) -> None:
    async def main() -> None:
        options = OpusOptions(complexity=5, cheaper_when_busy=may)
        sender = AudioSender(Codec("opus", 111, 48_000), 1, "us", options)
        careless: list[int] = []
        sparing.sparing().add(sender)
        await Clock().sleep(1.5 * LOOK_SECONDS)  # before it has an encoder
        sender.packet(frames(voice(0.02))[0], Clock().now())
        encoder: Any = sender._encoder
        encoder.work = careless.append
        await Clock().sleep(3 * LOOK_SECONDS)
        assert careless == ([CHEAPEST] if may else [])
        sparing.sparing().remove(sender)

    run_stepped(main())


def test_each_loop_is_looked_at_by_itself() -> None:
    async def here() -> Sparing:
        found = sparing.sparing()
        assert sparing.sparing() is found
        sender: Any = Told()
        found.add(sender)
        await asyncio.sleep(0)
        found.remove(sender)
        return found

    assert asyncio.run(here()) is not asyncio.run(here())
