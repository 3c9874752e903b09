"""It is known when each sender report of pictures left, and there are more of them than aiortc sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiortc import RTCPeerConnection

from rtstream.rtp import rtcp
from rtstream.transports.aiortc_sender import EVERY, KEPT, Reports
from rtstream.transports.contract import REPORTS
from rtstream.transports.private_names import private
from tests.helpers.renaming import rename

NTP = rtcp.ntp(1_700_000_000.5)
NAME = rtcp.middle(NTP)


class World:
    """A sender of aiortc, of which it is seen what it would send, and a clock."""

    def __init__(self) -> None:
        self.now = 10.0
        connection: Any = RTCPeerConnection()
        self.sender = connection.addTransceiver("video").sender
        self.sent: list[rtcp.Report] = []

        async def send(packets: list[Any]) -> None:
            self.sent += rtcp.parse(b"".join(map(bytes, packets)))

        self.sender._send_rtcp = self.untouched = send
        self.reports = Reports(self.sender, lambda: self.now)

    def says(self, ntp: int) -> None:
        """aiortc has sent a packet at that moment."""
        self.sender._RTCRtpSender__ntp_timestamp = ntp
        self.sender._RTCRtpSender__rtp_timestamp = 90_000
        self.sender._RTCRtpSender__packet_count = 7
        self.sender._RTCRtpSender__octet_count = (1 << 32) + 900

    async def aiortc_reports(self, ntp: int) -> None:
        await self.sender._send_rtcp([rtcp.report(1, rtcp.Sent(ntp, 0, 0, 0), [])])


def in_world(test: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(World())

    asyncio.run(main())


def test_what_has_left_is_reported_four_times_a_second() -> None:
    async def test(world: World) -> None:
        world.says(NTP)
        await world.reports.send()
        (report,) = world.sent
        assert report.ssrc == world.sender._ssrc
        assert report.sent == rtcp.Sent(NTP, 90_000, 7, 900)
        assert world.reports.left(NAME) == 10.0
        world.says(NTP + (1 << 20))
        world.now += EVERY / 2
        await world.reports.send()
        assert len(world.sent) == 1
        world.now += EVERY / 2
        await world.reports.send()
        assert len(world.sent) == 2

    in_world(test)


def test_nothing_is_reported_before_there_is_anything_and_nothing_twice() -> None:
    async def test(world: World) -> None:
        await world.reports.send()
        assert world.sent == []
        world.says(NTP)
        for _ in range(3):
            await world.reports.send()
            world.now += 1
        assert len(world.sent) == 1

    in_world(test)


def test_aiortcs_own_reports_are_known_too_but_not_which_of_two_that_have_one_name() -> None:
    async def test(world: World) -> None:
        await world.aiortc_reports(NTP)
        assert world.reports.left(NAME) == 10.0
        world.now += 1
        await world.aiortc_reports(NTP)
        assert world.reports.left(NAME) is None
        assert len(world.sent) == 2
        await world.aiortc_reports(0)
        assert world.reports.left(0) is None, "which stands for no report at all"

    in_world(test)


def test_reports_that_are_not_answered_are_forgotten() -> None:
    async def test(world: World) -> None:
        for number in range(KEPT + 1):
            await world.aiortc_reports(NTP + (number << 16))
        assert world.reports.left(NAME) is None
        assert world.reports.left(NAME + 1) == 10.0

    in_world(test)


@pytest.mark.usefixtures("contract_anew")
@pytest.mark.parametrize("name", REPORTS.names)
def test_an_aiortc_of_another_kind_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        await world.reports.send()
        assert world.sender._send_rtcp is world.untouched
        assert world.sent == []

    rename(private(name), ("aiortc",), monkeypatch)
    in_world(test)
