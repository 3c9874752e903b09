"""A line to the outside without a network: a tunnel in the test's hands, and a number that it leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from rtstream.carriers.hook import Hook, Number
from rtstream.clock import run_stepped
from rtstream.errors import CarrierError, QuotaSpent, RtstreamError
from rtstream.phone.card import as_dict, card
from rtstream.phone.line import Line
from rtstream.tunnels.kept import TunnelNews
from tests.helpers.rope import URL, Rope

OTHER = "https://b.example.org"


class Exchange(Hook):
    """Leads one number; `fails` are raised by the next leads, one each."""

    name = "exchange"

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.fails: list[CarrierError] = []
        self.undoing_fails: CarrierError | None = None

    def _lead(self, url: str) -> Number:
        self.told.append(f"lead {url}")
        if self.fails:
            raise self.fails.pop(0)
        if not self._undo:
            self._undo.append(self._back)
        return Number("+1", self.name)

    def _back(self) -> None:
        self.told.append("back")
        if self.undoing_fails:
            raise self.undoing_fails


class Ears:
    """What a line tells, and a wait for it."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self._changed = asyncio.Condition()

    def tunnel(self, news: TunnelNews) -> None:
        self._hear(news.kind)

    def number(self, number: Number) -> None:
        self._hear(number)

    def trouble(self, error: RtstreamError) -> None:
        self._hear(error)

    @property
    def numbers(self) -> list[Number]:
        return [one for one in self.heard if isinstance(one, Number)]

    def _hear(self, what: Any) -> None:
        self.heard.append(what)
        self._telling = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, true: Callable[[], Any]) -> None:
        async with self._changed:
            await self._changed.wait_for(true)


class World:
    """A line and all that it holds on to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, hook: Hook | None = None) -> None:
        self.rope, self.ears, self.stream = Rope(), Ears(), SimpleNamespace(public_url=None)
        self.hook = hook or Exchange()
        self.line = Line(self.rope, [self.stream], self.ears, hook=self.hook)
        self.line.around(lambda *_: None)
        monkeypatch.setattr("rtstream.tunnels.beacon.Beacon.probe", lambda _: SimpleProbe(self.rope))


class SimpleProbe:
    """Asks the rope."""

    def __init__(self, rope: Rope) -> None:
        self.ask = rope.ask
        self.ask_socket = rope.ask_socket

    async def close(self) -> None: ...


def test_streams_know_where_the_outside_reaches_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        world = World(monkeypatch)
        assert await world.line.open("127.0.0.1", 8000) == URL
        assert world.stream.public_url == URL
        world.rope.opens = [OTHER]
        world.rope.torn.set()
        await world.ears.until(lambda: world.ears.numbers)
        assert world.stream.public_url == OTHER
        assert world.ears.heard == ["lost", "back", Number("+1", "exchange")]
        await world.line.close()
        assert world.hook.told == [f"lead {URL}", f"lead {OTHER}", "back"]  # type: ignore[attr-defined]

    run_stepped(scene())


def test_a_tunnel_that_comes_back_where_it_was_leads_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        world = World(monkeypatch)
        await world.line.open("127.0.0.1", 8000)
        world.rope.torn.set()
        await world.ears.until(lambda: world.ears.heard == ["lost", "back"])
        await world.line.close()
        assert world.hook.told == [f"lead {URL}", "back"]  # type: ignore[attr-defined]

    run_stepped(scene())


def test_a_service_that_is_away_when_it_is_to_lead_anew_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        hook = Exchange()
        world = World(monkeypatch, hook)
        await world.line.open("127.0.0.1", 8000)
        away = CarrierError("away")
        hook.fails = [away, away, away]
        world.rope.opens = [OTHER]
        world.rope.torn.set()
        await world.ears.until(lambda: world.ears.numbers)
        assert world.ears.heard[2:5] == [away] * 3
        await world.line.close()
        assert hook.told[-1] == "back"

    run_stepped(scene())


def test_spent_minutes_are_told_once_and_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        hook = Exchange()
        world = World(monkeypatch, hook)
        await world.line.open("127.0.0.1", 8000)
        spent = QuotaSpent("spent")
        hook.fails = [spent]
        world.rope.opens = [OTHER]
        world.rope.torn.set()
        await world.ears.until(lambda: spent in world.ears.heard)
        await asyncio.sleep(300)
        assert hook.told == [f"lead {URL}", f"lead {OTHER}"]
        await world.line.close()

    run_stepped(scene())


def test_what_goes_wrong_at_the_end_is_told_and_the_tunnel_closes_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        hook = Exchange()
        hook.undoing_fails = CarrierError("it stays")
        world = World(monkeypatch, hook)
        await world.line.open("127.0.0.1", 8000)
        await world.line.close()
        assert world.ears.heard == [hook.undoing_fails]
        assert world.rope.closed
        await world.line.give_back()
        assert hook.told.count("back") == 1

    run_stepped(scene())


def test_a_number_that_is_refused_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        hook = Exchange()
        hook.fails = [QuotaSpent("spent")]
        world = World(monkeypatch, hook)
        with pytest.raises(QuotaSpent):
            await world.line.open("127.0.0.1", 8000)
        await world.line.close()
        assert hook.told == [f"lead {URL}"]
        assert world.rope.closed

    run_stepped(scene())


def test_a_program_that_must_go_waits_a_little_and_no_longer() -> None:
    hook = Exchange()
    with hook._lock:
        with pytest.raises(CarrierError, match="still answers"):
            hook.give_back(0.01)
    hook.lead(URL)
    hook.give_back(0.01)
    assert hook.told == [f"lead {URL}", "back"]


def test_a_card_has_only_what_is_known() -> None:
    assert card(Number("+1", "twilio")) == [("call", "+1")]
    facts = dict(card(Number("+1", "fastphone", "77", 59.6, "2026-12-01")))
    assert facts["time left"] == "1:00 minutes"
    assert facts["code"].startswith("77 ")
    assert as_dict(Number("+1", "twilio"))["code"] is None
