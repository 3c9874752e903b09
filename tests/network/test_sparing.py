"""Calls of both kinds while their event loop is busy: Opus is encoded with less work, and with care again."""

from __future__ import annotations

import pytest

from rtstream import Stream
from rtstream.clock import Clock
from rtstream.media import libopus
from rtstream.rtp.effort import CHEAPEST
from rtstream.transports import sparing
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.server import answering, until
from tests.helpers.sip_caller import SipCaller, telephone
from tests.helpers.webrtc import caller
from tests.unit.signals import sound

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(libopus.library() is None, reason="no libopus can be reached here"),
]

SHORT = 0.05  # seconds between two looks
CAREFUL = 5  # the complexity that is wished for


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The share of its core that the loop uses up, all of it to begin with."""
    share = [1.0]
    monkeypatch.setattr(Clock, "worked", lambda clock: share[0] * clock.now())
    monkeypatch.setattr(sparing, "LOOK_SECONDS", SHORT)
    return share


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The complexities that encoders were told, in their order."""
    told: list[int] = []
    original = libopus.Encoder.work

    def noted(encoder: libopus.Encoder, complexity: int) -> None:
        told.append(complexity)
        original(encoder, complexity)

    monkeypatch.setattr(libopus.Encoder, "work", noted)
    return told


async def is_cheap_and_then_careful(busy: list[float], work: list[int]) -> None:
    await until(lambda: work == [CHEAPEST])
    busy[0] = 0.0  # seconds that were used are no fewer, so that the share of this look is below nought
    await until(lambda: work == [CHEAPEST, CAREFUL])


def test_a_browser_is_sent_what_costs_less_while_the_loop_is_busy(busy: list[float], work: list[int]) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", rtp_params={"opus": {"complexity": CAREFUL}})
        async with answering(stream) as server, caller(server) as client:
            await client.call()
            await client.hears(0.1)
            await is_cheap_and_then_careful(busy, work)
            await client.hears(0.1)

    run(main())


def test_a_softphone_is_sent_what_costs_less_while_the_loop_is_busy(
    busy: list[float], work: list[int]
) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio", rtp_params={"opus": {"complexity": CAREFUL}})
        async with telephone(stream) as phone, SipCaller.of(phone, codec="opus") as client:
            await client.dial()
            await client.say(sound(440, 0.2, 48_000))
            await is_cheap_and_then_careful(busy, work)
            before = len(client.heard)
            await client.say(sound(440, 0.2, 48_000))
            await until(lambda: len(client.heard) > before + 5)

    run(main())


@pytest.mark.usefixtures("busy")
def test_who_forbids_it_is_sent_the_same_care(work: list[int]) -> None:
    async def main() -> None:
        options = {"complexity": CAREFUL, "cheaper_when_busy": False}
        stream = Stream(AsyncEcho(), modality="audio", rtp_params={"opus": options})
        async with telephone(stream) as phone, SipCaller.of(phone, codec="opus") as client:
            await client.dial()
            await client.say(sound(440, 6 * SHORT, 48_000))
            assert len(client.heard) > 5 and not work

    run(main())
