"""Checks of ICE through a network that loses them, or takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aioice.ice
import aioice.stun
import pytest

from rtstream import Stream
from rtstream.clock import run_stepped
from rtstream.transports import consent
from rtstream.transports.aioice_checks import Checks
from rtstream.transports.aiortc_inside import choose_ice_addresses
from rtstream.transports.contract import CHECKS
from rtstream.transports.private_names import known, private
from rtstream.transports.stun_again import outlast_loss
from tests.conftest import run
from tests.helpers.handlers import AsyncEcho
from tests.helpers.renaming import rename
from tests.helpers.server import answering, until
from tests.helpers.webrtc import Take, caller, connection_of, intercept

pytestmark = pytest.mark.network

REQUEST, ANSWER = b"\x00\x01", b"\x01\x01"  # RFC 8489 §5: a binding request, and its success


def lose(connection: Any, kind: bytes, count: int) -> list[tuple[float, bytes]]:
    """Let so many messages not come to a connection; when they would have, and what they were."""
    lost: list[tuple[float, bytes]] = []

    def handle(take: Take, data: bytes, address: Any) -> None:
        if data[:2] == kind and len(lost) < count:
            lost.append((asyncio.get_running_loop().time(), data))
        else:
            take(data, address)

    intercept(connection, handle)
    return lost


def answer_late(connection: Any, seconds: float) -> None:
    """Let a connection's answers be so late."""

    def handle(take: Take, data: bytes, address: Any) -> None:
        late = seconds if data[:2] == REQUEST else 0.0
        asyncio.get_running_loop().call_later(late, take, data, address)

    intercept(connection, handle)


def under(connection: aioice.Connection) -> Any:
    """A transport that a connection lies under."""
    return SimpleNamespace(transport=SimpleNamespace(_connection=connection))


@asynccontextmanager
async def connected(*, outlasts: bool = True) -> AsyncIterator[tuple[Any, Any]]:
    """Two ends of ICE, of which the first is ours, and the second aioice as it is."""
    choose_ice_addresses()
    ours, theirs = ends = aioice.Connection(ice_controlling=False), aioice.Connection(ice_controlling=True)
    for end, other in (ends, reversed(ends)):
        await end.gather_candidates()
        for candidate in (*end.local_candidates, None):
            await other.add_remote_candidate(candidate)
        other.remote_username, other.remote_password = end.local_username, end.local_password
    if outlasts:
        outlast_loss(under(ours))
    await asyncio.gather(ours.connect(), theirs.connect())
    try:
        yield ours, theirs
    finally:
        await ours.close()
        await theirs.close()


def test_a_server_whose_checks_are_lost_asks_again_before_aioice_would() -> None:
    async def main() -> None:
        async with answering(Stream(AsyncEcho(), modality="audio")) as server, caller(server) as client:
            body = await client.offer()
            lost = lose(connection_of(client), REQUEST, 4)
            await client.take(await server.post(json=body))
            await client.hears(0.1)
        pauses = [
            later - at
            for number, (at, data) in enumerate(lost)
            for later, other in lost[number + 1 :]
            if other == data
        ]
        assert pauses and min(pauses) < 0.4

    run(main())


def test_a_check_of_consent_that_is_lost_is_said_again_and_counts() -> None:
    async def main() -> None:
        async with connected() as (ours, theirs):
            lost = lose(theirs, REQUEST, 1)
            begun = asyncio.get_running_loop().time()
            assert await Checks(under(ours)).ask_for_consent()
            assert len(lost) == 1 and asyncio.get_running_loop().time() - begun >= 0.5

    run(main())


def test_a_far_end_beyond_the_oceans_keeps_consenting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "PERIOD", (0.0, 0.1))
    monkeypatch.setattr(consent, "EXPIRES", 2.0)
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.1)
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 1)

    async def main() -> None:
        async with connected() as (ours, theirs):
            answer_late(theirs, 0.6)  # aioice waits for half a second
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ours.recv(), 2.5)  # which ends with an error if the connection does

    run(main())


def test_a_far_end_that_answers_no_more_is_sent_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "PERIOD", (0.0, 0.1))
    monkeypatch.setattr(consent, "EXPIRES", 0.3)

    async def main() -> None:
        async with connected() as (ours, theirs):
            lose(theirs, REQUEST, 1000)
            with pytest.raises(ConnectionError):
                await ours.recv()
            with pytest.raises(ConnectionError):
                await ours.send(b"still there?")
            assert not await Checks(under(ours)).ask_for_consent()

    run(main())


def test_an_answer_from_elsewhere_is_no_consent() -> None:
    async def main() -> None:
        async with connected() as (ours, _):
            intercept(ours, lambda take, data, _: take(data, ("127.0.0.9", 9)))
            assert not await Checks(under(ours)).ask_for_consent()

    run(main())


def answers_to(connection: Any) -> list[bytes]:
    """What a connection is answered, from now on."""
    answers: list[bytes] = []

    def handle(take: Take, data: bytes, address: Any) -> None:
        if data[:2] == ANSWER:
            answers.append(data)
        take(data, address)

    intercept(connection, handle)
    return answers


def test_answers_are_said_three_times_while_checks_are_lost_and_once_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consent, "PERIOD", (0.0, 0.1))

    async def main() -> None:
        async with connected() as (ours, theirs):
            answers, asking = answers_to(theirs), Checks(under(theirs))
            assert await asking.ask_for_consent()
            lose(theirs, REQUEST, 1)
            while answers.count(answers[-1]) < 3:
                assert await asking.ask_for_consent()
                await asyncio.sleep(0.2)  # between two checks; the third answer comes 0.15 s after the first
            assert answers.count(answers[0]) == 1

    run(main())


def test_the_answer_to_a_check_that_comes_again_is_said_three_times() -> None:
    async def main() -> None:
        async with connected() as (ours, theirs):
            answers = answers_to(theirs)
            lost = lose(theirs, ANSWER, 1)
            assert await Checks(under(theirs)).ask_for_consent()
            (once,) = {data for _, data in lost}
            await until(lambda: answers.count(once) == 3)

    run(main())


class FarEnd:
    """Answers a check of consent when `answers` says so of the moment, and takes `late` seconds for it."""

    def __init__(self, answers: Callable[[float], bool], late: float = 0.0) -> None:
        self.answers, self.late = answers, late
        self.asked: list[float] = []
        self.left: float | None = None

    async def ask(self) -> bool:
        now = asyncio.get_running_loop().time()
        self.asked.append(now)
        answers = self.answers(now)
        await asyncio.sleep(self.late if answers else 3.5)
        return answers

    async def keep(self) -> None:
        await consent.Consent(self.ask).keep()
        self.left = asyncio.get_running_loop().time()


async def kept(far: FarEnd, seconds: float) -> None:
    keeping = asyncio.create_task(far.keep())
    await asyncio.wait([keeping], timeout=seconds)
    keeping.cancel()
    await asyncio.wait([keeping])


def test_consent_expires_thirty_seconds_after_the_last_answer() -> None:
    far = FarEnd(lambda now: now < 60, late=1.0)
    run_stepped(kept(far, 600))
    answered = max(asked for asked in far.asked if asked < 60) + 1.0
    assert far.left == pytest.approx(answered + 30)


def test_one_answer_in_thirty_seconds_is_enough() -> None:
    far = FarEnd(lambda now: now % 25 < 6)
    run_stepped(kept(far, 600))
    assert far.left is None


def test_the_far_end_is_asked_every_four_to_six_seconds_whether_it_answers_or_not() -> None:
    far = FarEnd(lambda now: now < 300, late=2.0)
    run_stepped(kept(far, 600))
    pauses = [later - asked for asked, later in zip([0.0, *far.asked], far.asked, strict=False)]
    assert len(pauses) > 55
    assert all(4 <= pause <= 6 for pause in pauses) and max(pauses) - min(pauses) > 1


def test_a_line_is_taken_for_lossy_for_thirty_seconds_after_a_check_not_answered_at_once() -> None:
    async def main() -> None:
        far: FarEnd = FarEnd(lambda _: len(far.asked) != 4)
        asked = consent.Consent(far.ask)
        keeping = asyncio.create_task(asked.keep())
        lossy = []
        for _ in range(70):
            await asyncio.sleep(1)
            lossy.append(asked.lossy)
        keeping.cancel()
        lost = far.asked[3]
        assert lossy == [lost + 3.5 <= at < lost + 30 for at in range(1, 71)]

    run_stepped(main())


@pytest.mark.usefixtures("contract_anew")
@pytest.mark.parametrize("name", CHECKS.names)
def test_an_aioice_in_which_a_name_is_another_stays_as_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        rename(private(name), ("aiortc", "aioice"), monkeypatch)
        ours = aioice.Connection(ice_controlling=False)
        before = dict(vars(ours))
        outlast_loss(under(ours))
        assert vars(ours) == before and not known(CHECKS)

    run(main())
