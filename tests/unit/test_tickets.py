"""Tickets: what a webhook told of a call, sealed into the address of its socket."""

from __future__ import annotations

import pytest

from rtstream.context import Call
from rtstream.wire.tickets import LONGEST, SECONDS, seal, unseal

CALL = Call("telnyx", "v3:1", "+4930123456", "+4930654321", {"language": "de"})
NOW = 1_800_000_000.0


def test_a_ticket_carries_the_call_and_shows_nothing_of_it() -> None:
    ticket = seal(CALL, ["secret"], NOW)
    opened = unseal(ticket, ["secret"], NOW + SECONDS)
    assert opened is not None and opened.call == CALL
    assert "+49" not in ticket and ticket.replace("-", "").replace("_", "").isalnum()
    assert len(ticket) < 400
    assert seal(CALL, ["secret"], NOW) != ticket


@pytest.mark.parametrize("keys", [[], ["secret", "other"], ["other"]])
def test_other_keys_do_not_open_it(keys: list[str]) -> None:
    assert unseal(seal(CALL, ["secret"], NOW), keys, NOW) is None


def test_the_order_of_the_keys_does_not_matter() -> None:
    assert unseal(seal(CALL, ["b", "a"], NOW), ["a", "b"], NOW) is not None


@pytest.mark.parametrize(
    ("ticket", "age"), [(None, SECONDS + 1), (None, -100), ("", 0), ("x" * 120, 0), ("ü", 0)]
)
def test_an_old_or_forged_ticket_is_none(ticket: str | None, age: float) -> None:
    assert unseal(seal(CALL, ["secret"], NOW) if ticket is None else ticket, ["secret"], NOW + age) is None


def test_a_ticket_longer_than_any_of_ours_is_not_looked_at() -> None:
    assert unseal("A" * (LONGEST + 1), ["secret"], NOW) is None


def test_a_ticket_has_one_number_however_it_is_written() -> None:
    ticket = seal(CALL, ["secret"], NOW)
    opened = unseal(ticket, ["secret"], NOW)
    padded = unseal(ticket + "=", ["secret"], NOW) or unseal("!" + ticket, ["secret"], NOW) or opened
    assert opened is not None and padded is not None and padded.number == opened.number
    another = unseal(seal(CALL, ["secret"], NOW), ["secret"], NOW)
    assert another is not None and another.number != opened.number
