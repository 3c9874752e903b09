"""A tunnel that is kept, on stepped time: when it is given up, and how it comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtstream.clock import Clock, run_stepped
from rtstream.errors import TunnelFailed
from rtstream.tunnels.kept import KeptTunnel, TunnelNews
from tests.helpers.rope import URL, Rope


class Ears:
    """The news and when they came."""

    def __init__(self) -> None:
        self.news: list[tuple[float, TunnelNews]] = []
        self._heard = asyncio.Condition()

    async def __call__(self, news: TunnelNews) -> None:
        self.news.append((Clock().now(), news))
        async with self._heard:
            self._heard.notify_all()

    async def until(self, count: int) -> None:
        """Wait for that many news."""
        async with self._heard:
            await self._heard.wait_for(lambda: len(self.news) >= count)

    @property
    def kinds(self) -> list[str]:
        return [news.kind for _, news in self.news]


def kept(rope: Rope, ears: Ears, **more: Any) -> KeptTunnel:
    return KeptTunnel(rope, "127.0.0.1", 8000, rope, ears, **more)


def test_a_tunnel_that_falls_silent_is_given_up_within_15_seconds() -> None:
    async def scene() -> None:
        rope, ears = Rope(), Ears()
        tunnel = kept(rope, ears)
        await tunnel.open()
        await asyncio.sleep(60)
        assert ears.news == []
        rope.carries = False
        silent_since = Clock().now()
        await ears.until(1)
        when, news = ears.news[0]
        assert news == TunnelNews("lost", URL, "nothing comes out")
        assert when - silent_since + 2 * 3 < 15  # and each question may take 3 s to fail
        await tunnel.close()

    run_stepped(scene())


def test_one_lost_answer_is_no_lost_tunnel() -> None:
    async def scene() -> None:
        rope, ears = Rope(), Ears()
        tunnel = kept(rope, ears)
        await tunnel.open()
        rope.every_other = True
        await asyncio.sleep(300)
        assert rope.asked > 50
        assert ears.news == []
        await tunnel.close()

    run_stepped(scene())


def test_it_comes_back_with_longer_and_longer_waits_between() -> None:
    async def scene() -> None:
        rope, ears = Rope(), Ears()
        tunnel = kept(rope, ears)
        await tunnel.open()
        rope.opens = [TunnelFailed("no", why="busy")] * 8
        rope.torn.set()
        await ears.until(10)
        assert ears.kinds == ["lost", *["failed"] * 8, "back"]
        waits = [later - sooner for sooner, later in zip(rope.times[1:], rope.times[2:], strict=False)]
        for wait, expected in zip(waits, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
            assert 0.8 * expected <= wait <= 1.2 * expected + 0.1
        assert ears.news[1][1].why == "no: busy"
        await tunnel.close()

    run_stepped(scene())


def test_a_new_address_is_said_to_be_one() -> None:
    async def scene() -> None:
        rope, ears = Rope(), Ears()
        tunnel = kept(rope, ears)
        await tunnel.open()
        for count, url, moved in ((2, URL, False), (4, "https://b.example.org/", True)):
            rope.opens = [url]
            rope.torn.set()
            await ears.until(count)
            assert ears.news[-1][1].moved == moved
            assert tunnel.url == url.rstrip("/")
        await tunnel.close()

    run_stepped(scene())


@pytest.mark.parametrize(("opened", "why"), [(None, "the rope says something"), (URL, "nothing comes out")])
def test_the_time_for_opening_counts_until_it_carries(opened: str | None, why: str) -> None:
    async def scene() -> None:
        rope, ears = Rope(), Ears()
        rope.opens, rope.carries = [opened], False
        begun = Clock().now()
        with pytest.raises(TunnelFailed, match="was not there after 30 s") as caught:
            await kept(rope, ears).open()
        assert Clock().now() - begun == pytest.approx(30, abs=0.1)
        assert why in caught.value.why
        assert rope.closed

    run_stepped(scene())


def test_one_that_dies_while_it_is_asked_is_told_at_once() -> None:
    async def scene() -> None:
        rope, ears = Rope(), Ears()
        rope.carries = False
        opening = asyncio.create_task(kept(rope, ears).open())
        await asyncio.sleep(2)
        rope.torn.set()
        with pytest.raises(TunnelFailed, match="died at once"):
            await opening
        assert Clock().now() < 3

    run_stepped(scene())


def test_a_closed_tunnel_is_not_opened_again() -> None:
    async def scene() -> None:
        rope, ears = Rope(), Ears()
        tunnel = kept(rope, ears)
        await tunnel.open()
        rope.opens = [TunnelFailed("no")]
        rope.torn.set()
        await asyncio.sleep(0.5)
        await tunnel.close()
        await asyncio.sleep(100)
        assert len(rope.times) == 2
        assert ears.kinds == ["lost", "failed"]

    run_stepped(scene())
